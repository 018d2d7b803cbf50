package test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// corpSite has a fake OpenID provider under two ids, further lines in its
// realm, and a gate on /app.
func corpSite(op *providertest.Server, more string) string {
	line := fmt.Sprintf("%s %s %q", op.URL, op.ClientID, op.ClientSecret)
	return strings.Replace(onePasswordSite, "{$USERS}", "oidc corp "+line+"\noidc other "+line+"\n"+more, 1)
}

// begin starts a sign-in with the provider corp and returns the authorization URL.
func (b *browser) begin(callbackURL string) string {
	b.t.Helper()
	var target struct{ URL string }
	b.decode(b.post("/api/auth/signin/corp", b.form("callbackUrl", callbackURL, "json", "true")), &target)
	return target.URL
}

// approve has the provider answer an authorization request, and returns where
// it sends the browser.
func approve(t *testing.T, op *providertest.Server, authorizationURL string) string {
	t.Helper()
	params, err := op.Authorize(authorizationURL)
	if err != nil {
		t.Fatalf("%s: %v", authorizationURL, err)
	}
	return "/api/auth/callback/corp?" + params.Encode()
}

// copyOf is another browser with the same cookies.
func (g *gateway) copyOf(b *browser) *browser {
	g.t.Helper()
	other := g.browserAt(b.origin)
	other.client.Jar.SetCookies(b.url(), b.client.Jar.Cookies(b.url()))
	return other
}

func (b *browser) pending() []string {
	return slices.DeleteFunc(b.cookieNames("next-auth.state."), func(name string) bool {
		return name == "next-auth.state.note" // what a failure tells its page
	})
}

func wantLocation(t *testing.T, got answer, want string) {
	t.Helper()
	if location := got.header.Get("Location"); got.status != http.StatusFound || location != want {
		t.Errorf("answered %d to %q, want 302 to %q: %s", got.status, location, want, got.body)
	}
}

// The request to a provider is NextAuth's, with one cookie per flow. What a
// browser adds changes neither where the code goes nor what it is good for
// (requirements B2 to B5).
func TestStartOfASignInWithAProvider(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	form := b.form("callbackUrl", "/dash", "json", "true")
	got := b.post("/api/auth/signin/corp?prompt=login&login_hint=alice&redirect_uri=https://evil.example&state=x&nonce=x"+
		"&client_id=x&scope=x&response_type=token&response_mode=fragment&code_challenge=x&request=x&request_uri=x&resource=x&json=1&callbackUrl=/x", form)
	var target struct{ URL string }
	b.decode(got, &target)
	asked, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := asked.Query()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q[name]) != 1 || len(q.Get(name)) != 43 {
			t.Errorf("%s is %q", name, q[name])
		}
		q.Del(name)
	}
	want := url.Values{
		"client_id": {op.ClientID}, "scope": {"openid email profile"}, "response_type": {"code"},
		"redirect_uri": {g.origin + "/api/auth/callback/corp"}, "code_challenge_method": {"S256"},
		"prompt": {"login"}, "login_hint": {"alice"},
	}
	if q.Encode() != want.Encode() {
		t.Errorf("the authorization request is %v, want %v", q, want)
	}
	got.body = ""
	expectAnswer(t, got, g.origin, `200
		<json>
		<private>
		Set-Cookie: next-auth.callback-url={O%}%2Fdash; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: next-auth.state.<id>=<jwe>; Max-Age=900; Path=/; Expires=<in 15m>; HttpOnly; SameSite=Lax`)
	again := b.post("/api/auth/signin/corp", b.form())
	if location := again.header.Get("Location"); again.status != http.StatusFound || !strings.HasPrefix(location, op.URL+providertest.AuthorizePath+"?") {
		t.Errorf("as a form it is answered %d to %q", again.status, location)
	}
}

// A callback leads where the visitor wanted to go, and works once.
func TestCallbackOfAProvider(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	callback := approve(t, op, b.begin("/app/"))
	before := g.copyOf(b)
	expectAnswer(t, b.get(callback), g.origin, `302
		<private>
		Location: {O}/app/
		Set-Cookie: next-auth.state.<id>=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax`)
	if len(b.pending()) != 0 {
		t.Errorf("after the callback these are pending: %v", b.pending())
	}
	b.get("/app/")
	if user := g.echo.one(t).Header.Get("Remote-User"); user != "alice@example.com" {
		t.Errorf("the upstream is told %q", user)
	}
	for _, replay := range []*browser{before, b} {
		wantLocation(t, replay.get(callback), g.origin+"/api/auth/error?error=OAuthCallback")
	}
	if before.signedIn() || !b.signedIn() {
		t.Error("a replayed callback changed a session")
	}
}

