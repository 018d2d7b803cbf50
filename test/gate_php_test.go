package test

import (
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// php is a FastCGI upstream that notes the variables it gets.
type php struct {
	env    map[string]string
	header http.Header
}

func startPHP(t *testing.T) <-chan php {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	told := make(chan php, 1)
	go func() {
		_ = fcgi.Serve(listener, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { // ends with its listener
			told <- php{env: fcgi.ProcessEnv(r), header: r.Header}
		}))
	}()
	t.Setenv("PHP", listener.Addr().String())
	return told
}

// startPHPSite guards /admin of a PHP application with a front controller.
func startPHPSite(t *testing.T, gate string) *gateway {
	t.Helper()
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	`+gate+`
	root {$DIR}
	php_fastcgi {$PHP}
}
`)
	if err := os.WriteFile(filepath.Join(os.Getenv("DIR"), "index.php"), []byte("<?php"), 0o600); err != nil {
		t.Fatal(err)
	}
	return g
}

// CGI folds header names into variables, and a client must reach none of those
// that say who the user is.
func TestIdentityOverFastCGI(t *testing.T) {
	told := startPHP(t)
	g := startPHPSite(t, "require_signin /admin/*")
	token := "Cookie: next-auth.session-token=" + seal(t, secret, g.claimsOf())
	for _, test := range []struct{ path, cookie, id, name string }{
		{"/admin/x", token, "credentials:1", "alice"},
		{"/open", token, "credentials:1", ""}, // REMOTE_USER is Caddy's {http.auth.user.id}
		{"/open", "Cookie: x=y", "", ""},
	} {
		g.raw("GET "+test.path+" HTTP/1.1", test.cookie, "Remote-User: forged", "REMOTE_USER: forged", "remote.user: forged",
			"Remote~User: forged", "Connection: Remote-User, close", "Remote-Groups: forged")
		got := <-told
		if got.env["REMOTE_USER"] != test.id || got.header.Get("Remote-User") != test.name {
			t.Errorf("%s: REMOTE_USER is %q and HTTP_REMOTE_USER %q", test.path, got.env["REMOTE_USER"], got.header.Get("Remote-User"))
		}
		for name, values := range got.header {
			if strings.Contains(strings.Join(values, ""), "forged") {
				t.Errorf("%s: the application gets %s: %q", test.path, name, values)
			}
		}
		if file := got.env["SCRIPT_FILENAME"]; filepath.Base(file) != "index.php" {
			t.Errorf("%s: the script is %q", test.path, file)
		}
	}
}

// As documented: a path behind a front controller's name is another path to a
// gate, unless it names both.
func TestPathsBehindAFrontController(t *testing.T) {
	told := startPHP(t)
	g := startPHPSite(t, "require_signin /admin/*")
	if got := g.browser().get("/index.php/admin/x"); got.status != http.StatusOK || (<-told).env["REMOTE_USER"] != "" {
		t.Errorf("behind the script's name: status %d, but the documentation says that it is open", got.status)
	}
	g = startPHPSite(t, "@admin path /admin /admin/* *.php/admin*\nrequire_signin @admin")
	for _, path := range []string{"/admin", "/admin/x", "/index.php/admin", "/index.php/admin/x", "/INDEX.php//Admin/x"} {
		if got := g.raw("GET " + path + " HTTP/1.1"); got.status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", path, got.status)
			<-told
		}
	}
	if got := g.browser().get("/index.php/other"); got.status != http.StatusOK {
		t.Errorf("another path: status %d", got.status)
	}
	<-told
}
