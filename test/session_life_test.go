package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// sessionSite has further lines in its session block.
func sessionSite(lines string) string {
	return identitySite("session {\n" + lines + "\n}")
}

// Requirement E5: both limits are checked inside the sealed value.
func TestSessionLimits(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		name, lines   string
		auth, issued  time.Duration // ago
		expires       time.Duration // ahead
		lives         bool
		renewedExpiry time.Duration // ahead, after a renewal
	}{
		{"a fresh session lives 30 days", "", 0, 0, 30 * day, true, 30 * day},
		{"a renewal slides", "", 40 * day, 20 * day, 10 * day, true, 30 * day},
		{"a renewal stops at 90 days after sign-in", "", 80 * day, day, 29 * day, true, 10 * day},
		{"90 days after sign-in it is over, whatever its token says", "", 91 * day, day, 30 * day, false, 0},
		{"a shorter max_age", "max_age 1h", 0, 0, time.Hour, true, time.Hour},
		{"a shorter absolute_max_age", "absolute_max_age 8h", 7 * time.Hour, time.Hour, day, true, time.Hour},
		{"past a shorter absolute_max_age", "absolute_max_age 8h", 9 * time.Hour, time.Hour, day, false, 0},
		{"within idle_timeout", "idle_timeout 2h", day, 110 * time.Minute, 30 * day, true, 30 * day},
		{"past idle_timeout", "idle_timeout 2h", day, 130 * time.Minute, 30 * day, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := start(t, sessionSite(test.lines))
			claims := g.claimsOf()
			now := time.Now()
			claims.AuthTime, claims.IssuedAt, claims.Expires = now.Add(-test.auth), now.Add(-test.issued), now.Add(test.expires)
			b := g.browser().withToken(seal(t, secret, claims))
			if got := b.get("/app/"); (got.status == http.StatusOK) != test.lives {
				t.Fatalf("a gate answers %d, want it to pass: %t", got.status, test.lives)
			}
			if b.signedIn() != test.lives {
				t.Fatalf("GET session says the contrary of the gate")
			}
			if !test.lives {
				return
			}
			renewed := open(t, secret, b.token())
			if ahead := time.Until(renewed.Expires).Round(time.Minute); ahead != test.renewedExpiry {
				t.Errorf("renewed, it expires in %v, want %v", ahead, test.renewedExpiry)
			}
			if drift := renewed.AuthTime.Sub(claims.AuthTime).Abs(); drift > time.Second {
				t.Errorf("a renewal moved the time of sign-in by %v", drift)
			}
		})
	}
}

// Requirement E3: every copy, older or newer, of this realm's other sites too.
func TestSignOutEndsEveryCopy(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("alice")
	copies := []string{b.token()}
	for range 3 {
		b.session()
		copies = append(copies, b.token())
	}
	other := g.browser().signIn("alice")
	b.signOut()
	for i, token := range copies {
		if c := g.browser().withToken(token); c.signedIn() || c.get("/app/").status != http.StatusUnauthorized {
			t.Errorf("copy %d of %d still works", i+1, len(copies))
		}
	}
	if !other.signedIn() {
		t.Error("another session of the same person ended too")
	}
	g.reload("", onePasswordSite)
	if g.browser().withToken(copies[0]).signedIn() {
		t.Error("a reload revived the session")
	}
	if !other.signedIn() {
		t.Error("a reload ended another session")
	}
}

// Requirements E2 and E3 where a sibling host planted a session before the own one.
func TestSignInAndSignOutEndEverySessionOfTheBrowser(t *testing.T) {
	for _, strategy := range []string{"jwt", "database"} {
		g := start(t, strings.Replace(onePasswordSite, "{$USERS}", "{$USERS}\nsession {\nstrategy "+strategy+"\n}", 1))
		for path, fields := range map[string][]string{
			"/api/auth/signout":              {"json", "true"},
			"/api/auth/callback/credentials": {"json", "true", "username", "alice", "password", password},
		} {
			planted, own := g.browser().signIn("bob").token(), g.browser().signIn("alice").token()
			b := g.browser()
			b.post(path, b.form(fields...), "Cookie: next-auth.session-token="+planted+"; next-auth.session-token="+own)
			for of, token := range map[string]string{"planted": planted, "own": own} {
				if g.browser().withToken(token).signedIn() {
					t.Errorf("%s, %s: the %s session lives on", strategy, path, of)
				}
			}
		}
	}
}

// Requirement E4: whichever of them is first, a look at the session that races
// the sign-out does not revive it.
func TestRenewalThatRacesASignOut(t *testing.T) {
	g := start(t, onePasswordSite)
	for range 10 {
		b := g.browser().signIn("alice")
		token, form := b.token(), b.form("json", "true")
		renewed := make(chan string, 8)
		for range cap(renewed) {
			go func() {
				c := g.browser().withToken(token)
				if _, err := c.try(http.MethodGet, "/api/auth/session", ""); err != nil {
					t.Error(err)
				}
				renewed <- c.token()
			}()
		}
		b.post("/api/auth/signout", form)
		for range cap(renewed) {
			if again := <-renewed; again != "" && g.browser().withToken(again).signedIn() {
				t.Fatal("a token that was renewed during the sign-out lives on")
			}
		}
	}
}