// Requirements C1, C3, C5, C20, C22 and D8. Every one has a flow of its own, for
// some of them use it up.
func TestCallbacksThatAreRefused(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	const callbackURL = "/api/auth/callback/corp?code=x"
	for name, refused := range map[string]func(callback, state string) string{
		"no state":         func(string, string) string { return callbackURL },
		"an empty state":   func(string, string) string { return callbackURL + "&state=" },
		"a doubled state":  func(callback, state string) string { return callback + "&state=" + state },
		"a foreign state":  func(string, string) string { return callbackURL + "&state=" + strings.Repeat("a", 43) },
		"another provider": func(callback, _ string) string { return strings.Replace(callback, "/corp?", "/other?", 1) },
		"no code":          func(_, state string) string { return "/api/auth/callback/corp?state=" + state },
	} {
		b := g.browser()
		callback := approve(t, op, b.begin("/"))
		wantLocation(t, b.get(refused(callback, stateOf(t, callback))), g.origin+"/api/auth/error?error=OAuthCallback")
		if b.signedIn() {
			t.Errorf("%s signed in", name)
		}
	}
	b := g.browser()
	callback := approve(t, op, b.begin("/"))
	stranger := g.browser()
	wantLocation(t, stranger.get(callback), g.origin+"/api/auth/error?error=OAuthCallback")
	if stranger.signedIn() {
		t.Error("a callback signed another browser in")
	}
	if got := b.do(http.MethodHead, callback, ""); got.status != http.StatusBadRequest || len(b.pending()) != 1 {
		t.Errorf("a HEAD is answered %d and leaves %v", got.status, b.pending())
	}
	if asked := op.Requests(providertest.TokenPath); len(asked) != 0 {
		t.Errorf("the provider was asked for a token: %v", asked)
	}
	if b.get(callback); !b.signedIn() {
		t.Error("what was refused used the flow up")
	}
}

// Requirement C2: an error answer uses the flow up, for every copy of its cookie.
func TestAnErrorAnswerEndsTheFlow(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	callback := approve(t, op, b.begin("/"))
	refused := g.copyOf(b)
	wantLocation(t, refused.get("/api/auth/callback/corp?code=x&error=access_denied&state="+stateOf(t, callback)), g.origin+"/api/auth/error?error=Callback")
	if len(refused.pending()) != 0 {
		t.Error("the pending sign-in is kept")
	}
	if wantLocation(t, b.get(callback), g.origin+"/api/auth/error?error=OAuthCallback"); b.signedIn() {
		t.Error("a copy of the cookie signs in afterwards")
	}
}

func stateOf(t *testing.T, callback string) string {
	t.Helper()
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("state")
}

// Requirement C2: of callbacks at once one counts.
func TestCallbackCountsOnce(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	callback := approve(t, op, b.begin("/"))
	var wait sync.WaitGroup
	results := make(chan string, 10)
	for range cap(results) {
		one := g.copyOf(b)
		wait.Go(func() {
			got, err := one.try(http.MethodGet, callback, "")
			if err != nil {
				t.Error(err)
			}
			results <- got.header.Get("Location")
		})
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
		t.Errorf("%d of %d callbacks at once signed in", good, cap(results))
	}
}

// Requirement N3: of many sign-ins under way five are kept, and each ends where it
// began.
func TestParallelSignInsEndWhereTheyBegan(t *testing.T) {
	op := providertest.New(t)
	g := start(t, corpSite(op, ""))
	b := g.browser()
	one, two := b.begin("/app/one"), b.begin("/app/two")
	wantLocation(t, b.get(approve(t, op, one)), g.origin+"/app/one")
	wantLocation(t, b.get(approve(t, op, two)), g.origin+"/app/two")
	elsewhere := b.begin("/app/three")
	wantLocation(t, b.get(approve(t, op, elsewhere)+"&callbackUrl=%2Fapp%2Ffour"), g.origin+"/app/four")
	foreign := b.begin("/app/five")
	wantLocation(t, b.get(approve(t, op, foreign)+"&callbackUrl=https%3A%2F%2Fevil.example"), g.origin)

	b = g.browser()
	var first, last string
	for i := range 60 {
		last = b.begin("/last")
		if i == 0 {
			first = last
		}
	}
	if n := len(b.pending()); n != 5 {
		t.Errorf("%d pending sign-ins are kept", n)
	}
	wantLocation(t, b.get(approve(t, op, first)), g.origin+"/api/auth/error?error=OAuthCallback")
	wantLocation(t, b.get(approve(t, op, last)), g.origin+"/last")
}

func TestAdmissionAtTheCallback(t *testing.T) {
	op := providertest.New(t)
	for name, test := range map[string]struct {
		rule     string
		verified any
		admitted bool
	}{
		"an allowed address":                {"allow email alice@example.com", true, true},
		"an unverified address":             {"allow email alice@example.com", false, false},
		"an address of unknown state":       {"allow email alice@example.com", nil, false},
		"another domain":                    {"allow email *@example.org", true, false},
		"a denied address, also unverified": {"deny email alice@example.com", false, false},
		"an allowed group":                  {"allow group staff", false, true},
		"a denied group":                    {"deny group staff", true, false},
		"an allowed provider":               {"allow provider corp", true, true},
		"a denied provider":                 {"deny provider corp", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			claims := providertest.Alice()
			delete(claims, "email_verified")
			if test.verified != nil {
				claims["email_verified"] = test.verified
			}
			op.Set(providertest.Behaviour{Claims: claims})
			g := start(t, corpSite(op, test.rule))
			b := g.browser()
			got := b.get(approve(t, op, b.begin("/")))
			if b.signedIn() != test.admitted {
				t.Errorf("signed in: %t", b.signedIn())
			}
			if !test.admitted {
				wantLocation(t, got, g.origin+"/api/auth/error?error=AccessDenied")
			}
		})
	}
}

// Requirement L4: sessions and other providers go on.
func TestProviderThatIsDownStopsNothingElse(t *testing.T) {
	op := providertest.New(t)
	g := start(t, strings.ReplaceAll(corpSite(op, "{$USERS}"), op.URL, fmt.Sprintf("http://127.0.0.1:%d", freePort(t))))
	b := g.browser().signIn("alice")
	wantLocation(t, b.post("/api/auth/signin/corp", b.form()), g.origin+"/api/auth/error?error=OAuthSignin")
	if got := b.get("/app/"); got.status != http.StatusOK {
		t.Errorf("the session is answered %d", got.status)
	}
}
