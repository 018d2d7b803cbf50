package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// onePasswordSite guards /app and passes everything on.
const onePasswordSite = `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin /app/*
	reverse_proxy {$ECHO}
}
`

// What is read is answered as NextAuth.js answers, to the byte.
func TestReadEndpoints(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, test := range []struct {
		name   string
		before func(*browser)
		path   string
		want   string
	}{
		{"csrf gives a first visitor a token and both cookies", nil, "/api/auth/csrf", `200
			<json>
			<no-cache>
			Set-Cookie: next-auth.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly; SameSite=Lax
			Set-Cookie: next-auth.callback-url={O%}; Path=/; HttpOnly; SameSite=Lax

			{"csrfToken":"<hex>"}`},
		{"csrf sets no cookie for a browser that has both", func(b *browser) { b.csrf() }, "/api/auth/csrf", `200
			<json>
			<no-cache>

			{"csrfToken":"<hex>"}`},
		{"session is an empty object for a stranger", func(b *browser) { b.csrf() }, "/api/auth/session", `200
			<json>
			<no-cache>

			{}`},
		{"session gives a first visitor both cookies", nil, "/api/auth/session", `200
			<json>
			<no-cache>
			Set-Cookie: next-auth.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly; SameSite=Lax
			Set-Cookie: next-auth.callback-url={O%}; Path=/; HttpOnly; SameSite=Lax

			{}`},
		{"session shows the person and renews the cookie", func(b *browser) { b.signIn("alice") }, "/api/auth/session", `200
			<json>
			<no-cache>
			Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax

			{"user":{"name":"Alice Example","email":"alice@example.com","image":"https://img.example/alice.png"},"expires":"<in 720h>"}`},
		{"providers sets no cookie", nil, "/api/auth/providers", `200
			<json>
			<private>

			{"credentials":{"id":"credentials","name":"Credentials","type":"credentials","signinUrl":"{O}/api/auth/signin/credentials","callbackUrl":"{O}/api/auth/callback/credentials"}}`},
		{"further segments of the path are ignored", func(b *browser) { b.csrf() }, "/api/auth/csrf/a/b", `200
			<json>
			<no-cache>

			{"csrfToken":"<hex>"}`},
		{"percent-encoded letters and doubled slashes mean the same endpoint", func(b *browser) { b.csrf() }, "/api//auth/%63srf/", `200
			<json>
			<no-cache>

			{"csrfToken":"<hex>"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := g.browser()
			if test.before != nil {
				test.before(b)
			}
			expectAnswer(t, b.get(g.origin+test.path), g.origin, test.want)
		})
	}
}

// The keys stand in the order of the configuration, and OIDC is of type oauth.
func TestProvidersInConfigurationOrder(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		oidc zulu https://zulu.example id a-client-secret {
			name "Zulu <&>"
		}
		credentials {
			id staff
			bob `+passwordHash()+`
		}
		github id a-client-secret
		allow email *@example.com
	}
}
`)
	expectAnswer(t, g.browser().get("/api/auth/providers"), g.origin, `200
		<json>
		<private>

		{"zulu":{"id":"zulu","name":"Zulu <&>","type":"oauth","signinUrl":"{O}/api/auth/signin/zulu","callbackUrl":"{O}/api/auth/callback/zulu"},`+
		`"staff":{"id":"staff","name":"staff","type":"credentials","signinUrl":"{O}/api/auth/signin/staff","callbackUrl":"{O}/api/auth/callback/staff"},`+
		`"github":{"id":"github","name":"GitHub","type":"oauth","signinUrl":"{O}/api/auth/signin/github","callbackUrl":"{O}/api/auth/callback/github"}}`)
}

// What the token says and what the session JSON shows of it.
func TestSessionUser(t *testing.T) {
	g := start(t, onePasswordSite)
	ours := `"sub":"1","sid":"s","realm":"` + g.origin + `","provider":"credentials","auth_time":` + unix(0) + `,"iat":` + unix(0)
	for _, test := range []struct{ name, claims, want string }{
		{"a claim that is missing is missing", ours, `{}`},
		{"a claim that is null is null", `"name":null,"email":null,"picture":null,` + ours, `{"name":null,"email":null,"image":null}`},
		{"the keys are name, email, image, whatever the token's order", `"picture":"p","email":"e","name":"n",` + ours, `{"name":"n","email":"e","image":"p"}`},
		{"other claims never appear", `"name":"n","role":"admin","groups":["a"],"access_token":"t",` + ours, `{"name":"n"}`},
		{"text is escaped as JSON.stringify does", `"name":"<a&b> \u2028 \u00e9 \"",` + ours, "{\"name\":\"<a&b> \u2028 é \\\"\"}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := g.browser()
			b.csrf()
			b.withToken(sealJSON(t, secret, "{"+test.claims+"}"))
			expectAnswer(t, b.get("/api/auth/session"), g.origin, `200
				<json>
				<no-cache>
				Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax

				{"user":`+test.want+`,"expires":"<in 720h>"}`)
		})
	}
}

