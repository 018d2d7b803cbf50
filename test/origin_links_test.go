package test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

const (
	oidcRealm  = "{\n\tsecret {$SECRET}\n\toidc corp https://login.corp.example id a-client-secret\n}"
	mailRealm  = "{\n\tsecret {$SECRET}\n\temail {\n\tfrom a@example.com\n\tsmtp localhost\n}\n}"
	usersRealm = "{\n\tsecret {$SECRET}\n\t{$USERS}\n}"
)

// A realm that hands out links has one address, or hosts that its operator names:
// behind a wildcard a client's Host header would choose where links and codes go.
func TestARealmThatHandsOutLinksIsRefusedBehindAWildcard(t *testing.T) {
	const wild = "url is missing: a site of it answers for *.corp.example, so that a client's Host header would choose"
	isolate(t)
	t.Setenv("SECRET", `"`+secret+`"`)
	t.Setenv("USERS", users())
	t.Setenv("ONE_HOST", "app.corp.example")
	t.Setenv("MANY_HOSTS", "*.corp.example")
	global := func(realm string) string { return "{\n\tsignin staff " + realm + "\n}\n" }
	for name, test := range map[string]struct{ caddyfile, want string }{
		"a wildcard, with a provider":            {"*.corp.example {\n\tsignin " + oidcRealm + "\n}", wild},
		"a wildcard, with mailed links":          {"*.corp.example {\n\tsignin " + mailRealm + "\n}", wild},
		"a wildcard, with an alias of email":     {"*.corp.example {\n\tsignin {\n\tresend key {\n\tfrom a@example.com\n}\n}\n}", wild},
		"a wildcard beside a host":               {"app.corp.example, *.corp.example {\n\tsignin " + oidcRealm + "\n}", wild},
		"a wildcard, a provider beside users":    {"*.corp.example {\n\tsignin {\n\t{$USERS}\n\tgithub id a-client-secret\n}\n}", wild},
		"a named realm, one site of two":         {global(oidcRealm) + "app.corp.example {\n\tsignin staff\n}\n*.corp.example {\n\tsignin staff\n}", wild},
		"deep in a site":                         {"*.corp.example {\n\thandle /a/* {\n\troute {\n\tsignin " + oidcRealm + "\n}\n}\n}", wild},
		"in an error page":                       {"*.corp.example {\n\thandle_errors {\n\tsignin " + oidcRealm + "\n}\n}", wild},
		"in a matcher":                           {"https:// {\n\t@w host *.corp.example\n\thandle @w {\n\tsignin " + oidcRealm + "\n}\n}", wild},
		"a wildcard of the environment":          {"https:// {\n\t@w host {env.MANY_HOSTS}\n\thandle @w {\n\tsignin " + oidcRealm + "\n}\n}", "answers for {env.MANY_HOSTS}"},
		"a placeholder of the request":           {"https:// {\n\t@w host {http.request.header.X}\n\thandle @w {\n\tsignin " + oidcRealm + "\n}\n}", "answers for {http.request.header.X}"},
		"no host, where others name a pattern":   {"https:// {\n\tsignin " + oidcRealm + "\n}\n*.corp.example {\n\trespond ok\n}", "a site of it names no host, and its server answers for *.corp.example"},
		"a wildcard, users alone":                {"*.corp.example {\n\tsignin " + usersRealm + "\n}", ""},
		"a wildcard, with url":                   {"*.corp.example {\n\tsignin " + strings.Replace(oidcRealm, "{", "{\n\turl https://auth.corp.example", 1) + "\n}", ""},
		"a wildcard, with url and cookie_domain": {"*.corp.example {\n\tsignin " + strings.Replace(mailRealm, "{", "{\n\turl https://auth.corp.example\n\tcookie_domain corp.example", 1) + "\n}", ""},
		"a host in a wildcard's site":            {"*.corp.example {\n\t@app host app.corp.example\n\thandle @app {\n\tsignin " + oidcRealm + "\n}\n}", ""},
		"a host of the environment":              {"https:// {\n\t@h host {env.ONE_HOST}\n\thandle @h {\n\tsignin " + oidcRealm + "\n}\n}", ""},
		"a host beside another's wildcard":       {"app.corp.example {\n\tsignin " + oidcRealm + "\n}\n*.corp.example {\n\trespond ok\n}", ""},
		"several hosts":                          {"a.corp.example, b.corp.example {\n\tsignin " + mailRealm + "\n}", ""},
		"no host":                                {":8080 {\n\tsignin " + oidcRealm + "\n}", ""},
		"no host, with links":                    {"http://:8080 {\n\tsignin " + mailRealm + "\n}", ""},
		"localhost":                              {"localhost {\n\tsignin " + oidcRealm + "\n}", ""},
		"a wildcard of this machine":             {"http://*.localhost:8080 {\n\tsignin " + oidcRealm + "\n}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			switch got := outcome(t, string(caddyfile.Format([]byte(test.caddyfile)))); {
			case test.want == "" && strings.HasPrefix(got, "error:"):
				t.Errorf("it is refused: %s", got)
			case test.want != "" && !(strings.HasPrefix(got, "error:") && strings.Contains(got, test.want) && strings.Contains(got, "write url")):
				t.Errorf("want an error with %q, got %s", test.want, got)
			}
		})
	}
}

