package test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// strategiesOfSessions are the values of the option strategy.
var strategiesOfSessions = []string{"jwt", "database"}

// usersSite keeps sessions by a strategy, has credentials with these lines, and
// gates for everybody and for a group. Rules may be realm options.
func usersSite(strategy, credentials, rules string) string {
	return `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		session {
			strategy ` + strategy + `
			expose id username groups
		}
		credentials {
			` + credentials + `
		}
		` + rules + `
	}
	require_signin /app/*
	require_signin /admins/* {
		group admins
	}
	reverse_proxy {$ECHO}
}
`
}

// hashOf is a new hash of a password.
func hashOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// told is what the upstream is told of a browser, or the gate's refusal.
func (b *browser) told(g *gateway, path string) string {
	b.t.Helper()
	g.echo.take()
	if got := b.get(path); got.status != http.StatusOK {
		return strconv.Itoa(got.status)
	}
	header := g.echo.one(b.t).Header
	return strings.Join([]string{header.Get("Remote-User"), header.Get("Remote-Name"), header.Get("Remote-Email"), header.Get("Remote-Groups")}, "|")
}

// The rights of a session are those that its user has now.
func TestConfiguredUsersHaveTheRightsTheyHaveNow(t *testing.T) {
	hash := passwordHash()
	before := "alice " + hash + " {\nid 1\nname \"Alice Example\"\nemail alice@example.com\ngroups admins staff\n}"
	for _, strategy := range strategiesOfSessions {
		g := start(t, usersSite(strategy, before, ""))
		b := g.browser().signIn("alice")
		if got := b.told(g, "/admins/"); got != "alice|Alice Example|alice@example.com|admins,staff" {
			t.Fatalf("%s: at first the upstream is told %q", strategy, got)
		}
		for _, step := range []struct {
			name, user, rules string
			app, admins       string
			session           string
		}{
			{
				"other groups", "alice " + hash + " {\nid 1\nname \"Alice Example\"\nemail alice@example.com\ngroups staff guests\n}", "",
				"alice|Alice Example|alice@example.com|staff,guests", "403", `"groups":["staff","guests"]`,
			},
			{
				"no groups, another name, address and login", "alys " + hash + " {\nid 1\nname Alys\nemail alys@example.com\nimage https://img.example/a.png\n}", "",
				"alys|Alys|alys@example.com|", "403", `{"user":{"name":"Alys","email":"alys@example.com","image":"https://img.example/a.png","id":"credentials:1","username":"alys","groups":[]}`,
			},
			{
				"an address that deny refuses", "alice " + hash + " {\nid 1\nemail alice@contractor.example\n}", "deny email *@contractor.example",
				"401", "401", "{}",
			},
			{
				"no address any more, where allow asks for one", "alice " + hash + " {\nid 1\n}", "allow email alice@example.com",
				"401", "401", "{}",
			},
			{"as before", strings.TrimSpace(before), "", "alice|Alice Example|alice@example.com|admins,staff", "alice|Alice Example|alice@example.com|admins,staff", `"groups":["admins","staff"]`},
		} {
			g.reload("", usersSite(strategy, step.user, step.rules))
			token := b.calm().token()
			if app, admins := b.told(g, "/app/"), b.told(g, "/admins/"); app != step.app || admins != step.admins {
				t.Errorf("%s, %s: the upstream is told %q and %q", strategy, step.name, app, admins)
			}
			if got := b.session(); !strings.Contains(got, step.session) || strings.Contains(got, `"mac"`) || strings.Contains(got, `"cred"`) {
				t.Errorf("%s, %s: the session is %s", strategy, step.name, got)
			}
			b.withToken(token) // which GET session may have deleted
		}
	}
}

// What a back end reads in the cookie is brought up to date with the next page.
func TestTheTokenFollowsTheRightsOfItsUser(t *testing.T) {
	hash := passwordHash()
	g := start(t, usersSite("jwt", "alice "+hash+" {\ngroups admins\n}", ""))
	b := g.browser().signIn("alice")
	g.reload("", usersSite("jwt", "alice "+hash+" {\ngroups guests\n}", ""))
	if got := b.calm().visit("/app/"); got.status != http.StatusOK {
		t.Fatalf("status %d", got.status)
	}
	if claims := open(t, secret, b.token()); strings.Join(claims.Groups, " ") != "guests" {
		t.Errorf("the token says %q", claims.Groups)
	}
	if got := b.visit("/app/"); len(got.header["Set-Cookie"]) > 0 {
		t.Errorf("the next page sets %q again", got.header["Set-Cookie"])
	}
}