// Requirement E2: what a browser brings to a sign-in is neither kept nor merged.
func TestSessionFixation(t *testing.T) {
	g := start(t, onePasswordSite)
	attacker := g.browser().signIn("bob").token()
	victim := g.browser().withToken(attacker).signIn("alice")
	planted, own := open(t, secret, attacker), open(t, secret, victim.token())
	if planted.SID == own.SID {
		t.Error("the sign-in kept the planted session's id")
	}
	if g.browser().withToken(attacker).signedIn() {
		t.Error("the planted session lives on")
	}
	if !strings.Contains(victim.session(), "Alice") {
		t.Errorf("the session is %s", victim.session())
	}
	again := g.browser().signIn("alice")
	if open(t, secret, again.token()).SID == own.SID {
		t.Error("two sign-ins share an id")
	}
	if len(own.SID) < 32 {
		t.Errorf("the session's id %q has fewer than 128 bits", own.SID)
	}
}

// Tokens that name another realm, a provider or a user that is not configured.
func TestTokensThatDoNotFitTheConfiguration(t *testing.T) {
	g := start(t, onePasswordSite)
	for name, change := range map[string]func(*authjs.Claims){
		"another realm":                 func(c *authjs.Claims) { c.Realm = "https://other.example" },
		"the realm in another spelling": func(c *authjs.Claims) { c.Realm += "/" },
		"an unknown provider":           func(c *authjs.Claims) { c.Provider = "github" },
		"no provider":                   func(c *authjs.Claims) { c.Provider = "" },
		"an unknown user":               func(c *authjs.Claims) { c.Subject = "alice" }, // her id is 1
		"no subject":                    func(c *authjs.Claims) { c.Subject = "" },
		"no sid":                        func(c *authjs.Claims) { c.SID = "" },
		"no time of sign-in":            func(c *authjs.Claims) { c.AuthTime = time.Time{} },
	} {
		claims := g.claimsOf()
		change(&claims)
		b := g.browser().withToken(seal(t, secret, claims))
		if got := b.get("/app/"); got.status != http.StatusUnauthorized {
			t.Errorf("%s: a gate answers %d", name, got.status)
		}
		if b.signedIn() {
			t.Errorf("%s: GET session gives a session", name)
		}
	}
}

// A user or a provider that a reload removes is out at once, and back with it.
func TestReloadRemovesAUserAndAProvider(t *testing.T) {
	site := func(providers string) string {
		return strings.Replace(onePasswordSite, "{$USERS}", providers, 1)
	}
	hash := passwordHash()
	both := site("credentials {\nalice " + hash + "\nbob " + hash + "\n}")
	g := start(t, both)
	alice, bob := g.browser().signIn("alice"), g.browser().signIn("bob")
	passes := func(b *browser) bool { return b.get("/app/").status == http.StatusOK }

	g.reload("", site("credentials {\nbob "+hash+"\n}"))
	if passes(alice) || !passes(bob) {
		t.Errorf("alice, who is gone, passes: %t; bob, who is not: %t", passes(alice), passes(bob))
	}
	g.reload("", site("credentials {\nid staff\nalice "+hash+"\nbob "+hash+"\n}"))
	if passes(alice) || passes(bob) {
		t.Error("sessions of a provider that is gone pass")
	}
	g.reload("", both)
	if !passes(alice) || !passes(bob) {
		t.Error("with the old configuration the sessions do not pass again")
	}
	if err := g.load("", site("credentials {\nalice clear-text\n}")); err == nil {
		t.Fatal("a wrong configuration loads")
	}
	if !passes(alice) {
		t.Error("a configuration that is refused disturbs the running one")
	}
}

// A token that NextAuth issued under the same configured secret is a session here.
func TestTokensThatNextAuthIssued(t *testing.T) {
	payload := func(jti string) string {
		return fmt.Sprintf(`{"name":"Alice Example","email":"alice@example.com","picture":"https://img.example/a.png","sub":"1",`+
			`"groups":["admins"],"provider":"credentials","email_verified":true,"role":"admin","iat":%s,"exp":%s%s}`, unix(-60), unix(3600), jti)
	}
	g := start(t, onePasswordSite)
	for name, jti := range map[string]string{"with a jti": `,"jti":"dbf6a43a-40c2-4ec9-b9ed-3b74524b7915"`, "without one": ""} {
		t.Run(name, func(t *testing.T) {
			b := g.browser().withToken(sealJSON(t, secret, payload(jti)))
			if got := b.get("/app/"); got.status != http.StatusOK {
				t.Fatalf("a gate answers %d", got.status)
			}
			told := identity(g.echo.one(t).Header)
			if len(told) != 2 || told["Remote-User"][0] != "nextauth:1" || told["Remote-Name"][0] != "Alice Example" {
				t.Errorf("the upstream is told %v", told)
			}
			before := b.token()
			if got := b.session(); !strings.HasPrefix(got, `{"user":{"name":"Alice Example","email":"alice@example.com","image":"https://img.example/a.png"},`) {
				t.Errorf("the session is %s", got)
			}
			after := open(t, secret, b.token())
			if after.Realm != g.origin || after.Provider != "nextauth" || len(after.Groups) > 0 || after.EmailVerified {
				t.Errorf("re-issued, the claims are %+v", after)
			}
			b.signOut()
			if g.browser().withToken(before).signedIn() {
				t.Error("signing out left the token that NextAuth issued alive")
			}
		})
	}
	generated := strings.Replace(onePasswordSite, "secret {$SECRET}", "", 1)
	g.reload("", generated)
	if b := g.browser().withToken(sealJSON(t, secret, payload(""))); b.signedIn() {
		t.Error("a generated secret accepts a token sealed with another one")
	}
}