// Where a site is known at the start only, that fails, and the load with it.
func TestAStartRefusesAWildcardThatInvokesSignIn(t *testing.T) {
	g := start(t, onePasswordSite)
	err := g.load("", "&(s) {\n\tsignin "+oidcRealm+"\n}\nhttp://*.corp.test:{$HTTP} {\n\tinvoke s\n}")
	if err == nil || !strings.Contains(err.Error(), "url is missing: a site of it answers for *.corp.test") {
		t.Errorf("loading it: %v", err)
	}
	if !g.browser().signIn("alice").signedIn() {
		t.Error("the old configuration is gone")
	}
}

// twoHosts are sites of one realm without url.
const twoHosts = `
http://a.corp.test:{$HTTP}, http://b.corp.test:{$HTTP} {
	signin staff
	respond ok
}
`

func TestALinkIsGoodAtTheAddressThatItWasAskedFor(t *testing.T) {
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	t.Setenv("MAIL", server.Address)
	g := startGlobal(t, `
	signin staff {
		secret {$SECRET}
		email {
			from no-reply@example.com
			confirm off
			smtp {$MAIL} {
				tls off
			}
		}
	}
`, twoHosts)
	a, b := g.on("a.corp.test"), g.on("b.corp.test")
	g.browserAt(a).ask("zoe@mail.example.com")
	link := server.Wait(t).Link(t)
	if !strings.HasPrefix(link, a+"/api/auth/callback/email?") {
		t.Fatalf("the link is %s", link)
	}
	moved := strings.Replace(link, a, b, 1)
	wantLocation(t, g.browserAt(b).get(moved), b+"/api/auth/error?error=Verification")
	wantLocation(t, g.browserAt(a).get(link), a)
}

func TestASignInEndsAtTheAddressWhereItBegan(t *testing.T) {
	op := providertest.New(t)
	g := startGlobal(t, fmt.Sprintf(`
	signin staff {
		secret {$SECRET}
		oidc corp %s %s %q
	}
`, op.URL, op.ClientID, op.ClientSecret), twoHosts)
	a, b := g.browserAt(g.on("a.corp.test")), g.browserAt(g.on("b.corp.test"))
	back := approve(t, op, a.begin("/"))
	for _, name := range a.pending() {
		b.setCookie(name, a.cookie(name))
	}
	wantLocation(t, b.get(back), b.origin+"/api/auth/error?error=OAuthCallback")
	if b.signedIn() {
		t.Error("the other host signs in")
	}
	if got := a.get(back); got.status != http.StatusFound || !a.signedIn() {
		t.Errorf("the host where it began answers %d", got.status)
	}
}

// With a cookie_domain all hosts have the endpoints' address in common.
func TestASignInOfADomainMayBeginAtAnyOfItsHosts(t *testing.T) {
	op := providertest.New(t)
	g := startDomain(t, fmt.Sprintf("oidc corp %s %s %q", op.URL, op.ClientID, op.ClientSecret))
	auth, app := g.on("auth.corp.test"), g.on("app.corp.test")
	b := g.browserAt(app)
	target := b.begin(app + "/app/")
	asked, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	if got := asked.Query().Get("redirect_uri"); got != auth+"/api/auth/callback/corp" {
		t.Errorf("redirect_uri is %s", got)
	}
	wantLocation(t, b.to(auth).get(approve(t, op, target)), app+"/app/")
}
