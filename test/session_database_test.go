package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// databaseSite keeps its sessions in the store, as every site with a store
// does that doesn't say otherwise.
var databaseSite = strings.Replace(onePasswordSite, "secret {$SECRET}", "secret {$SECRET}\n\t\tstore memory", 1)

// With the strategy database GET session sends the cookie again with the same
// value and a fresh expiry, as NextAuth does, and deletes a token that nobody
// knows.
func TestDatabaseSessionOnTheWire(t *testing.T) {
	g := start(t, databaseSite)
	b := g.browser()
	got := b.trySignIn("alice", password)
	token := b.token()
	if len(token) != 43 || strings.ContainsAny(token, ".%=") {
		t.Fatalf("the cookie carries %q", token)
	}
	cookie := "Set-Cookie: next-auth.session-token=" + token + "; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax"
	expectAnswer(t, got, g.origin, `200
		<json>
		<private>
		`+cookie+`

		{"url":"{O}"}`)
	const body = `{"user":{"name":"Alice Example","email":"alice@example.com","image":"https://img.example/alice.png"},"expires":"<in 720h>"}`
	expectAnswer(t, b.get("/api/auth/session"), g.origin, "200\n<json>\n<no-cache>\n"+cookie+"\n\n"+body)
	expectAnswer(t, b.do(http.MethodPost, "/api/auth/session", b.form("data", "x"), formType), g.origin, "200\n<json>\n<private>\n"+cookie+"\n\n"+body)

	for name, planted := range map[string]string{
		"a token that nobody knows": strings.Repeat("A", 43),
		"a token of another form":   "x",
		"a token of jwt":            seal(t, secret, g.claimsOf()),
	} {
		stranger := g.browser().withToken(planted)
		stranger.csrf()
		if got := stranger.get("/app/"); got.status != http.StatusUnauthorized || len(got.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: a gate answers %d %v", name, got.status, got.header["Set-Cookie"])
		}
		expectAnswer(t, stranger.get("/api/auth/session"), g.origin, `200
			<json>
			<no-cache>
			Set-Cookie: next-auth.session-token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax

			{}`)
	}
}

// calm is the browser once its connection is the running configuration's: at a
// reload Caddy may close one that was just made.
func (b *browser) calm() *browser {
	for range 20 {
		if _, err := b.try(http.MethodGet, "/api/auth/providers", ""); err == nil {
			break
		}
	}
	return b
}

// What holds for jwt holds for the store too.
func TestLifeOfADatabaseSession(t *testing.T) {
	g := start(t, databaseSite)
	attacker := g.browser().signIn("bob").token()
	victim := g.browser().withToken(attacker).signIn("alice")
	if victim.token() == attacker || g.browser().withToken(attacker).signedIn() {
		t.Error("a planted session was kept, or lives on")
	}
	if got := victim.trySignIn("alice", "wrong"); got.status != http.StatusUnauthorized || !victim.signedIn() {
		t.Error("a failed attempt ended the session")
	}
	first := victim.token()
	victim.signIn("alice")
	if victim.token() == first || g.browser().withToken(first).signedIn() {
		t.Error("signing in again kept the token, or left the old one alive")
	}
	copied, other := victim.token(), g.browser().signIn("alice")
	g.reload("", databaseSite)
	if !victim.calm().signedIn() || victim.visit("/app/").status != http.StatusOK {
		t.Error("a reload ended the session")
	}
	g.reload("", strings.Replace(databaseSite, "{$USERS}", "credentials {\nbob "+passwordHash()+"\n}", 1))
	if got := other.calm().get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a user who is gone gets %d", got.status)
	}
	g.reload("", databaseSite)
	victim.calm().signOut()
	if g.browser().withToken(copied).signedIn() || !other.signedIn() {
		t.Error("signing out did not end the session and its copies alone")
	}
}

// A session of any size fits, and what was in pieces before is cleared away.
func TestLargeDatabaseSession(t *testing.T) {
	g := start(t, databaseSite)
	b := g.browser().setCookie(plain.Session+".0", "x").setCookie(plain.Session+".1", "y")
	b.signIn("huge")
	if names := b.cookieNames(plain.Session); len(names) != 1 || names[0] != plain.Session {
		t.Errorf("the session's cookies are %v", names)
	}
	if got := b.get("/app/"); got.status != http.StatusOK {
		t.Errorf("a gate answers %d", got.status)
	}
}

// upstream_cookies, expose and placeholders don't depend on the strategy.
func TestWhatUpstreamsSeeOfADatabaseSession(t *testing.T) {
	site := strings.Replace(databaseSite, "store memory", `store memory
		upstream_cookies pass
		identity_headers {
			X-Session {http.auth.session.id}
			X-Since {http.auth.session.auth_time}
			X-Name {http.auth.user.claims.name}
		}
		session {
			expose id groups
		}`, 1)
	g := start(t, site)
	b := g.browser().signIn("alice")
	if got := b.session(); !strings.Contains(got, `"id":"credentials:1","groups":["admins","staff"]`) {
		t.Errorf("the session is %s", got)
	}
	g.echo.take()
	b.get("/app/", "Cookie: other=1")
	seen := g.echo.one(t).Header
	since, err := time.Parse(time.RFC3339, seen.Get("X-Since"))
	if len(seen.Get("X-Session")) != 32 || err != nil || time.Since(since) > time.Hour || seen.Get("X-Name") != "Alice Example" {
		t.Errorf("the upstream is told %v", seen)
	}
	cookies := strings.Join(seen["Cookie"], "; ")
	if values := authjs.AppendValues(nil, seen["Cookie"], plain.Session); len(values) != 1 || values[0] != b.token() || !strings.Contains(cookies, "other=1") {
		t.Errorf("the upstream's cookies are %s", cookies)
	}
}
