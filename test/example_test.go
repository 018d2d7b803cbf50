package test

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// startExample runs Caddyfile.example as it stands, on free ports and from this
// folder.
func startExample(t *testing.T) *gateway {
	t.Helper()
	content, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	isolate(t)
	g := &gateway{t: t, port: freePort(t)}
	g.origin = "http://localhost:" + strconv.Itoa(g.port)
	text := strings.NewReplacer(
		"localhost:8080", "localhost:"+strconv.Itoa(g.port),
		"localhost:8081", "localhost:"+strconv.Itoa(freePort(t)),
		"examples/demo/", "../examples/demo/",
		"admin off", "admin off\n\tgrace_period 1ns",
	).Replace(string(content))
	raw, err := adapt(t, text, "Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(raw, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	settle(g.origin)
	return g
}

// demoSignIn is how the README tells to sign in.
func (b *browser) demoSignIn(lines ...string) answer {
	b.t.Helper()
	form := b.form("username", "demo", "password", "demo", "callbackUrl", "/members/")
	return b.post("/api/auth/callback/credentials", form, lines...)
}

// What a person does who has read the README: the file that `make run` starts.
func TestWalkThroughTheExample(t *testing.T) {
	g := startExample(t)
	b := g.browser()
	home := b.visit("/")
	if home.status != http.StatusOK || !strings.Contains(home.body, `<script type="module" src="/demo.js"`) {
		t.Fatalf("the home page: %d\n%s", home.status, home.body)
	}
	script := b.get("/demo.js")
	if !strings.Contains(script.body, `"/api/auth/client.js"`) {
		t.Errorf("the home page's script does not use the gateway's client:\n%s", script.body)
	}
	if client := b.get("/api/auth/client.js"); client.status != http.StatusOK || !strings.Contains(client.body, "signIn") {
		t.Errorf("client.js: %d", client.status)
	}
	signInPage := g.origin + "/api/auth/signin?callbackUrl=" + "http%3A%2F%2Flocalhost%3A" + strconv.Itoa(g.port) + "%2Fmembers%2F"
	wantLocation(t, b.visit("/members/"), signInPage)
	if page := b.visit(signInPage); page.status != http.StatusOK || !strings.Contains(page.body, `name="password"`) {
		t.Errorf("the sign-in page: %d\n%s", page.status, page.body)
	}
	if got := b.visit("/echo"); got.status != http.StatusFound {
		t.Errorf("a stranger gets the echo page: %d", got.status)
	}
	wantLocation(t, b.demoSignIn(), g.origin+"/members/")
	if got := b.visit("/members/"); got.status != http.StatusOK || !strings.Contains(got.body, "<h1>") {
		t.Errorf("the guarded page: %d\n%s", got.status, got.body)
	}
	echo := b.visit("/echo", "Remote-User: forged")
	for _, want := range []string{">demo<", ">demo@example.com<", ">Demo User<", ">staff<", "none: the session stays in the gateway"} {
		if !strings.Contains(echo.body, want) {
			t.Errorf("the echo page does not show %s:\n%s", want, echo.body)
		}
	}
	b.signOut()
	if got := b.visit("/members/"); got.status != http.StatusFound {
		t.Errorf("after signing out the guarded page is answered %d", got.status)
	}
}

// The demo's password is in the documentation, so it opens nothing to a visitor
// who does not sit at the machine itself.
func TestPublishedPasswordFromElsewhere(t *testing.T) {
	g := startExample(t)
	for _, line := range []string{
		"X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9", "X-Real-Ip: 203.0.113.9", "Via: 1.1 proxy",
	} {
		b := g.browser()
		wantLocation(t, b.demoSignIn(line), g.origin+"/api/auth/error?error=CredentialsSignin&provider=credentials")
		if b.signedIn() {
			t.Errorf("%s: the published password signs in", line)
		}
	}
	public := strings.Replace(onePasswordSite, "{$USERS}", `url https://app.example.com
		credentials {
			demo $2a$10$M3J41gg0P4GBx89E5gJr5ebsjrbIPOVL18phE0miqtSbjHaJCRSde
		}`, 1)
	g = start(t, public)
	b := g.browser()
	csrf := b.get("/api/auth/csrf")
	cookie, _, _ := strings.Cut(csrf.header.Get("Set-Cookie"), ";")
	var body struct{ CSRFToken string }
	b.decode(csrf, &body)
	got := b.post("/api/auth/callback/credentials", "username=demo&password=demo&json=true&csrfToken="+body.CSRFToken, "Cookie: "+cookie)
	if got.status != http.StatusUnauthorized || !strings.Contains(got.body, "CredentialsSignin") {
		t.Errorf("on a public address the published password is answered %d %s", got.status, got.body)
	}
}
