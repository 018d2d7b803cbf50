package test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// domainGlobals is a realm for all hosts of corp.test, with its pages at auth.
const domainGlobals = `
	signin {
		url http://auth.corp.test:{$HTTP}
		cookie_domain corp.test
		redirect https://docs.example.org
		secret {$SECRET}
		{$USERS}
		MORE
	}
`

const domainSites = `
http://auth.corp.test:{$HTTP} {
	signin
	respond auth
}

http://app.corp.test:{$HTTP}, http://*.wild.corp.test:{$HTTP}, http://other.example:{$HTTP} {
	signin
	require_signin /app/*
	reverse_proxy {$ECHO}
}
`

// startDomain runs them, with further lines in the realm.
func startDomain(t *testing.T, more string) *gateway {
	t.Helper()
	return startGlobal(t, strings.Replace(domainGlobals, "MORE", more, 1), domainSites)
}

func (g *gateway) on(host string) string { return fmt.Sprintf("http://%s:%d", host, g.port) }

// visitor is a browser on one of the hosts; to takes it to another, with its
// cookies.
func (b *browser) to(origin string) *browser {
	other := *b
	other.origin = origin
	return &other
}

func TestOneSignInForAllHostsOfADomain(t *testing.T) {
	g := startDomain(t, "")
	auth, app, wild := g.on("auth.corp.test"), g.on("app.corp.test"), g.on("a.wild.corp.test")
	b := g.browserAt(app)
	signIn := auth + "/api/auth/signin?callbackUrl=" + url.QueryEscape(app+"/app/deep?x=1")
	wantLocation(t, b.visit("/app/deep?x=1"), signIn)

	b = b.to(auth)
	if page := b.visit(signIn); page.status != http.StatusOK || !strings.Contains(page.body, `action="`+auth+`/api/auth/callback/credentials"`) ||
		!strings.Contains(page.header.Get("Content-Security-Policy"), app) {
		t.Errorf("the sign-in page: %d %v\n%s", page.status, page.header, page.body)
	}
	got := b.post("/api/auth/callback/credentials", b.form("username", "alice", "password", password, "callbackUrl", app+"/app/deep?x=1"))
	want := nameVariables(strings.Join(got.header["Set-Cookie"], "\n"), app)
	if got.status != http.StatusFound || got.header.Get("Location") != app+"/app/deep?x=1" ||
		want != "next-auth.session-token=<jwe>; Domain=corp.test; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax" {
		t.Fatalf("signing in is answered %d to %s with\n%s", got.status, got.header.Get("Location"), want)
	}
	for _, host := range []string{app, wild, auth} {
		if !b.to(host).signedIn() {
			t.Errorf("not signed in at %s", host)
		}
	}
	if got := b.to(wild).get("/app/"); got.status != http.StatusOK || g.echo.one(t).Header.Get("Remote-User") != "alice" {
		t.Errorf("a gate at another host answers %d", got.status)
	}

	b.to(app).signOut()
	for _, host := range []string{app, wild, auth} {
		if b.to(host).signedIn() {
			t.Errorf("still signed in at %s", host)
		}
	}
}

// A page is shown at url's host under the very path that was asked.
func TestPathsOfPagesAtAnotherHost(t *testing.T) {
	g := startDomain(t, "")
	auth, app := g.on("auth.corp.test"), g.on("app.corp.test")
	for asked, want := range map[string]string{
		"signin":               "signin",
		"signin/a%3fb%23c%20d": "signin/a%3Fb%23c%20d",
		"signin/%c3%a9":        "signin/%C3%A9",
	} {
		got := g.browserAt(app).get("/api/auth/" + asked)
		wantLocation(t, got, auth+"/api/auth/"+want+"?callbackUrl="+url.QueryEscape(app))
	}
}

