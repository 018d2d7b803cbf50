package signin

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/identity"
	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// A gate that has no realm takes the gateway's cookies out of what it lets pass
// unguarded, and a signin handler behind it knows the session all the same.
func TestAGateWithoutARealmStripsCookies(t *testing.T) {
	rl := newRealm(t, nil)
	members := caddyhttp.MatchPath{"/members/*"}
	gate := &Gate{asks: realm.Gate{IdentityHeaders: identity.DefaultIdentity(), Sampled: rl.Sampled}, logger: rl.Logger, matchers: caddyhttp.MatcherSets{{&members}}}
	handler := &Handler{realm: rl}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/open", nil)
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	r.Header.Set("Cookie", "theme=dark; "+sessionOf(t, rl)+"; __Host-next-auth.csrf-token=x")
	reached := 0
	check := func(r *http.Request) {
		reached++
		if got := r.Header["Cookie"]; len(got) != 1 || got[0] != "theme=dark" {
			t.Errorf("the upstream gets the cookies %q", got)
		}
	}
	behind := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		check(r)
		return handler.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
			check(r)
			if live, err := realm.RequestOf(r.Context()).Session(r); err != nil || live == nil || live.UserID != "credentials:alice" {
				t.Errorf("the handler behind it knows the session %+v (%v)", live, err)
			}
			return nil
		}))
	})
	err := gate.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return gate.ServeHTTP(w, r, behind) // a second one leaves that as it is
	}))
	if err != nil || reached != 2 {
		t.Errorf("%d of 2 were reached (%v)", reached, err)
	}
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if shown := repl.ReplaceAll("{http.vars.caddy_signin_cookies}", ""); shown != "" {
		t.Errorf("a placeholder shows %q", shown)
	}
}
