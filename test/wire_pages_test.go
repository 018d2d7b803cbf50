package test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// As in NextAuth.js these codes lead to the sign-in page, in exactly this case.
func TestErrorsThatANewAttemptMayCure(t *testing.T) {
	for name, site := range map[string]string{
		"with the built-in pages": onePasswordSite,
		"with a page of one's own": strings.Replace(onePasswordSite, "{$USERS}", `{$USERS}
			pages {
				error /oops
			}`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, site)
			b := g.browser()
			b.csrf()
			for _, code := range []string{
				"Signin", "OAuthSignin", "OAuthCallback", "OAuthCreateAccount", "EmailCreateAccount",
				"Callback", "OAuthAccountNotLinked", "EmailSignin", "CredentialsSignin", "SessionRequired",
			} {
				expectAnswer(t, b.get("/api/auth/error?error="+code+"&provider=x&callbackUrl="+g.origin), g.origin, `302
					<private>
					Location: {O}/api/auth/signin?error=`+code)
			}
		})
	}
}

func TestErrorPage(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, test := range []struct {
		query  string
		status int
	}{
		{"?error=Configuration", 500},
		{"?error=configuration", 500},
		{"?error=AccessDenied", 403},
		{"?error=ACCESSDENIED", 403},
		{"?error=Verification", 403},
		{"/AccessDenied", 403},
		{"?error=oauthsignin", 200},
		{"?error=nonsense", 200},
		{"?error=", 200},
		{"", 200},
	} {
		t.Run(test.query, func(t *testing.T) {
			got := g.browser().visit("/api/auth/error" + test.query)
			if got.status != test.status || !strings.HasPrefix(got.body, "<!") {
				t.Errorf("status %d, want %d and a page", got.status, test.status)
			}
			expectPageHeaders(t, got)
		})
	}
}

