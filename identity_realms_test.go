package signin

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/identity"
	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// Of two gates of two realms in one request the last speaks for its own headers, in
// any spelling; what the first told under other names stays.
func TestTwoRealmsTellInOneRequest(t *testing.T) {
	app := &App{names: identity.DefaultIdentity()}
	site := configuredRealm(t, func(rl *Realm) {
		rl.IdentityHeaders = identity.Headers{Set: "remote", Headers: map[string]string{"X-Staff": "{http.auth.user.id}", "X-Site": "{http.auth.user.id}"}}
	})
	staff := configuredRealm(t, func(rl *Realm) { // whose cookies have other names, so that both have a session
		rl.Dialect = "authjs"
		rl.IdentityHeaders.Headers = map[string]string{
			"X_Staff": "{http.auth.user.username}", "Remote-User": "staff {http.auth.user.username}",
			"Remote-Groups": "{http.auth.user.claims.none}", "X-Other": "{http.auth.user.claims.none}",
		}
	})
	app.register(site)
	app.register(staff)
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080/app", http.NoBody)
	r.Header = http.Header{
		"Cookie": {sessionOf(t, site.active) + "; " + sessionOf(t, staff.active)}, "X-App": {"1"},
		"X-Other": {"forged"}, "X.site": {"forged"}, "X.staff": {"forged"}, "Remote_User": {"forged"},
	}
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	var told http.Header
	upstream := caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error { told = r.Header; return nil })
	gates := func(w http.ResponseWriter, r *http.Request, realms ...*realm.Realm) error {
		next := caddyhttp.Handler(upstream)
		for _, rl := range slices.Backward(realms) {
			inner, gate := next, gateOf(rl)
			gate.asks.Named = true
			next = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return gate.ServeHTTP(w, r, inner) })
		}
		return next.ServeHTTP(w, r)
	}
	if err := gates(w, r, site.active, staff.active); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d, %v", w.Code, err)
	}
	want := http.Header{
		"X-App": {"1"}, "Remote-Email": {"alice@example.com"}, "Remote-Name": {"Alice Example"}, "X-Site": {"credentials:alice"},
		"Remote-User": {"staff alice"}, "X_staff": {"alice"},
	}
	if !maps.EqualFunc(told, want, slices.Equal) {
		t.Errorf("the upstream is told %v, want %v", told, want)
	}
}