func TestSessionUserWithExposedFields(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
		session {
			expose groups id provider username
		}
	}
}
`)
	for user, want := range map[string]string{
		"alice": `{"user":{"name":"Alice Example","email":"alice@example.com","image":"https://img.example/alice.png","groups":["admins","staff"],"id":"credentials:1","provider":"credentials","username":"alice"},`,
		"bob":   `{"user":{"groups":["staff"],"id":"credentials:bob","provider":"credentials","username":"bob"},`,
	} {
		if got := g.browser().signIn(user).session(); !strings.HasPrefix(got, want) {
			t.Errorf("the session of %s is %s, want it to begin with %s", user, got, want)
		}
	}
}

// A token that gives no session is answered with {} and deleted, all parts of it.
func TestSessionTokensThatGiveNone(t *testing.T) {
	g := start(t, onePasswordSite)
	expired, early := g.claimsOf(), g.claimsOf()
	expired.Expires = time.Now().Add(-time.Minute)
	early.NotBefore = time.Now().Add(time.Minute)
	for _, test := range []struct {
		name    string
		cookies map[string]string // what follows the session cookie's name, to value
		deleted []string
	}{
		{"garbage", map[string]string{"": "garbage"}, []string{""}},
		{"a token of another secret", map[string]string{"": seal(t, otherSecret, g.claimsOf())}, []string{""}},
		{"a token that expired a minute ago", map[string]string{"": seal(t, secret, expired)}, []string{""}},
		{"a token that is valid from in a minute", map[string]string{"": seal(t, secret, early)}, []string{""}},
		{"parts with one missing", map[string]string{".0": "x", ".2": "y"}, []string{".0", ".2"}},
		{"a token and a stale part of another", map[string]string{"": "x", ".1": "y"}, []string{"", ".1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := g.browser()
			b.csrf()
			for suffix, value := range test.cookies {
				b.setCookie(b.names.Session+suffix, value)
			}
			want := "200\n<json>\n<no-cache>\n"
			for _, suffix := range test.deleted {
				want += "Set-Cookie: next-auth.session-token" + suffix + "=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax\n"
			}
			expectAnswer(t, b.get("/api/auth/session"), g.origin, want+"\n{}")
		})
	}
}

func TestSessionTokensAtTheEdgeOfTheirTimes(t *testing.T) {
	g := start(t, onePasswordSite)
	within := g.claimsOf()
	within.Expires = time.Now().Add(-10 * time.Second)
	if b := g.browser().withToken(seal(t, secret, within)); !b.signedIn() {
		t.Error("a token within the 15 seconds of clock skew gives no session")
	}
	forever := g.claimsOf()
	forever.Expires = time.Time{}
	if b := g.browser().withToken(seal(t, secret, forever)); !b.signedIn() {
		t.Error("a token without exp gives no session")
	}
}

func TestSessionIsRenewedByEveryLook(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("alice")
	old := b.token()
	b.session()
	if b.token() == old {
		t.Error("GET session left the token as it was")
	}
	before, after := open(t, secret, old), open(t, secret, b.token())
	if before.SID != after.SID || before.ID == after.ID || !before.AuthTime.Equal(after.AuthTime) {
		t.Errorf("a renewed token keeps sid and auth_time and has a new jti: %+v, %+v", before, after)
	}
	if id, err := uuid.Parse(after.ID); err != nil || id.Version() != 4 {
		t.Errorf("jti is %q, want a random UUID as NextAuth makes it", after.ID)
	}
	if !g.browser().withToken(old).signedIn() {
		t.Error("the token before the renewal ended by it")
	}
}

// Requirement E17: a session counts in its cookie only.
func TestSessionTokenOutsideItsCookieIsIgnored(t *testing.T) {
	g := start(t, onePasswordSite)
	token := seal(t, secret, g.claimsOf())
	b := g.browser()
	for name, got := range map[string]answer{
		"in Authorization": b.get("/api/auth/session", "Authorization: Bearer "+token),
		"in the query":     b.get("/api/auth/session?next-auth.session-token=" + token + "&session=" + token),
	} {
		if got.body != "{}" {
			t.Errorf("a token %s gives a session: %s", name, got.body)
		}
	}
	if got := b.get("/app/", "Authorization: Bearer "+token); got.status != http.StatusUnauthorized {
		t.Errorf("a token in Authorization opens a gate: status %d", got.status)
	}
}