// What the client does on a host that is not url's.
func TestClientAtAnotherHostOfTheDomain(t *testing.T) {
	g := startDomain(t, "")
	auth, app := g.on("auth.corp.test"), g.on("app.corp.test")
	b := g.browserAt(app)
	csrf := strings.Join(b.get("/api/auth/csrf").header["Set-Cookie"], "\n")
	if got := nameVariables(csrf, app); got != "next-auth.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly; SameSite=Lax\n"+
		"next-auth.callback-url={O%}; Domain=corp.test; Path=/; HttpOnly; SameSite=Lax" {
		t.Errorf("csrf sets\n%s", got)
	}
	if got := b.get("/api/auth/providers").body; !strings.Contains(got, `"callbackUrl":"`+auth+`/api/auth/callback/credentials"`) {
		t.Errorf("the providers are %s", got)
	}
	if got := b.trySignIn("alice", password, "callbackUrl", "/dash"); got.body != `{"url":"`+app+`/dash"}` {
		t.Errorf("signing in with a relative address is answered %d %s", got.status, got.body)
	}
	for _, page := range []string{"signin", "signout", "error", "verify-request"} {
		got := b.visit("/api/auth/" + page + "?callbackUrl=/dash&error=AccessDenied")
		want := auth + "/api/auth/" + page + "?callbackUrl=" + url.QueryEscape(app+"/dash") + "&error=AccessDenied"
		wantLocation(t, got, want)
	}
	g.browserAt(auth).get("/api/auth/signin")
	for _, foreign := range []string{"https://evil.example/", g.on("corp.test.evil.example"), g.on("evilcorp.test"), g.on("other.example"), g.on("nobody.corp.test"), "http://app.corp.test:1/"} {
		if got := b.post("/api/auth/signout", b.form("callbackUrl", foreign, "json", "true")); got.body != `{"url":"`+app+`"}` {
			t.Errorf("%s leads to %s", foreign, got.body)
		}
	}
	for _, good := range []string{auth + "/x", app + "/x", g.on("a.wild.corp.test") + "/x", "https://docs.example.org/x"} {
		if got := b.post("/api/auth/signout", b.form("callbackUrl", good, "json", "true")); got.body != `{"url":"`+good+`"}` {
			t.Errorf("%s leads to %s", good, got.body)
		}
	}
}

// A sign-in that begins at one host comes back to url's, and ends at the first.
func TestProviderAtAnotherHostOfTheDomain(t *testing.T) {
	op := providertest.New(t)
	g := startDomain(t, fmt.Sprintf("oidc corp %s %s %q", op.URL, op.ClientID, op.ClientSecret))
	auth, app := g.on("auth.corp.test"), g.on("app.corp.test")
	b := g.browserAt(app)
	target := b.begin("/dash")
	asked, err := url.Parse(target)
	if err != nil || asked.Query().Get("redirect_uri") != auth+"/api/auth/callback/corp" {
		t.Fatalf("the authorization request is %s", target)
	}
	callback := approve(t, op, target)
	got := b.to(auth).get(callback)
	wantLocation(t, got, app+"/dash")
	if set := nameVariables(strings.Join(got.header["Set-Cookie"], "\n"), app); !strings.Contains(set, "next-auth.state.<id>=; Max-Age=0; Domain=corp.test; Path=/;") {
		t.Errorf("the callback sets the cookies\n%s", set)
	}
	if len(b.pending()) != 0 || !b.signedIn() {
		t.Errorf("afterwards pending: %v, signed in: %t", b.pending(), b.signedIn())
	}
}

// Requirement H3, and cookies that no host outside the domain could send back.
func TestHostsOutsideTheDomain(t *testing.T) {
	g := startDomain(t, "")
	for _, host := range []string{"other.example", "nobody.corp.test", "evilcorp.test", "corp.test"} {
		b := g.browserAt(g.on("app.corp.test"))
		for _, path := range []string{"/api/auth/csrf", "/app/"} {
			got := b.do(http.MethodGet, fmt.Sprintf("http://%s:%d%s", host, g.port, path), "")
			if host != "other.example" && got.status == http.StatusOK && got.body == "" {
				continue // no site of this server: Caddy's own empty answer
			}
			if got.status != http.StatusMisdirectedRequest || len(got.header["Set-Cookie"]) > 0 {
				t.Errorf("%s%s is answered %d %v", host, path, got.status, got.header)
			}
		}
	}
	g.waitForLog("about the foreign host", func(line logLine) bool {
		message, _ := line["msg"].(string)
		return strings.Contains(message, "cookie_domain")
	})
}

// A cookie from before cookie_domain was configured would be read first.
func TestHostCookiesGoWithTheDomains(t *testing.T) {
	g := startDomain(t, "")
	b := g.browserAt(g.on("auth.corp.test")).signIn("alice")
	got := b.post("/api/auth/signout", b.form())
	want := []string{
		"next-auth.session-token=; Max-Age=0; Domain=corp.test; Path=/; HttpOnly; SameSite=Lax",
		"next-auth.session-token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
	}
	if !slices.Equal(got.header["Set-Cookie"], want) {
		t.Errorf("signing out sets %q", got.header["Set-Cookie"])
	}
}
