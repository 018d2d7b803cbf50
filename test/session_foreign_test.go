package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// foreignSite has a gate for each thing that a token could claim.
const foreignSite = `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin /app/*
	require_signin /admins/* {
		group admins
	}
	require_signin /staff/* {
		provider credentials
	}
	require_signin /mail/* {
		email alice@example.com
	}
	handle /app/claims {
		respond "{http.auth.user.claims.groups}{http.auth.user.claims.login}{http.auth.user.claims.email_verified}{http.auth.user.claims.mac}{http.auth.user.claims.cred}|{http.auth.user.claims.role}"
	}
	reverse_proxy {$ECHO}
}
`

// sealer makes tokens as one dialect's applications do.
type sealer struct {
	name    string
	site    string
	browser func(g *gateway) *browser
	keys    func(secrets ...string) (*authjs.Keyring, error)
}

var sealers = []sealer{
	{"next-auth", foreignSite, (*gateway).browser, plain.SessionKeyring},
	{"authjs", inV5(foreignSite), (*gateway).browserV5, plainV5.SessionKeyring},
}

func (s sealer) seal(t *testing.T, secret string, members map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.keys(secret)
	if err != nil {
		t.Fatal(err)
	}
	return keys.Seal(payload)
}

func (s sealer) open(t *testing.T, secret, token string) map[string]any {
	t.Helper()
	keys, err := s.keys(secret)
	if err != nil {
		t.Fatal(err)
	}
	payload, _, err := keys.Open(token)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(payload), &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// reissued is a token as an application issues it again that has changed some
// members: nil takes one out.
func (s sealer) reissued(t *testing.T, token string, changes map[string]any) string {
	t.Helper()
	members := s.open(t, secret, token)
	maps.Copy(members, map[string]any{"iat": json.Number(unix(0)), "exp": json.Number(unix(3600)), "jti": uuid.NewString()})
	for name, value := range changes {
		if members[name] = value; value == nil {
			delete(members, name)
		}
	}
	return s.seal(t, secret, members)
}

// Whoever may put claims into NextAuth's token, by a jwt callback or by the
// session that update() sends to it, is nobody but that token's user.
func TestATokenThatCarriesOurClaimNames(t *testing.T) {
	for _, s := range sealers {
		g := start(t, s.site)
		alice := s.open(t, secret, s.browser(g).signInAs(s, "alice").token())
		for name, more := range map[string]map[string]any{
			"all of them":             {"sid": uuid.NewString(), "realm": g.origin, "provider": "credentials", "groups": []string{"admins"}, "email_verified": true, "login": "alice", "user": "credentials:1", "auth_time": json.Number(unix(-60))},
			"those of alice":          {"sid": alice["sid"], "realm": alice["realm"], "provider": alice["provider"], "groups": alice["groups"], "email_verified": true, "login": "alice", "cred": alice["cred"], "auth_time": alice["auth_time"]},
			"and her mac":             {"sid": alice["sid"], "realm": alice["realm"], "provider": alice["provider"], "groups": alice["groups"], "email_verified": true, "login": "alice", "cred": alice["cred"], "auth_time": alice["auth_time"], "mac": alice["mac"]},
			"a mac that is none":      {"sid": uuid.NewString(), "realm": g.origin, "provider": "credentials", "groups": []string{"admins"}, "mac": true, "cred": 7},
			"of other types":          {"sid": 1, "realm": g.origin, "provider": []string{"credentials"}, "groups": "admins", "email_verified": "yes", "auth_time": nil, "user": map[string]any{"a": 1}},
			"a realm that is another": {"realm": "https://other.example", "groups": []string{"admins"}},
			"an empty realm":          {"realm": "", "groups": []string{"admins"}},
			"this provider's own id":  {"realm": g.origin, "sid": uuid.NewString(), "provider": "nextauth", "groups": []string{"admins"}, "email_verified": true},
		} {
			members := map[string]any{
				"name": "Mallory", "email": "alice@example.com", "picture": nil, "sub": "mallory", "role": "reader",
				"iat": json.Number(unix(-30)), "exp": json.Number(unix(3600)), "jti": uuid.NewString(),
			}
			maps.Copy(members, more)
			b := s.browser(g).withToken(s.seal(t, secret, members))
			for _, when := range []string{"at first", "issued again by the gateway"} {
				g.echo.take()
				if got := b.visit("/app/"); got.status != http.StatusOK {
					t.Fatalf("%s, %s, %s: a gate answers %d", s.name, name, when, got.status)
				}
				told := identity(g.echo.one(t).Header)
				if len(told) != 2 || told["Remote-User"][0] != "nextauth:mallory" || told["Remote-Name"][0] != "Mallory" {
					t.Errorf("%s, %s, %s: the upstream is told %v", s.name, name, when, told)
				}
				for _, path := range []string{"/admins/", "/staff/", "/mail/"} {
					if got := b.get(path); got.status != http.StatusForbidden {
						t.Errorf("%s, %s, %s: %s answers %d", s.name, name, when, path, got.status)
					}
				}
				if got := b.get("/app/claims"); got.body != "|reader" {
					t.Errorf("%s, %s, %s: the placeholders say %q", s.name, name, when, got.body)
				}
				if got := b.session(); strings.Contains(got, `"mac"`) || !strings.Contains(got, "Mallory") {
					t.Errorf("%s, %s, %s: the session is %s", s.name, name, when, got)
				}
			}
		}
		if !s.browser(g).withToken(s.seal(t, secret, alice)).live() {
			t.Errorf("%s: alice's own session ended", s.name)
		}
	}
}

// signInAs signs in in the sealer's dialect.
func (b *browser) signInAs(s sealer, user string) *browser {
	b.t.Helper()
	if s.name == "authjs" {
		return b.signInV5()
	}
	return b.signIn(user)
}

// live says whether a gate lets the browser pass.
func (b *browser) live() bool {
	b.t.Helper()
	return b.get("/app/").status == http.StatusOK
}

// An application that issues our token again as it is leaves it ours.
func TestATokenOfOursThatAnApplicationIssuesAgain(t *testing.T) {
	for _, s := range sealers {
		g := start(t, s.site)
		b := s.browser(g).signInAs(s, "alice")
		again := s.browser(g).withToken(s.reissued(t, b.token(), map[string]any{"role": "reader", "nbf": json.Number(unix(-5))}))
		for _, path := range []string{"/admins/", "/staff/", "/mail/"} {
			if got := again.get(path); got.status != http.StatusOK {
				t.Errorf("%s: %s answers %d", s.name, path, got.status)
			}
		}
		if got := again.get("/app/claims"); !strings.HasSuffix(got.body, "|reader") {
			t.Errorf("%s: the placeholders say %q", s.name, got.body)
		}
		again.visit("/api/auth/session")
		if claims := s.open(t, secret, again.token()); claims["role"] != "reader" || claims["provider"] != "credentials" {
			t.Errorf("%s: issued again by the gateway it says %v", s.name, claims)
		}
		b.post("/api/auth/signout", b.form("json", "true"))
		if again.live() {
			t.Errorf("%s: it outlives the sign-out of its session", s.name)
		}
	}
}

// changesOfOurs are what an application may do to a token of ours, so that it is
// ours no longer.
var changesOfOurs = map[string]map[string]any{
	"no mac":              {"mac": nil},
	"a mac of zeros":      {"mac": strings.Repeat("A", 22)},
	"another name":        {"name": "Alice at work"},
	"no realm and no mac": {"realm": nil, "mac": nil},
	"more groups":         {"groups": []string{"admins", "root"}},
	"an odd auth_time":    {"auth_time": "now"},
}

// changedCopies are a token after an application changed it, and what the gateway
// and the application made of that since.
func (s sealer) changedCopies(g *gateway, token string, changes map[string]any) map[string]string {
	t := g.t
	t.Helper()
	b := s.browser(g).withToken(s.reissued(t, token, changes))
	if got := b.told(g, "/app/"); !strings.HasPrefix(got, "nextauth:1|") || !strings.HasSuffix(got, "||") {
		t.Fatalf("%s, %v: the upstream is told %q", s.name, changes, got)
	}
	b.session() // issues it again
	return map[string]string{
		"the application's":              s.reissued(t, token, changes),
		"the gateway's":                  b.token(),
		"the application's of that":      s.reissued(t, b.token(), nil),
		"the application's other change": s.reissued(t, b.token(), map[string]any{"mac": nil}),
	}
}

func (s sealer) expect(g *gateway, copies map[string]string, live bool) {
	g.t.Helper()
	for what, token := range copies {
		if s.browser(g).withToken(token).live() != live {
			g.t.Errorf("%s: %s lives: %t", s.name, what, !live)
		}
	}
}

// What an application changed is no longer ours, and yet ends with the session
// that it was, whatever was made of it since.
func TestAChangedTokenEndsWithTheSessionThatItWas(t *testing.T) {
	for _, s := range sealers {
		g := start(t, s.site)
		for _, changes := range changesOfOurs {
			for _, everywhere := range []string{"", "true"} {
				b := s.browser(g).signInAs(s, "alice")
				copies := s.changedCopies(g, b.token(), changes)
				s.expect(g, copies, true)
				if everywhere != "" {
					b = s.browser(g).signInAs(s, "alice") // on another device
				}
				b.post("/api/auth/signout", b.form("json", "true", "everywhere", everywhere))
				s.expect(g, copies, false)
			}
		}
	}
}

// The other way round it ends all that was changed, and nothing of ours: anyone
// may name a sid.
func TestSigningOutByAChangedTokenEndsNothingOfOurs(t *testing.T) {
	for _, s := range sealers {
		g := start(t, s.site)
		for _, changes := range changesOfOurs {
			for _, everywhere := range []string{"", "true"} {
				b := s.browser(g).signInAs(s, "alice")
				copies := s.changedCopies(g, b.token(), changes)
				own := s.browser(g).withToken(copies["the application's"])
				own.post("/api/auth/signout", own.form("json", "true", "everywhere", everywhere))
				s.expect(g, copies, false)
				if !b.live() {
					t.Fatalf("%s, %v: a token that is not ours ended a session that is", s.name, changes)
				}
			}
		}
	}
}

// The absolute limit counts from the sign-in that a changed token names.
func TestAChangedTokenOutlivesNoLimit(t *testing.T) {
	g := start(t, onePasswordSite)
	claims := g.claimsOf()
	for days, lives := range map[int64]bool{89: true, 91: false} {
		payload := fmt.Sprintf(`{"sub":"1","sid":%q,"auth_time":%s,"iat":%s,"exp":%s}`, claims.SID, unix(-days*86400), unix(0), unix(3600))
		if got := g.browser().withToken(sealJSON(t, secret, payload)).signedIn(); got != lives {
			t.Errorf("signed in %d days ago: %t", days, got)
		}
	}
}

// Any of the configured secrets proves a token ours, and the first is used from
// the next page on.
func TestMACsUnderANewSecret(t *testing.T) {
	t.Setenv("OTHER", strconv.Quote(otherSecret))
	with := func(secrets string) string { return strings.Replace(onePasswordSite, "{$SECRET}", secrets, 1) }
	g := start(t, with("{$SECRET}"))
	b := g.browser().signIn("alice")
	// The application has the new secret first, and keeps the mac of the old one.
	moved := g.browser().withToken(sealJSON(t, otherSecret, string(sign(t, secret, g.claimsOf()).Append(nil))))
	g.reload("", with("{$OTHER} {$SECRET}"))
	for _, one := range []*browser{b.calm(), moved} {
		if got := one.visit("/app/"); got.status != http.StatusOK || one.told(g, "/app/") != "alice|Alice Example|alice@example.com|admins,staff" {
			t.Errorf("status %d", got.status)
		}
	}
	g.reload("", with("{$OTHER}"))
	for _, one := range []*browser{b.calm(), moved} {
		if got := one.told(g, "/app/"); got != "alice|Alice Example|alice@example.com|admins,staff" {
			t.Errorf("with the new secret alone the upstream is told %q", got)
		}
	}
}

// A generated secret is nobody's but the gateway's.
func TestAnUnsignedTokenUnderAGeneratedSecret(t *testing.T) {
	g := start(t, onePasswordSite)
	if !g.browser().withToken(sealUnsigned(t, secret, g.claimsOf())).signedIn() {
		t.Error("under a configured secret it is nobody's")
	}
	generated := strings.Replace(onePasswordSite, "secret {$SECRET}", "", 1)
	g.reload("", generated)
	own := g.browser().signIn("alice").token()
	if !g.browser().withToken(own).signedIn() {
		t.Error("the gateway's own session is none")
	}
}
