package test

import (
	"net/http"
	"strings"
	"testing"
)

// exchange is a POST after the browser has fetched its CSRF token, and the
// answer to it.
type exchange struct {
	name   string
	before func(*browser)
	path   string
	fields string // of a form, beside csrfToken
	want   string
}

func (e exchange) run(t *testing.T, g *gateway) {
	t.Helper()
	t.Run(e.name, func(t *testing.T) {
		b := g.browser()
		if e.before != nil {
			e.before(b)
		}
		expectAnswer(t, b.post(e.path, "csrfToken="+b.csrf()+"&"+e.fields), g.origin, e.want)
	})
}

func runExchanges(t *testing.T, g *gateway, exchanges []exchange) {
	t.Helper()
	for _, e := range exchanges {
		e.run(t, g)
	}
}

const goodPassword = "username=alice&password=" + password

// A sign-in with a password is answered as NextAuth.js answers it, to the byte:
// a form by a redirect, the client by {"url"}.
func TestCredentialsCallback(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
		deny email zoe@other.example
	}
}
`)
	const callback = "/api/auth/callback/credentials"
	runExchanges(t, g, []exchange{
		{"the right password as a form", nil, callback, goodPassword + "&callbackUrl=/dash", `302
			<private>
			Location: {O}/dash
			Set-Cookie: next-auth.callback-url={O%}%2Fdash; Path=/; HttpOnly; SameSite=Lax
			Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax`},
		{"the right password for the client", nil, callback, goodPassword + "&callbackUrl=/dash&json=true", `200
			<json>
			<private>
			Set-Cookie: next-auth.callback-url={O%}%2Fdash; Path=/; HttpOnly; SameSite=Lax
			Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax

			{"url":"{O}/dash"}`},
		{"a wrong password for the client", nil, callback, "username=alice&password=x&json=true", `401
			<json>
			<private>

			{"url":"{O}/api/auth/error?error=CredentialsSignin&provider=credentials"}`},
		{"an unknown user for the client", nil, callback, "username=nobody&password=x&json=true", `401
			<json>
			<private>

			{"url":"{O}/api/auth/error?error=CredentialsSignin&provider=credentials"}`},
		{"no fields at all for the client", nil, callback, "json=true", `401
			<json>
			<private>

			{"url":"{O}/api/auth/error?error=CredentialsSignin&provider=credentials"}`},
		{"a password given twice", nil, callback, goodPassword + "&password=" + password + "&json=true", `401
			<json>
			<private>

			{"url":"{O}/api/auth/error?error=CredentialsSignin&provider=credentials"}`},
		{"a person whom a rule refuses, for the client", nil, callback, "username=zoe&password=" + password + "&json=true", `403
			<json>
			<private>

			{"url":"{O}/api/auth/error?error=AccessDenied"}`},
		{"a person whom a rule refuses, as a form", nil, callback, "username=zoe&password=" + password, `302
			<private>
			Location: {O}/api/auth/error?error=AccessDenied
			Set-Cookie: next-auth.state.note=<jwe>; Max-Age=60; Path=/; HttpOnly; SameSite=Lax`},
		{"credentials at signin instead of callback", nil, "/api/auth/signin/credentials", goodPassword + "&json=true", `200
			<json>
			<private>

			{"url":"{O}/api/auth/signin"}`},
		{"an unknown provider at signin", nil, "/api/auth/signin/nobody", "json=true", `200
			<json>
			<private>

			{"url":"{O}/api/auth/signin?csrf=true"}`},
		{"no provider at signin", nil, "/api/auth/signin", "", `302
			<private>
			Location: {O}/api/auth/signin?csrf=true`},
	})
}

// A wrong password as a form keeps what was typed, but never the password.
func TestWrongPasswordAsForm(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	got := b.post("/api/auth/callback/credentials", b.form("username", "alice", "password", "wr0ng-p4ss"))
	if location := got.header.Get("Location"); got.status != http.StatusFound || location != g.origin+"/api/auth/error?error=CredentialsSignin&provider=credentials" {
		t.Errorf("answered %d to %q", got.status, location)
	}
	second := b.visit(got.header.Get("Location"))
	if location := second.header.Get("Location"); location != g.origin+"/api/auth/signin?error=CredentialsSignin" {
		t.Errorf("the error endpoint leads to %q", location)
	}
	page := b.visit(second.header.Get("Location"))
	if page.status != http.StatusOK || !strings.Contains(page.body, `value="alice"`) {
		t.Errorf("the sign-in page (%d) has lost the user name", page.status)
	}
	if strings.Contains(page.body, "wr0ng-p4ss") {
		t.Error("the sign-in page holds the password")
	}
	if again := b.visit("/api/auth/signin"); strings.Contains(again.body, `value="alice"`) {
		t.Error("the user name is kept for more than the one page")
	}
}

// Without a verified CSRF token nothing is checked, and no sign-in begins.
func TestPostsWithoutCSRFToken(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	b.csrf()
	for _, test := range []struct{ name, path, form, want string }{
		{"callback for the client", "/api/auth/callback/credentials", goodPassword + "&json=true", `200
			<json>
			<private>

			{"url":"{O}/api/auth/signin?csrf=true"}`},
		{"callback as a form", "/api/auth/callback/credentials", goodPassword, `302
			<private>
			Location: {O}/api/auth/signin?csrf=true`},
		{"signin for the client", "/api/auth/signin/credentials", "json=true", `200
			<json>
			<private>

			{"url":"{O}/api/auth/signin?csrf=true"}`},
		{"signout for the client", "/api/auth/signout", "json=true", `200
			<json>
			<private>

			{"url":"{O}/api/auth/signout?csrf=true"}`},
		{"signout as a form", "/api/auth/signout", "", `302
			<private>
			Location: {O}/api/auth/signout?csrf=true`},
		{"session", "/api/auth/session", "", `400
			<json>
			<private>

			{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectAnswer(t, b.post(test.path, test.form), g.origin, test.want)
		})
	}
}

