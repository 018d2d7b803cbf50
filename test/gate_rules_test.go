package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// rulesSite has providers whose people a test makes up by sealing tokens.
func rulesSite(realm, gates string) string {
	return `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		oidc corp https://login.corp.example id a-client-secret
		oidc club https://login.club.example id a-client-secret
		` + realm + `
	}
	` + gates + `
	reverse_proxy {$ECHO}
}
`
}

// person is who a made-up session is of.
type person struct {
	provider   string
	email      string
	unverified bool
	groups     []string
}

func (g *gateway) browserOf(p person) *browser {
	claims := g.claimsOf()
	claims.Name, claims.Login = authjs.Text{}, ""
	claims.Provider, claims.Email = p.provider, authjs.TextOrMissing(p.email)
	claims.EmailVerified, claims.Groups = p.email != "" && !p.unverified, p.groups
	return g.browser().withToken(seal(g.t, secret, claims))
}

var people = map[string]person{
	"ann":       {provider: "corp", email: "ann@example.com", groups: []string{"admins", "ops"}},
	"ben":       {provider: "corp", email: "ben@example.com", groups: []string{"ops"}},
	"cat":       {provider: "club", email: "cat@example.com"},
	"dan":       {provider: "club", email: "dan@sub.example.com", groups: []string{"Admins", "admin", "admins,ops"}},
	"eve":       {provider: "club", email: "ann@example.com", unverified: true},
	"mailless":  {provider: "corp", groups: []string{"admins"}},
	"lookalike": {provider: "corp", email: "ann@notexample.com"},
}

func TestGateRules(t *testing.T) {
	for _, test := range []struct {
		name, rules string
		pass        string
	}{
		{"no rule lets every session pass", "", "ann ben cat dan eve lookalike mailless"},
		{"an address", "email ann@example.com", "ann"},
		{"an address in another case", "email ANN@Example.COM", "ann"},
		{"a domain means exactly that domain", "email *@example.com", "ann ben cat"},
		{"addresses on one line: any", "email ben@example.com *@sub.example.com", "ben dan"},
		{"a group, compared exactly", "group admins", "ann mailless"},
		{"groups on one line: any", "group admins ops", "ann ben mailless"},
		{"a provider", "provider club", "cat dan eve"},
		{"lines: all", "email *@example.com\ngroup ops", "ann ben"},
		{"two lines of one kind: all", "group admins\ngroup ops", "ann"},
		{"all kinds", "email *@example.com\ngroup ops admins\nprovider corp", "ann ben"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := start(t, rulesSite("", "require_signin {\n"+test.rules+"\n}"))
			expectPassing(t, g, test.pass)
		})
	}
}

// expectPassing demands that these people, and no others, reach the upstream.
func expectPassing(t *testing.T, g *gateway, pass string) {
	t.Helper()
	for name, p := range people {
		passes := strings.Contains(" "+pass+" ", " "+name+" ")
		got := g.browserOf(p).get("/x")
		reached := len(g.echo.take()) == 1
		if reached != passes || (got.status == http.StatusOK) != passes {
			t.Errorf("%s: status %d, reached the upstream: %t, want %t", name, got.status, reached, passes)
		}
	}
}

// Every gate that matches must let a request pass.
func TestSeveralGates(t *testing.T) {
	g := start(t, rulesSite("", `
	require_signin /x* {
		group ops
	}
	require_signin {
		group admins
	}`))
	expectPassing(t, g, "ann")
}

func TestOptionalGate(t *testing.T) {
	g := start(t, rulesSite("", `
	require_signin {
		optional
		group admins
	}`))
	for name, want := range map[string]string{"ann": "ann@example.com", "ben": "", "cat": ""} {
		got := g.browserOf(people[name]).get("/x", "Remote-Email: forged@example.com", "Remote-User: forged")
		if seen := g.echo.one(t); got.status != http.StatusOK || seen.Header.Get("Remote-Email") != want {
			t.Errorf("%s: status %d, the upstream is told %v, want the address %q", name, got.status, seen.Header, want)
		}
	}
	if got := g.browser().get("/x", "Remote-User: forged"); got.status != http.StatusOK {
		t.Errorf("a stranger: status %d", got.status)
	}
	if seen := g.echo.one(t); len(seen.Header["Remote-User"]) > 0 {
		t.Errorf("of a stranger the upstream is told %v", seen.Header)
	}
}

// The realm's allow and deny hold on every request: deny wins, and counts
// addresses that nobody verified; allow counts verified ones only.
func TestAdmissionOnEveryRequest(t *testing.T) {
	for _, test := range []struct {
		name, rules string
		pass        string
	}{
		{"any allow line admits", "allow email ann@example.com\nallow group ops\nallow provider club", "ann ben cat dan eve"},
		{"an address that nobody verified admits nobody", "allow email ann@example.com", "ann"},
		{"a denied address shuts out, verified or not", "deny email ann@example.com", "ben cat dan lookalike mailless"},
		{"any deny line wins", "allow email *@example.com\ndeny group admins\ndeny email ben@example.com", "cat"},
		{"a denied provider", "deny provider corp", "cat dan eve"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := start(t, rulesSite(test.rules, "require_signin"))
			expectPassing(t, g, test.pass)
			for name, p := range people {
				signedIn := strings.Contains(" "+test.pass+" ", " "+name+" ")
				if got := g.browserOf(p).signedIn(); got != signedIn {
					t.Errorf("GET session says that %s is signed in: %t", name, got)
				}
			}
		})
	}
}