// A session ends with the password that it began with; those of others go on.
func TestANewPasswordEndsTheSessionsOfItsUser(t *testing.T) {
	hash := passwordHash()
	users := func(alice string) string { return alice + "\nbob " + hash }
	for _, strategy := range strategiesOfSessions {
		for name, alice := range map[string]string{
			"another password":                   "alice " + hashOf(t, "another password"),
			"the same one with another salt":     "alice " + hashOf(t, password),
			"an id that belongs to somebody new": "mallory " + hashOf(t, "password of mallory") + " {\nid alice\n}",
			"a user who is gone":                 "carol " + hash,
			"a back end that checks passwords":   "",
		} {
			g := start(t, usersSite(strategy, users("alice "+hash), ""))
			b, bob := g.browser().signIn("alice"), g.browser().signIn("bob")
			config := usersSite(strategy, users(alice), "")
			if alice == "" {
				config = usersSite(strategy, "http https://backend.example.com/login", "")
			}
			g.reload("", config)
			token := b.calm().token()
			if app := b.told(g, "/app/"); app != "401" || b.signedIn() {
				t.Errorf("%s, %s: the upstream is told %q", strategy, name, app)
			}
			if alice != "" && !bob.calm().signedIn() {
				t.Errorf("%s, %s: bob's session ended too", strategy, name)
			}
			g.reload("", usersSite(strategy, users("alice "+hash), ""))
			if !b.calm().withToken(token).signedIn() {
				t.Errorf("%s, %s: with the old password back the session is not", strategy, name)
			}
		}
	}
}

// A session that an earlier version began doesn't say which password it was.
func TestASessionWithoutACredentialIsOver(t *testing.T) {
	g := start(t, onePasswordSite)
	claims := sign(t, secret, g.claimsOf())
	if !g.browser().withToken(sealJSON(t, secret, string(claims.Append(nil)))).signedIn() {
		t.Fatal("a session as the gateway makes it is none")
	}
	claims.Credential = ""
	claims.Sign(macKeys(t, "session claims", secret))
	if g.browser().withToken(sealJSON(t, secret, string(claims.Append(nil)))).signedIn() {
		t.Error("a session without a credential is one")
	}
}

// One secret for two realms with one user and one password: what proves a
// password in one is none in the other.
func TestCredentialsOfAnotherRealm(t *testing.T) {
	g := start(t, onePasswordSite)
	claims := sign(t, secret, g.claimsOf())
	other := *claims
	other.Realm = "https://other.example"
	claims.Credential = sign(t, secret, other).Credential
	claims.Sign(macKeys(t, "session claims", secret))
	if g.browser().withToken(sealJSON(t, secret, string(claims.Append(nil)))).signedIn() {
		t.Error("another realm's credential opens a session")
	}
}

// Sessions outlive a secret that is replaced step by step.
func TestCredentialsUnderANewSecret(t *testing.T) {
	t.Setenv("OTHER", strconv.Quote(otherSecret))
	with := func(secrets string) string {
		return strings.Replace(usersSite("jwt", "alice "+passwordHash(), ""), "{$SECRET}", secrets, 1)
	}
	g := start(t, with("{$SECRET}"))
	b := g.browser().signIn("alice")
	g.reload("", with("{$OTHER} {$SECRET}"))
	if got := b.calm().visit("/app/"); got.status != http.StatusOK {
		t.Errorf("with both secrets the gate answers %d", got.status)
	}
	g.reload("", with("{$OTHER}"))
	if !b.calm().signedIn() {
		t.Error("with the new secret alone a session that was renewed is over")
	}
}

// A stream ends when its user would not be let in again, though the
// configuration that it began under lives on in it.
func TestStreamsEndWithTheRightsOfTheirUsers(t *testing.T) {
	hash := passwordHash()
	site := func(alice, rules string) string {
		site := usersSite("jwt", alice+"\nbob "+hash+" {\nemail bob@example.com\ngroups admins\n}", rules)
		site = strings.Replace(site, "require_signin /app/*", "require_signin /app/* {\ngroup admins\n}", 1)
		return strings.Replace(site, "reverse_proxy {$ECHO}", "reverse_proxy {$ECHO} {\nstream_close_delay 1h\n}", 1)
	}
	before := "alice " + hash + " {\nemail alice@example.com\ngroups admins\n}"
	for name, after := range map[string]struct{ alice, rules string }{
		"another password": {"alice " + hashOf(t, "another") + " {\nemail alice@example.com\ngroups admins\n}", ""},
		"no such user":     {"carol " + hash, ""},
		"not in the group": {"alice " + hash + " {\nemail alice@example.com\n}", ""},
		"denied by a rule": {before, "deny email alice@example.com"},
		"not allowed in":   {before, "allow email bob@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, site(before, ""))
			g.echo.stream(t)
			_, hers := g.browser().signIn("alice").socket()
			say, _ := g.browser().signIn("bob").socket()
			g.reload("", site(after.alice, after.rules))
			select {
			case <-hers:
			case <-time.After(10 * time.Second):
				t.Error("alice's stream goes on")
			}
			if err := say("still here"); err != nil {
				t.Errorf("bob's stream: %v", err)
			}
		})
	}
}
