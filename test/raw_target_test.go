package test

import (
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// guardedTargets are spellings of something below /app, and how a stranger is
// answered: 401 where the gate sees it, 400 where upstreams may read it apart.
var guardedTargets = map[string]int{
	"/app": 401, "/app/": 401, "/app/secret.txt": 401, "/APP/": 401, "/App/secret.txt": 401, "//app/": 400, "///app//": 400,
	"/%61pp/": 401, "/%41PP/": 401, "/app%2fsecret.txt": 401, "/%2fapp/": 400, "/app%2F": 401,
	"/app;x/": 401, "/app;x/secret.txt": 401, "/app;": 401, "/app/;x": 401, "/app/..;/open": 400, "/open/..;/app/": 400, "/open/..;x=y/app/": 400, "/.;/app/": 400,
	"/;/app/": 400, "/;x/app/secret.txt": 400, "/%3bx/app/": 400, "/;x=1/;y/app/": 400, "//;x/app/": 400, "/open/;/../app/": 400, "/app/;x/y": 400,
	"/./app/": 400, "/x/../app/": 400, "/x/y/../../app/": 400, "/app/../app/": 400, "/app/./": 400,
	"/x/..%2fapp/": 400, "/x/..%2Fapp/secret.txt": 400, "/x/%2e%2e/app/": 400, "/x/.%2e/app/": 400, "/x/%2E%2E%2Fapp/": 400,
	"/%2e/app/": 400, "/app/%2e": 400, "/app/%2e%2e/app/": 400,
	"/x%5c..%5capp/": 400, `/x\..\app\`: 400, `/app\..\open`: 400, "/%5capp/": 400,
	"/app/%00": 400, "/app%00/": 400, "/%00/../app/": 400, "/app/%ff": 400, "/app/%c0%af": 400, "/%c0%ae%c0%ae/app/": 400, "/app/\xff": 400,
	"/app/?x": 401, "/app?x=/open": 401, "/app/#x": 400, "/app#x": 400, "/app/%23": 401, "/app/x%3f": 401,
	"/api/auth/../../app/": 400, "/api/auth/..%2f..%2fapp/": 400, "/api/auth/../../../app/secret.txt": 400,
	"http://{H}/app/": 401, "http://{H}//app/secret.txt": 400, "http://user@{H}/app/": 400,
	"http://evil.example/app/": 421, "https://{H}/app/": 401,
}

// methods that must all be treated alike (requirement G6).
var methods = []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "PROPFIND", "get", "GeT", "BREW"}

// reachesApp says whether an upstream could take a request's target for
// something below /app: it decodes, drops parameters and dot segments, and
// compares without case.
func reachesApp(target string) bool {
	target, _, _ = strings.Cut(target, "?")
	for range 2 {
		if decoded, err := url.PathUnescape(target); err == nil {
			target = decoded
		}
	}
	var kept []string
	for segment := range strings.SplitSeq(strings.ReplaceAll(target, `\`, "/"), "/") {
		segment, _, _ = strings.Cut(segment, ";")
		kept = append(kept, segment)
	}
	clean := strings.ToLower(path.Clean("/" + strings.Join(kept, "/")))
	return clean == "/app" || strings.HasPrefix(clean, "/app/")
}

func TestNoSpellingOfAGuardedPathReachesTheUpstream(t *testing.T) {
	g := start(t, onePasswordSite)
	for target, want := range guardedTargets {
		sent := strings.ReplaceAll(target, "{H}", g.host())
		for _, method := range methods {
			got := g.raw(method+" "+sent+" HTTP/1.1", "Content-Length: 0")
			if want != 0 && got.status != want {
				t.Errorf("%s %q: status %d, want %d", method, target, got.status, want)
			}
			for _, seen := range g.echo.take() {
				if want != 0 || reachesApp(seen.URI) {
					t.Errorf("%s %q reached the upstream as %s", method, target, seen.URI)
				}
			}
		}
	}
}

func TestNoSpellingOfAGuardedPathReachesAFile(t *testing.T) {
	g := start(t, strings.Replace(onePasswordSite, "reverse_proxy {$ECHO}", "root {$DIR}\nfile_server", 1))
	folder := filepath.Join(os.Getenv("DIR"), "app")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secret.txt", "index.html"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("the secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for target := range guardedTargets {
		sent := strings.ReplaceAll(target, "{H}", g.host())
		for _, suffix := range []string{"", "secret.txt"} {
			if got := g.raw("GET " + sent + suffix + " HTTP/1.1"); got.status == http.StatusOK || strings.Contains(got.body, "the secret") {
				t.Errorf("GET %q: %d %q", target+suffix, got.status, got.body)
			}
		}
	}
	b := g.browser().withToken(seal(t, secret, g.claimsOf()))
	if got := b.get("/app/secret.txt"); got.body != "the secret" {
		t.Errorf("with a session the file is answered %d %q", got.status, got.body)
	}
}

// Requirement G2 for a gate of several segments: parameters may stand in each.
func TestParametersInsideAGuardedPath(t *testing.T) {
	g := start(t, strings.Replace(onePasswordSite, "/app/*", "/app/v1.0/admin/*", 1))
	for target, want := range map[string]int{
		"/app/v1.0/admin": 401, "/app/v1.0/admin/x": 401, "/app;x/v1.0/admin/x": 401, "/APP;x=1;y/V1.0;/ADMIN;z": 401, "/app/v1.0%3bx//admin/": 401,
		"/app/v1.0/admin;x": 401, "/app;a/../app;b/v1.0/admin": 400,
		"/app;x/v1.0/users": 200, "/app/v1.0;x/administration": 200, "/app/v1x0/admin": 200, "/app;x": 200, "/other/app;x/v1.0/admin": 200,
	} {
		if got := g.raw("GET " + target + " HTTP/1.1"); got.status != want {
			t.Errorf("%s: status %d, want %d", target, got.status, want)
		}
	}
}

// Real APIs need these: they pass, and reach the upstream as they were sent.
func TestHarmlessSpellingsPass(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, target := range []string{
		"/a%2Fb", "/a;v=1/b", "/a%20b", "/%E2%82%AC", "/a..b/...", "/a%2eb", "/x?next=..%2f..%2fapp", "/x?%00", "/a%23b", "/%25",
		"/a/;v=1", "/x?y=/app/",
	} {
		got := g.raw("GET " + target + " HTTP/1.1")
		if got.status != http.StatusOK {
			t.Errorf("%s: status %d", target, got.status)
			continue
		}
		if seen := g.echo.one(t); seen.URI != target {
			t.Errorf("%s reached the upstream as %s", target, seen.URI)
		}
	}
}

// Requirement G7 and G6 where a gate stands before everything.
func TestFormsOfRequestsToAGuardedSite(t *testing.T) {
	g := start(t, strings.Replace(onePasswordSite, "/app/*", "", 1))
	host := "Host: " + g.host()
	websocket := []string{
		host, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==", "Sec-WebSocket-Version: 13",
	}
	for _, test := range []struct {
		name   string
		line   string
		lines  []string
		status int
	}{
		{"OPTIONS of everything, which net/http answers itself", "OPTIONS * HTTP/1.1", []string{host}, 200},
		{"HTTP/1.0 without a host", "GET /x HTTP/1.0", nil, 421},
		{"HTTP/1.0 with a host", "GET /x HTTP/1.0", []string{host}, 401},
		{"a doubled host", "GET /x HTTP/1.1", []string{host, "Host: other.example"}, 400},
		{"a host twice the same", "GET /x HTTP/1.1", []string{host, host}, 400},
		{"an empty host", "GET /x HTTP/1.1", []string{"Host:"}, 400},
		{"CONNECT with an authority", "CONNECT " + g.host() + " HTTP/1.1", []string{host}, 400},
		{"CONNECT with a path", "CONNECT /x HTTP/1.1", []string{host}, 400},
		{"a WebSocket", "GET /x HTTP/1.1", websocket, 401},
		{"a WebSocket with a forged session", "GET /x HTTP/1.1", append(websocket, "Cookie: next-auth.session-token=x"), 401},
		{"an upgrade to h2c", "GET /x HTTP/1.1", []string{host, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"}, 401},
		{"two lengths", "POST /x HTTP/1.1", []string{host, "Content-Length: 0", "Content-Length: 5"}, 400},
		{"a length and chunks", "POST /x HTTP/1.1", []string{host, "Content-Length: 5", "Transfer-Encoding: chunked, identity"}, 501},
		{"a header with a space before its colon", "GET /x HTTP/1.1", []string{host, "Remote-User : forged"}, 400},
		{"a folded header", "GET /x HTTP/1.1", []string{host, "X-A: b\r\n Remote-User: forged"}, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := g.raw(append([]string{test.line}, test.lines...)...)
			if got.status != test.status {
				t.Errorf("status %d, want %d: %s", got.status, test.status, got.body)
			}
			g.echo.none(t)
		})
	}
}

// Requirement G6: an upgrade is decided before the 101, and passes with a session.
func TestUpgradeThroughAGate(t *testing.T) {
	g := start(t, onePasswordSite)
	g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		raw, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer raw.Close()
		_, _ = raw.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nSet-Cookie: next-auth.session-token=stolen\r\n\r\nhello"))
	})
	c := g.dial()
	c.send("GET /app/ HTTP/1.1", "Host: "+g.host(), "Connection: Upgrade", "Upgrade: echo",
		"Cookie: next-auth.session-token="+seal(t, secret, g.claimsOf()), "")
	got := c.answer()
	if got.status != http.StatusSwitchingProtocols || len(got.header["Set-Cookie"]) > 0 {
		t.Fatalf("answered %d %v", got.status, got.header)
	}
	hello := make([]byte, 5)
	if _, err := c.reader.Read(hello); err != nil || string(hello) != "hello" {
		t.Errorf("behind the 101 came %q, %v", hello, err)
	}
	if seen := g.echo.one(t); seen.Header.Get("Remote-User") != "alice" {
		t.Errorf("the upstream is told %v", seen.Header)
	}
}

// Requirement F9: identity is that of the request, not of its connection.
func TestIdentityIsPerRequest(t *testing.T) {
	g := start(t, onePasswordSite)
	bob := g.claimsOf()
	bob.Subject, bob.Login, bob.Email, bob.EmailVerified = "bob", "bob", authjs.Text{}, false
	c := g.dial()
	for _, test := range []struct{ cookie, user string }{
		{seal(t, secret, g.claimsOf()), "alice"}, {"", ""}, {seal(t, secret, bob), "bob"}, {"garbage", ""},
	} {
		c.send("GET /app/ HTTP/1.1", "Host: "+g.host(), "Cookie: next-auth.session-token="+test.cookie, "")
		got := c.answer()
		seen := g.echo.take()
		if test.user == "" {
			if got.status != http.StatusUnauthorized || len(seen) > 0 {
				t.Errorf("with the cookie %.10q: status %d, %d requests upstream", test.cookie, got.status, len(seen))
			}
			continue
		}
		if got.status != http.StatusOK || len(seen) != 1 || seen[0].Header.Get("Remote-User") != test.user {
			t.Errorf("as %s: status %d, the upstream got %v", test.user, got.status, seen)
		}
		if test.user == "bob" && len(seen) == 1 && len(seen[0].Header["Remote-Email"]) > 0 {
			t.Errorf("bob has alice's address: %v", seen[0].Header)
		}
	}
}