// The answer is JSON when the body's field json is the string "true", exactly.
func TestJSONField(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, test := range []struct {
		name, query, contentType, body string
		json                           bool
	}{
		{"json=true in a form", "", formType, "json=true", true},
		{`"json":"true" in JSON`, "", jsonType, `{"json":"true"}`, true},
		{"json=TRUE", "", formType, "json=TRUE", false},
		{"json=1", "", formType, "json=1", false},
		{"json= true", "", formType, "json=%20true", false},
		{"json=true twice", "", formType, "json=true&json=true", false},
		{`"json":true`, "", jsonType, `{"json":true}`, false},
		{`"json":["true"]`, "", jsonType, `{"json":["true"]}`, false},
		{"json=true in the query", "?json=true", formType, "", false},
		{"json=true as text/plain", "", "Content-Type: text/plain", "json=true", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := g.browser()
			b.csrf()
			got := b.do(http.MethodPost, "/api/auth/signin/x"+test.query, test.body, test.contentType)
			if isJSON := got.status == http.StatusOK && strings.HasPrefix(got.body, `{"url":`); isJSON != test.json {
				t.Errorf("answered %d %s", got.status, got.body)
			}
		})
	}
}

// A failed attempt keeps the session that the browser has, a success replaces it.
func TestCredentialsAndAnExistingSession(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("alice")
	got := b.trySignIn("bob", "wrong")
	if cookies := strings.Join(got.header["Set-Cookie"], "\n"); strings.Contains(cookies, plain.Session) {
		t.Errorf("a failed attempt touched the session: %s", cookies)
	}
	if !strings.Contains(b.session(), "Alice") {
		t.Error("a failed attempt ended the session")
	}
	old := b.token()
	b.signIn("bob")
	if strings.Contains(b.session(), "Alice") {
		t.Error("the session is still alice's")
	}
	if g.browser().withToken(old).signedIn() {
		t.Error("the session that a sign-in replaced lives on")
	}
}

// Only the body counts (requirement D4), and GET is no way in.
func TestCredentialsInTheQuery(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	form := b.form("json", "true")
	got := b.post("/api/auth/callback/credentials?"+goodPassword, form)
	if got.status != http.StatusUnauthorized || b.signedIn() {
		t.Errorf("a password in the query counts: %d %s", got.status, got.body)
	}
	expectAnswer(t, b.get("/api/auth/callback/credentials?"+goodPassword+"&"+form), g.origin, `400
		<private>

		Error: Callback for provider type credentials not supported`)
}
