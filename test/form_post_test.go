package test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// postFromElsewhere posts a provider's answer without cookies, as a browser does
// whose cookies are SameSite=Lax, and returns the answer.
func postFromElsewhere(t *testing.T, g *gateway, provider string, form url.Values) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.origin+"/api/auth/callback/"+provider, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://op.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// startFormPost runs a site with two providers, of which corp answers with forms
// that its own site posts.
func startFormPost(t *testing.T) (*providertest.Server, *gateway) {
	t.Helper()
	op := providertest.New(t)
	line := fmt.Sprintf("oidc corp %s %s %q", op.URL, op.ClientID, op.ClientSecret)
	return op, start(t, strings.Replace(corpSite(op, ""), line+"\n", line+" {\nparams response_mode=form_post\n}\n", 1))
}

// A form from the provider's site carries no cookies, so the browser is asked
// to come again by GET, and signs in then.
func TestAnAnswerPostedFromTheProvidersSiteSignsIn(t *testing.T) {
	op, g := startFormPost(t)
	b := g.browser()
	target := b.begin("/dash")
	if !strings.Contains(target, "response_mode=form_post") {
		t.Fatal(target)
	}
	params, err := op.Authorize(target)
	if err != nil {
		t.Fatal(err)
	}
	params.Set("user", `{"name":{"firstName":"Ada"}}`)
	params.Set("id_token", "a.b.c")
	params.Set("callbackUrl", "/elsewhere")

	resp := postFromElsewhere(t, g, "corp", params)
	again, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusSeeOther || again.Path != "/api/auth/callback/corp" {
		t.Fatalf("%d, %v", resp.StatusCode, resp.Header)
	}
	if len(resp.Header["Set-Cookie"]) != 0 {
		t.Errorf("it replaces cookies that it hasn't seen: %q", resp.Header["Set-Cookie"])
	}
	if got := resp.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") || resp.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers: %v", resp.Header)
	}
	q := again.Query()
	if q.Get("code") != params.Get("code") || q.Get("state") != params.Get("state") || q.Get("iss") != op.URL || q.Get("user") != params.Get("user") {
		t.Errorf("the query is %v", q)
	}
	if q.Has("id_token") || q.Has("callbackUrl") {
		t.Errorf("the query has what isn't an answer's: %v", q)
	}
	wantLocation(t, b.get(again.RequestURI()), g.origin+"/dash")
	if !b.signedIn() {
		t.Error("not signed in")
	}
}

func TestAPostedAnswerIsAskedForAgainOnlyWhereItCanHelp(t *testing.T) {
	op, g := startFormPost(t)
	b := g.browser()
	params, err := op.Authorize(b.begin("/dash"))
	if err != nil {
		t.Fatal(err)
	}
	code, state := params.Get("code"), params.Get("state")
	for name, tc := range map[string]struct {
		provider string
		form     url.Values
	}{
		"no state":                          {"corp", url.Values{"code": {code}}},
		"two states":                        {"corp", url.Values{"code": {code}, "state": {state, state}}},
		"two codes":                         {"corp", url.Values{"code": {code, code}, "state": {state}}},
		"an answer too long":                {"corp", url.Values{"code": {strings.Repeat("x", 9<<10)}, "state": {state}}},
		"a provider that answers otherwise": {"other", url.Values{"code": {code}, "state": {state}}},
	} {
		t.Run(name, func(t *testing.T) {
			resp := postFromElsewhere(t, g, tc.provider, tc.form)
			if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || got != g.origin+"/api/auth/error?error=OAuthCallback" {
				t.Errorf("%d, %q", resp.StatusCode, got)
			}
		})
	}
	// Somebody else's browser gets no session out of the answer either.
	stranger := g.browser()
	again, err := postFromElsewhere(t, g, "corp", params).Location()
	if err != nil {
		t.Fatal(err)
	}
	wantLocation(t, stranger.get(again.RequestURI()), g.origin+"/api/auth/error?error=OAuthCallback")
	if stranger.signedIn() || len(op.Requests(providertest.TokenPath)) != 0 {
		t.Error("an answer signed in a browser that didn't ask")
	}
}