// expectPageHeaders demands requirement K2 of a page.
func expectPageHeaders(t *testing.T, got answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type":           "text/html; charset=utf-8",
		"Cache-Control":          "private, no-store",
		"X-Content-Type-Options": "nosniff",
		"X-Frame-Options":        "DENY",
		"Referrer-Policy":        "no-referrer",
		"Vary":                   "Cookie",
	} {
		if value := got.header.Get(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	policy := got.header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("the policy %q lacks %s", policy, directive)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
}

// Requirement K1: of what a query says only known words reach a page.
func TestNothingOfTheQueryIsReflected(t *testing.T) {
	g := start(t, onePasswordSite)
	const hostile = `%3Cscript%3Ealert(7411)%3C/script%3E%22%20onload=%22x7411`
	b := g.browser()
	token := b.csrf()
	for _, path := range []string{
		"/api/auth/error?error=" + hostile, "/api/auth/error/" + hostile, "/api/auth/signin?error=" + hostile,
		"/api/auth/signin?callbackUrl=" + hostile, "/api/auth/signin?email=" + hostile,
		"/api/auth/signin?csrfToken=7411&providers=7411", "/api/auth/signout?callbackUrl=" + hostile,
		"/api/auth/verify-request?provider=" + hostile + "&type=" + hostile,
	} {
		got := b.visit(path)
		if got.status != http.StatusOK || strings.Contains(got.body, "7411") {
			t.Errorf("GET %s is answered %d and holds what it was sent", path, got.status)
		}
		if strings.Contains(path, "signin?csrfToken") && !strings.Contains(got.body, `value="`+token+`"`) {
			t.Error("the form's token is not the browser's own")
		}
	}
}

// The page has one form per provider, with the fields that it needs.
func TestSignInPage(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		oidc corp https://login.corp.example id a-client-secret
		{$USERS}
		allow email *@example.com
	}
}
`)
	b := g.browser()
	got := b.visit("/api/auth/signin?callbackUrl=/dash")
	if got.status != http.StatusOK {
		t.Fatalf("status %d", got.status)
	}
	expectPageHeaders(t, got)
	for _, want := range []string{
		`action="` + g.origin + `/api/auth/signin/corp"`,
		`action="` + g.origin + `/api/auth/callback/credentials"`,
		`name="csrfToken" value="` + b.csrf() + `"`,
		`name="callbackUrl" value="` + g.origin + `/dash"`,
		`name="username"`, `name="password"`,
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if n := len(regexp.MustCompile(`<form[^>]*method="post"`).FindAllString(got.body, -1)); n != 2 {
		t.Errorf("the page has %d forms, want 2", n)
	}
	inPath := b.visit("/api/auth/signin/corp")
	if inPath.status != http.StatusOK || inPath.header.Get("Location") != "" {
		t.Errorf("GET signin/corp is answered %d to %q: only a POST goes to a provider", inPath.status, inPath.header.Get("Location"))
	}
}

// The operator's own pages are told what NextAuth.js tells them.
func TestCustomPages(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
		pages {
			signin /login?theme=dark
			signout /logout
			error /oops
			verify_request /check-mail
		}
	}
	respond "a page of the site"
}
`)
	for _, test := range []struct{ path, location string }{
		{"/signin", "/login?theme=dark&callbackUrl={O%}"},
		{"/signin?callbackUrl=/dash%3Fa=b", "/login?theme=dark&callbackUrl={O%}%2Fdash%3Fa%3Db"},
		{"/signin?callbackUrl=https://evil.example", "/login?theme=dark&callbackUrl={O%}"},
		{"/signin?error=Callback", "/login?theme=dark&callbackUrl={O%}&error=Callback"},
		{"/signin/Callback", "/login?theme=dark&callbackUrl={O%}&error=Callback"},
		{"/signin?error=a%26b=c", "/login?theme=dark&callbackUrl={O%}"},
		{"/signout", "/logout"},
		{"/verify-request?provider=email&type=email", "/check-mail"},
		{"/error?error=AccessDenied", "/oops?error=AccessDenied"},
		{"/error/AccessDenied", "/oops?error=AccessDenied"},
		{"/error?error=Callback", "{O}/api/auth/signin?error=Callback"},
		{"/error", "/oops?error=Default"},
		{"/error?error=%0d%0aSet-Cookie:x=y", "/oops?error=Default"},
	} {
		t.Run(test.path, func(t *testing.T) {
			got := g.browser().visit("/api/auth" + test.path)
			location := nameVariables(got.header.Get("Location"), g.origin)
			if got.status != http.StatusFound || location != test.location {
				t.Errorf("answered %d to %q, want %q", got.status, location, test.location)
			}
			if got.header.Get("X") != "" || len(got.header["Set-Cookie"]) > 2 {
				t.Errorf("a header was injected: %v", got.header)
			}
		})
	}
	// Answers to the client still name the endpoints.
	b := g.browser()
	if got := b.trySignIn("alice", "wrong"); !strings.Contains(got.body, "/api/auth/error?error=CredentialsSignin") {
		t.Errorf("a wrong password leads to %s", got.body)
	}
	if got := b.post("/api/auth/signin/x", "json=true"); got.body != `{"url":"`+g.origin+`/api/auth/signin?csrf=true"}` {
		t.Errorf("a missing token leads to %s", got.body)
	}
}

// The two scripts and nothing else of the endpoints may be kept by caches.
func TestScriptsAreCacheable(t *testing.T) {
	g := start(t, onePasswordSite)
	for name, want := range map[string]string{"client.js": "text/javascript", "pages.js": "text/javascript", "client.d.ts": "text/plain"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := g.browser().do(method, "/api/auth/"+name, "")
			cache, kind := got.header.Get("Cache-Control"), got.header.Get("Content-Type")
			if got.status != http.StatusOK || strings.Contains(cache, "no-store") || !strings.HasPrefix(kind, want) {
				t.Errorf("%s %s: %d, %s, %s", method, name, got.status, kind, cache)
			}
			if len(got.header["Set-Cookie"]) > 0 || got.header.Get("Vary") != "" {
				t.Errorf("%s %s is not the same for everyone: %v", method, name, got.header)
			}
			if (got.body == "") != (method == http.MethodHead) {
				t.Errorf("%s %s has a body of %d bytes", method, name, len(got.body))
			}
		}
	}
}
