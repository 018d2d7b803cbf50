package test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Requirement E8: the first secret seals, all of them open, and a page view or a
// look at the session seals anew.
func TestSecretRotation(t *testing.T) {
	t.Setenv("OTHER", strconv.Quote(otherSecret))
	with := func(secrets string) string { return strings.Replace(onePasswordSite, "{$SECRET}", secrets, 1) }
	g := start(t, with("{$SECRET}"))
	page, look, idle := g.browser().signIn("alice"), g.browser().signIn("alice"), g.browser().signIn("alice")
	token := look.csrf()

	g.reload("", with("{$OTHER} {$SECRET}"))
	if got := page.visit("/app/"); got.status != http.StatusOK {
		t.Fatalf("with the old secret in second place a gate answers %d", got.status)
	}
	if !look.signedIn() {
		t.Fatal("with the old secret in second place GET session is anonymous")
	}
	open(t, otherSecret, page.token())
	open(t, otherSecret, look.token())
	if look.csrf() != token {
		t.Error("a CSRF token of the old secret was replaced")
	}

	g.reload("", with("{$OTHER}"))
	if !page.signedIn() || !look.signedIn() {
		t.Error("sessions that were sealed anew ended with the old secret")
	}
	if idle.signedIn() {
		t.Error("a session that was not sealed anew outlives its secret")
	}
}

// Two sites without a secret each get one of their own, the same after every
// restart, readable by nobody else.
func TestGeneratedSecrets(t *testing.T) {
	const sites = `
http://one.localhost:{$HTTP} {
	signin {
		{$USERS}
	}
	require_signin /app/*
	reverse_proxy {$ECHO}
}

http://two.localhost:{$HTTP} {
	signin {
		{$USERS}
	}
	require_signin /app/*
	reverse_proxy {$ECHO}
}
`
	g := start(t, sites)
	one := g.browserAt("http://one.localhost:" + strconv.Itoa(g.port)).signIn("alice")
	two := g.browserAt("http://two.localhost:" + strconv.Itoa(g.port)).signIn("alice")
	folder := filepath.Join(os.Getenv("STORAGE"), "signin", "secrets")
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 2 {
		t.Fatalf("%d generated secrets are kept, want 2: %v", len(files), err)
	}
	var secrets []string
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("a secret's file has the mode %v", info.Mode())
		}
		content, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, strings.TrimSpace(string(content)))
	}
	if secrets[0] == secrets[1] || len(secrets[0]) < 32 {
		t.Error("two realms share a generated secret, or it is short")
	}
	for _, b := range []*browser{one, two} {
		foreign := g.browserAt(one.origin)
		if b == one {
			foreign = g.browserAt(two.origin)
		}
		if foreign.withToken(b.token()).signedIn() {
			t.Error("a session crosses from one realm to the other")
		}
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	g.reload("", sites)
	if !one.signedIn() || !two.signedIn() {
		t.Error("a restart ended the sessions")
	}
	g.waitForLog("about the generated secret", func(line logLine) bool {
		message, _ := line["msg"].(string)
		return strings.HasPrefix(message, "generated a secret") && line["level"] == "info"
	})
}

// Of two realms with one secret neither takes the other's sessions: tokens name
// their realm.
func TestRealmsUnderOneSecret(t *testing.T) {
	g := startGlobal(t, `
	signin alpha {
		url http://alpha.localhost:{$HTTP}
		secret {$SECRET}
		{$USERS}
	}
`, `
http://alpha.localhost:{$HTTP} {
	signin alpha
	require_signin
	reverse_proxy {$ECHO}
}

http://alias.localhost:{$HTTP} {
	signin alpha
	require_signin
	reverse_proxy {$ECHO}
}

http://beta.localhost:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin
	reverse_proxy {$ECHO}
}
`)
	at := func(host string) *browser {
		return g.browserAt("http://" + host + ".localhost:" + strconv.Itoa(g.port))
	}
	alpha, beta := at("alpha").signIn("alice"), at("beta").signIn("alice")
	if claims := open(t, secret, alpha.token()); claims.Realm != "alpha" {
		t.Errorf("a named realm's token says realm %q", claims.Realm)
	}
	for _, test := range []struct {
		name   string
		from   *browser
		to     string
		passes bool
	}{
		{"the same realm on another host", alpha, "alias", true},
		{"a named realm's at another realm", alpha, "beta", false},
		{"another realm's at a named realm", beta, "alpha", false},
	} {
		got := at(test.to).withToken(test.from.token()).get("/x")
		if (got.status == http.StatusOK) != test.passes {
			t.Errorf("%s: status %d", test.name, got.status)
		}
	}
	alpha.signOut()
	if !beta.signedIn() {
		t.Error("signing out of one realm ended a session of another")
	}
}

// A storage that fails is no reason to make another secret or to let anyone in.
func TestGeneratedSecretThatCannotBeKept(t *testing.T) {
	g := start(t, strings.Replace(onePasswordSite, "secret {$SECRET}", "", 1))
	storage := os.Getenv("STORAGE")
	if err := os.MkdirAll(filepath.Join(storage, "signin"), 0o700); err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(storage, "signin", "secrets")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := g.browser()
	for _, path := range []string{"/api/auth/csrf", "/api/auth/session"} {
		got := b.get(path)
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || len(got.header["Set-Cookie"]) > 0 {
			t.Errorf("%s is answered %d %v", path, got.status, got.header)
		}
	}
	withCookie := b.get("/app/", "Cookie: next-auth.session-token=x")
	if withCookie.status != http.StatusServiceUnavailable || withCookie.header.Get("Retry-After") == "" {
		t.Errorf("a gate answers %d to a session that can't be looked at", withCookie.status)
	}
	g.echo.none(t)
	if got := b.get("/open"); got.status != http.StatusOK {
		t.Errorf("an open path answers %d", got.status)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	b.signIn("alice")
}
