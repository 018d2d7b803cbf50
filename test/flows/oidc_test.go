package flows

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// corpSite is a gateway with a fake OpenID provider.
func corpSite(op *providertest.Server, more string) string {
	return strings.NewReplacer("ISSUER", op.URL, "CLIENT", op.ClientID, "CREDENTIAL", op.ClientSecret, "MORE", more).Replace(
		`http://localhost:PORT {
	signin {
		secret SECRET
		oidc corp ISSUER CLIENT CREDENTIAL
		oidc other ISSUER CLIENT CREDENTIAL
		MORE
	}
	require_signin /app/*
	reverse_proxy ECHO
}
`)
}

// begin starts a sign-in and returns the authorization URL.
func (b *browser) begin(callbackURL string) string {
	b.g.t.Helper()
	got := b.post("/api/auth/signin/corp?prompt=login&redirect_uri=https://evil.example&state=x", "callbackUrl", callbackURL, "json", "true")
	var target struct{ URL string }
	if err := json.Unmarshal([]byte(got.body), &target); err != nil {
		b.g.t.Fatal(got.body)
	}
	return target.URL
}

func approve(t *testing.T, op *providertest.Server, authorizationURL string) string {
	t.Helper()
	params, err := op.Authorize(authorizationURL)
	if err != nil {
		t.Fatal(err, authorizationURL)
	}
	return "/api/auth/callback/corp?" + params.Encode()
}

func pending(b *browser) (names []string) {
	for name := range b.cookies {
		if regexp.MustCompile(`^next-auth\.state\.[0-9a-f]{8}$`).MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

func TestSigningInThroughAProvider(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	target := b.begin("/dash")
	asked, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	q := asked.Query()
	if q.Get("redirect_uri") != g.origin+"/api/auth/callback/corp" || q.Get("prompt") != "login" ||
		len(q["state"]) != 1 || len(q.Get("state")) != 43 || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" {
		t.Errorf("authorization request: %v", q)
	}
	if len(pending(b)) != 1 {
		t.Errorf("pending cookies: %v", pending(b))
	}
	callback := approve(t, op, target)
	before := b.copy()

	got := b.get(callback)
	got.want(t, 302, "Location", g.origin+"/dash")
	got.want(t, 302, "Referrer-Policy", "no-referrer")
	if len(pending(b)) != 0 || !b.signedIn() {
		t.Errorf("after the callback: %v", b.cookies)
	}
	b.get("/app/").want(t, 200, "", "")
	if who := g.echo.take()[0].Header.Get("Remote-User"); who == "" {
		t.Error("the upstream isn't told who the user is")
	}

	before.get(callback).want(t, 302, "Location", g.origin+"/api/auth/error?error=OAuthCallback")
	b.get(callback).want(t, 302, "Location", g.origin+"/api/auth/error?error=OAuthCallback")
	if before.signedIn() || !b.signedIn() {
		t.Error("a replayed callback changed a session")
	}
}

func TestACallbackCountsOnceAndOnlyForItsBrowserAndProvider(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	callback := approve(t, op, b.begin("/"))
	state := callback[strings.Index(callback, "state="):]

	g.browser().get(callback).want(t, 302, "Location", g.origin+"/api/auth/error?error=OAuthCallback")
	for name, request := range map[string]string{
		"no state":         "/api/auth/callback/corp?code=x",
		"a doubled state":  callback + "&" + state,
		"a foreign state":  "/api/auth/callback/corp?code=x&state=" + strings.Repeat("a", 43),
		"another provider": strings.Replace(callback, "/corp?", "/other?", 1),
	} {
		other := b.copy()
		other.get(request).want(t, 302, "Location", g.origin+"/api/auth/error?error=OAuthCallback")
		if other.signedIn() {
			t.Errorf("%s signed in", name)
		}
	}
	if len(op.Requests(providertest.TokenPath)) != 0 {
		t.Error("the provider was asked for a token")
	}
	refused := b.copy()
	refused.get("/api/auth/callback/corp?error=access_denied&"+state).want(t, 302, "Location", g.origin+"/api/auth/error?error=Callback")
	if len(pending(refused)) != 0 {
		t.Error("an error answer keeps the pending sign-in")
	}

	var wait sync.WaitGroup
	results := make(chan string, 10)
	for range 10 {
		one := b.copy()
		wait.Go(func() { results <- one.get(callback).Header.Get("Location") })
	}
	wait.Wait()
	close(results)
	good := 0
	for location := range results {
		if location == g.origin+"/" {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d of 10 callbacks at once signed in", good)
	}
}

func TestParallelSignInsEndWhereTheyBegan(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	one, two := b.begin("/app/one"), b.begin("/app/two")
	b.get(approve(t, op, one)).want(t, 302, "Location", g.origin+"/app/one")
	b.get(approve(t, op, two)).want(t, 302, "Location", g.origin+"/app/two")

	b = g.browser()
	var last string
	for range 60 {
		last = b.begin("/last")
	}
	if n := len(pending(b)); n != 5 {
		t.Errorf("%d pending sign-ins are kept", n)
	}
	b.get(approve(t, op, last)).want(t, 302, "Location", g.origin+"/last")
}

func TestWhomTheRulesDontAdmitStaysOutside(t *testing.T) {
	op := providertest.New(t)
	for name, tc := range map[string]struct {
		rule     string
		verified any
		admitted bool
	}{
		"an allowed address":                {"allow email alice@example.com", true, true},
		"an unverified address":             {"allow email alice@example.com", false, false},
		"another domain":                    {"allow email *@example.org", true, false},
		"a denied address, also unverified": {"deny email alice@example.com", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			claims := providertest.Alice()
			claims["email"], claims["email_verified"] = "alice@example.com", tc.verified
			op.Set(providertest.Behaviour{Claims: claims})
			g := start(t, corpSite(op, tc.rule))
			b := g.browser()
			location := b.get(approve(t, op, b.begin("/"))).Header.Get("Location")
			if b.signedIn() != tc.admitted || (!tc.admitted && location != g.origin+"/api/auth/error?error=AccessDenied") {
				t.Errorf("signed in: %v, %s", b.signedIn(), location)
			}
		})
	}
}

func TestAProviderThatIsDownStopsNothingElse(t *testing.T) {
	op := providertest.New(t)
	g := start(t, strings.Replace(corpSite(op, "credentials {\n\t\t\tbob HASH\n\t\t}"), op.URL, "http://127.0.0.1:"+freePort(t), 2))
	b := g.browser()
	b.signIn("bob")
	b.get("/app/").want(t, http.StatusOK, "", "")
	b.post("/api/auth/signin/corp").want(t, 302, "Location", g.origin+"/api/auth/error?error=OAuthSignin")
	if !b.signedIn() {
		t.Error("a failed attempt ended the session")
	}
}
