package test

import (
	"net/http"
	"strings"
	"testing"
)

// POST session renews the session, and answers as NextAuth.js does, to the byte.
func TestUpdateSession(t *testing.T) {
	g := start(t, onePasswordSite)
	signedIn := func(b *browser) { b.signIn("alice") }
	for _, test := range []struct {
		name   string
		before func(*browser)
		body   string // TOKEN is the CSRF token
		kind   string
		want   string
	}{
		{"without a token", signedIn, `{"data":{"name":"X"}}`, jsonType, `400
			<json>
			<private>

			{}`},
		{"with data in JSON", signedIn, `{"csrfToken":"TOKEN","data":{"name":"X"}}`, jsonType, `200
			<json>
			<private>
			Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax

			{"user":{"name":"Alice Example","email":"alice@example.com","image":"https://img.example/alice.png"},"expires":"<in 720h>"}`},
		{"without data", signedIn, `{"csrfToken":"TOKEN"}`, jsonType, `200
			<json>
			<private>
			Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax

			{"user":{"name":"Alice Example","email":"alice@example.com","image":"https://img.example/alice.png"},"expires":"<in 720h>"}`},
		{"as a form", signedIn, `csrfToken=TOKEN&data=x`, formType, `200
			<json>
			<private>
			Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax

			{"user":{"name":"Alice Example","email":"alice@example.com","image":"https://img.example/alice.png"},"expires":"<in 720h>"}`},
		{"by a stranger", nil, `{"csrfToken":"TOKEN"}`, jsonType, `200
			<json>
			<private>

			{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := g.browser()
			if test.before != nil {
				test.before(b)
			}
			body := strings.ReplaceAll(test.body, "TOKEN", b.csrf())
			expectAnswer(t, b.do(http.MethodPost, "/api/auth/session", body, test.kind), g.origin, test.want)
		})
	}
}

// Requirement E15: who a person is only a provider can say.
func TestUpdateChangesNothing(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("bob")
	before := open(t, secret, b.token())
	hostile := `{"name":"Root","email":"root@example.com","sub":"1","groups":["admins"],"provider":"corp","exp":9999999999,"sid":"x","realm":"y"}`
	got := b.do(http.MethodPost, "/api/auth/session",
		`{"csrfToken":"`+b.csrf()+`","data":`+hostile+`,"user":`+hostile+`,"name":"Root","groups":"admins","expires":"2099-01-01T00:00:00.000Z"}`, jsonType)
	if got.status != http.StatusOK {
		t.Fatalf("status %d, %s", got.status, got.body)
	}
	after := open(t, secret, b.token())
	before.IssuedAt, before.Expires, before.ID = after.IssuedAt, after.Expires, after.ID
	if was, is := string(before.Append(nil)), string(after.Append(nil)); was != is {
		t.Errorf("the claims changed from %s to %s", was, is)
	}
}

// POST signout answers as NextAuth.js does, to the byte.
func TestSignOut(t *testing.T) {
	g := start(t, onePasswordSite)
	signedIn := func(b *browser) { b.signIn("alice") }
	runExchanges(t, g, []exchange{
		{"for the client", signedIn, "/api/auth/signout", "callbackUrl=/bye&json=true", `200
			<json>
			<private>
			Set-Cookie: next-auth.callback-url={O%}%2Fbye; Path=/; HttpOnly; SameSite=Lax
			Set-Cookie: next-auth.session-token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax

			{"url":"{O}/bye"}`},
		{"as a form", signedIn, "/api/auth/signout", "callbackUrl=/bye", `302
			<private>
			Location: {O}/bye
			Set-Cookie: next-auth.callback-url={O%}%2Fbye; Path=/; HttpOnly; SameSite=Lax
			Set-Cookie: next-auth.session-token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`},
		{"to another site, which leads home", signedIn, "/api/auth/signout", "callbackUrl=https://evil.example/&json=true", `200
			<json>
			<private>
			Set-Cookie: next-auth.session-token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax

			{"url":"{O}"}`},
		{"without a session", nil, "/api/auth/signout", "json=true", `200
			<json>
			<private>

			{"url":"{O}"}`},
		{"with a token that doesn't open", func(b *browser) { b.withToken("garbage") }, "/api/auth/signout", "json=true", `200
			<json>
			<private>
			Set-Cookie: next-auth.session-token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax

			{"url":"{O}"}`},
		{"with further segments of the path", signedIn, "/api/auth/signout/x/y", "json=true", `200
			<json>
			<private>
			Set-Cookie: next-auth.session-token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax

			{"url":"{O}"}`},
	})
}

// GET signout asks and ends nothing.
func TestSignOutPage(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("alice")
	page := b.visit("/api/auth/signout?callbackUrl=/bye")
	if page.status != http.StatusOK || !strings.Contains(page.body, `name="csrfToken" value="`+b.csrf()+`"`) {
		t.Errorf("status %d and no form with the token:\n%s", page.status, page.body)
	}
	if !b.signedIn() {
		t.Error("looking at the page signed out")
	}
}

// Whatever a client reports to _log is answered 200, up to 8 KiB.
func TestLogEndpoint(t *testing.T) {
	g := start(t, onePasswordSite)
	for name, body := range map[string]string{
		"a report":   "level=error&code=CLIENT_FETCH_ERROR&url=%2Fapi%2Fauth%2Fsession&message=x&client=true",
		"nothing":    "",
		"not a form": "\x00\xff%zz&&&=",
	} {
		expectAnswer(t, g.browser().post("/api/auth/_log", body, "Sec-Fetch-Site: same-origin"), g.origin, "200\n<private>")
		if t.Failed() {
			t.Fatalf("after %s", name)
		}
	}
	got := g.browser().post("/api/auth/_log", "message="+strings.Repeat("x", 8<<10))
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a report of more than 8 KiB is answered %d", got.status)
	}
}
