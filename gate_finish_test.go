package signin

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// uncomparable is a writer as the directives intercept and push pass one on: by value,
// of a type for which == panics.
type uncomparable struct {
	http.ResponseWriter
	_ []int
}

func answersOK(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusOK)
	return nil
}

// ofAlice is a request with a session of the realm's, and what a recorder gets of it.
func ofAlice(t *testing.T, rl *realm.Realm) (*httptest.ResponseRecorder, *http.Request) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/app", http.NoBody)
	r.Header.Set("Cookie", sessionOf(t, rl))
	w := httptest.NewRecorder()
	return w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
}

// userOf is the placeholder {http.auth.user.id}.
func userOf(t *testing.T, r *http.Request) any {
	t.Helper()
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		t.Fatal("the request has no replacer")
	}
	user, _ := repl.Get("http.auth.user.id")
	return user
}

func TestAGateBehindAWriterThatCannotBeCompared(t *testing.T) {
	rl := newRealm(t, nil)
	for name, first := range map[string]caddyhttp.MiddlewareHandler{"signin": &Handler{realm: rl}, "another gate": gateOf(rl)} {
		w, r := ofAlice(t, rl)
		err := first.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return gateOf(rl).ServeHTTP(uncomparable{ResponseWriter: w}, r, caddyhttp.HandlerFunc(answersOK))
		}))
		if err != nil || w.Code != http.StatusOK {
			t.Errorf("behind %s: %d, %v", name, w.Code, err)
		}
	}
	w, r := ofAlice(t, rl)
	alone := &Gate{asks: realm.Gate{IdentityHeaders: rl.IdentityHeaders, Sampled: rl.Sampled}, logger: rl.Logger}
	alone.matchers = caddyhttp.MatcherSets{{&caddyhttp.MatchPath{"/members/*"}}}
	if err := alone.ServeHTTP(uncomparable{ResponseWriter: w}, r, caddyhttp.HandlerFunc(answersOK)); err != nil || w.Code != http.StatusOK {
		t.Errorf("without a realm: %d, %v", w.Code, err)
	}
}

// The access log asks for placeholders when all is over: nothing is looked up then.
func TestAGateFinishesARequestThatBeginsWithIt(t *testing.T) {
	rl := newRealm(t, nil)
	gate := gateOf(rl)
	gate.matchers = caddyhttp.MatcherSets{{&caddyhttp.MatchPath{"/members/*"}}} // so that nobody is admitted
	w, r := ofAlice(t, rl)
	if err := gate.ServeHTTP(w, r, caddyhttp.HandlerFunc(answersOK)); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d, %v", w.Code, err)
	}
	if user := userOf(t, r); user != nil {
		t.Errorf("after the request %v is looked up", user)
	}
}

// Handlers between a signin and a gate, such as templates, may ask for placeholders
// when the gate is done.
func TestAGateLeavesARequestToWhereItBegan(t *testing.T) {
	rl := newRealm(t, nil)
	optional := gateOf(rl)
	optional.Optional = true
	optional.asks.Rules = []access.Rule{{Group: []string{"nobody"}}}
	w, r := ofAlice(t, rl)
	err := (&Handler{realm: rl}).ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		err := optional.ServeHTTP(w, r, caddyhttp.HandlerFunc(answersOK))
		if user := userOf(t, r); user != "credentials:alice" {
			t.Errorf("behind the gate the user is %v", user)
		}
		return err
	}))
	if err != nil || w.Code != http.StatusOK {
		t.Errorf("%d, %v", w.Code, err)
	}
}

// Of two gates that a request meets one after the other each watches what it lets pass.
func TestGatesOneAfterTheOtherBothWatch(t *testing.T) {
	rl, _ := withStrategy(t, "jwt", nil)
	synctest.Test(t, func(t *testing.T) {
		w, r := ofAlice(t, rl)
		err := (&Handler{realm: rl}).ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if err := gateOf(rl).ServeHTTP(w, r, caddyhttp.HandlerFunc(answersOK)); err != nil {
				return err
			}
			return gateOf(rl).ServeHTTP(w, r, caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
				live, err := realm.RequestOf(r.Context()).Session(r)
				if err != nil {
					return err
				}
				if _, err := rl.URLSite.Sessions.SignOut(t.Context(), live, false); err != nil {
					return err
				}
				<-r.Context().Done() // the bubble of the test would fail here
				return nil
			}))
		}))
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // until nobody looks for open streams
	})
}
