package signin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// pageView sends a navigation with a session of each realm, all due to be renewed,
// through a gate of each, and returns the names of the cookies in the answer.
func pageView(t *testing.T, change func(gates []*Gate), realms ...*realm.Realm) (status int, cookies []string) {
	t.Helper()
	gates, sent := make([]*Gate, len(realms)), make([]string, len(realms))
	for i, rl := range realms {
		gates[i], sent[i] = gateOf(rl), sessionOf(t, rl)
		gates[i].asks.Named = true
	}
	change(gates)
	time.Sleep(2 * day)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/app/", http.NoBody)
	r.Header = http.Header{
		"Cookie": {strings.Join(sent, "; ")}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Accept": {"text/html"},
	}
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	next := caddyhttp.Handler(caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return nil
	}))
	for _, gate := range gates {
		inner := next
		next = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return gate.ServeHTTP(w, r, inner) })
	}
	if err := next.ServeHTTP(w, r); err != nil {
		t.Fatal(err)
	}
	for _, cookie := range w.Result().Cookies() {
		cookies = append(cookies, cookie.Name)
	}
	time.Sleep(time.Minute) // until nobody looks for open streams
	return w.Code, cookies
}

func twoRealms(t *testing.T) (site, staff *realm.Realm) {
	t.Helper()
	site, _ = withStrategy(t, "jwt", nil)
	staff, _ = withStrategy(t, "jwt", func(rl *Realm) { rl.Dialect = "authjs" }) // whose cookies have other names
	return site, staff
}

func TestTheGatesOfTwoRealmsBothRenew(t *testing.T) {
	site, staff := twoRealms(t)
	synctest.Test(t, func(t *testing.T) {
		status, cookies := pageView(t, func([]*Gate) {}, site, staff)
		if want := staff.URLSite.CookieNames.Session + " " + site.URLSite.CookieNames.Session; status != http.StatusOK || strings.Join(cookies, " ") != want {
			t.Errorf("%d with the cookies %q, want %s", status, cookies, want)
		}
	})
}

// A second gate of the same realm has nothing left to do.
func TestAGateRenewsOnce(t *testing.T) {
	site, _ := withStrategy(t, "jwt", nil)
	synctest.Test(t, func(t *testing.T) {
		if status, cookies := pageView(t, func([]*Gate) {}, site, site); status != http.StatusOK || len(cookies) != 1 {
			t.Errorf("%d with the cookies %q", status, cookies)
		}
	})
}

// A defect behind an open gate answers with nothing of a session.
func TestAPanicInAGateSetsNoCookieOfAnother(t *testing.T) {
	site, staff := twoRealms(t)
	synctest.Test(t, func(t *testing.T) {
		core, lines := observer.New(zap.ErrorLevel)
		status, cookies := pageView(t, func(gates []*Gate) {
			gates[0].matchers = caddyhttp.MatcherSets{{brokenMatcher{}}} // the inner one
			gates[0].logger = zap.New(core)
		}, site, staff)
		if status != http.StatusInternalServerError || len(cookies) > 0 || lines.Len() != 1 {
			t.Errorf("%d with the cookies %q, and %v in the log", status, cookies, lines.All())
		}
	})
}

type brokenMatcher struct{}

func (brokenMatcher) MatchWithError(*http.Request) (bool, error) { panic("broken") }
