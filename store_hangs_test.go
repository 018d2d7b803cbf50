package signin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/flow"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/internal/throttle"
	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

// hangingStore answers nothing from some question on, and has no limit of its
// own: a question ends with its context.
type hangingStore struct {
	*storetest.Fake
	answers atomic.Int64  // how many more questions it answers
	asked   atomic.Int64  // questions in vain
	pause   time.Duration // before an answer
}

func (h *hangingStore) hang(ctx context.Context) error {
	if h.answers.Add(-1) >= 0 {
		select {
		case <-time.After(h.pause):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	h.asked.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

func (h *hangingStore) Get(ctx context.Context, key string) ([]byte, error) {
	if err := h.hang(ctx); err != nil {
		return nil, err
	}
	return h.Fake.Get(ctx, key)
}

func (h *hangingStore) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	return h.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return value, expires, nil })
}

func (h *hangingStore) Delete(ctx context.Context, key string) error {
	return h.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return nil, time.Time{}, nil })
}

func (h *hangingStore) Update(ctx context.Context, key string, change sessionstore.Change) error {
	if err := h.hang(ctx); err != nil {
		return err
	}
	return h.Fake.Update(ctx, key, change)
}

const never = 1 << 40 // questions until the store hangs

// hangingRealm has a provider of each kind, and a store that can be made to hang.
func hangingRealm(t *testing.T, strategy string) (*realm.Realm, *hangingStore) {
	t.Helper()
	realm, fake := withStrategy(t, strategy, func(realm *Realm) {
		realm.ProvidersRaw = append(realm.ProvidersRaw[:0],
			json.RawMessage(`{"provider":"credentials","users":[{"username":"alice","password":"$2a$04$M8sUdgdnmIyAhm4RGMv0PubGiihoXBJb9FIYyHkPKFYA3LvOVM5tK"}]}`), // cost 4
			json.RawMessage(`{"provider":"email","from":"no-reply@example.com","smtp":{"server":"127.0.0.1:1","tls":"off"}}`),
			json.RawMessage(`{"provider":"oidc","id":"corp","issuer":"https://login.example","client_id":"x","client_secret":"y"}`))
	})
	store := &hangingStore{Fake: fake}
	store.answers.Store(never)
	realm.Store, realm.Sessions.Store, realm.Throttle = store, store, throttle.New(store, "")
	return realm, store
}

// visitor is a browser with a session, a CSRF token and a sign-in under way.
type visitor struct {
	realm     *realm.Realm
	endpoints *flow.Endpoints
	cookies   string
	csrf      string
}

func newVisitor(t *testing.T, realm *realm.Realm) *visitor {
	t.Helper()
	s := realm.URLSite
	keys, err := s.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, value := keys.CSRF.New()
	pending, err := json.Marshal(map[string]any{
		"provider": "corp", "state": "state", "redirect_uri": s.Base + "/callback/corp", "started": time.Now().UnixMilli(),
	})
	if err != nil {
		t.Fatal(err)
	}
	spoken, _ := flow.DialectNamed("")
	return &visitor{realm: realm, endpoints: &flow.Endpoints{Protocol: protocol, Dialect: spoken}, csrf: token, cookies: strings.Join([]string{
		s.CookieNames.Session + "=" + signedInAs(t, realm, "alice"), s.CookieNames.CSRF + "=" + url.QueryEscape(value),
		s.CookieNames.Pending("state") + "=" + keys.Pending[s.CookieNames.State].Seal(pending),
	}, "; ")}
}

// send sends a request through signin and require_signin. A form is a POST.
func (v *visitor) send(t *testing.T, path, form string, passed *atomic.Int64) *httptest.ResponseRecorder {
	t.Helper()
	return v.sendIn(t.Context(), t, path, form, passed)
}

func (v *visitor) sendIn(ctx context.Context, t *testing.T, path, form string, passed *atomic.Int64) *httptest.ResponseRecorder {
	t.Helper()
	method, body := http.MethodGet, ""
	if form != "" {
		method, body = http.MethodPost, "csrfToken="+v.csrf+"&json=true&"+form
	}
	r := httptest.NewRequestWithContext(ctx, method, "http://localhost:8080"+path, strings.NewReader(body))
	r.Header.Set("Cookie", v.cookies)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	gate := gateOf(v.realm)
	upstream := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { passed.Add(1); return nil })
	err := (&Handler{realm: v.realm, endpoints: v.endpoints}).ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return gate.ServeHTTP(w, r, upstream)
	}))
	if err != nil {
		t.Error(err)
	}
	return w
}

// asksTheStore are requests, and how many questions of each the store answers
// before it hangs, so that every step of it meets a store that does.
var asksTheStore = map[string]struct {
	path, form string
	answers    []int64
}{
	"a guarded request":          {"/app/", "", []int64{0}},
	"GET session":                {"/api/auth/session", "", []int64{0}},
	"the page to sign out":       {"/api/auth/signout", "", []int64{0}},
	"sign-out":                   {"/api/auth/signout", "callbackUrl=/", []int64{0, 1, 2}},
	"sign-out everywhere":        {"/api/auth/signout", "everywhere=true", []int64{0, 1, 2, 3}},
	"a password":                 {"/api/auth/callback/credentials", "username=alice&password=correct+horse", []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
	"asking for a link":          {"/api/auth/signin/email", "email=zoe@mail.example.com", []int64{0, 1}},
	"a mailed link":              {"/api/auth/callback/email", "email=zoe@mail.example.com&token=" + strings.Repeat("0", 64), []int64{0}},
	"coming back from elsewhere": {"/api/auth/callback/corp?state=state&code=x", "", []int64{0}},
}

// A store that never answers has the gateway answer 503, with
// Retry-After, within two seconds, and change nothing.
func TestAStoreThatHangs(t *testing.T) {
	for _, strategy := range session.StrategyNames() {
		for name, test := range asksTheStore {
			for _, answers := range test.answers {
				realm, store := hangingRealm(t, strategy)
				synctest.Test(t, func(t *testing.T) {
					v := newVisitor(t, realm)
					store.answers.Store(answers)
					began := time.Now()
					var passed atomic.Int64
					got := v.send(t, test.path, test.form, &passed)
					if took := time.Since(began); took > 2*time.Second {
						t.Errorf("%s, %s, with a store that hangs after %d answers, takes %v", strategy, name, answers, took)
					}
					if store.asked.Load() != 1 {
						t.Errorf("%s, %s: after %d answers the store was asked %d times in vain", strategy, name, answers, store.asked.Load())
					}
					if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" || passed.Load() > 0 {
						t.Errorf("%s, %s, with a store that hangs after %d answers, gives %d, %v %s", strategy, name, answers, got.Code, got.Header(), got.Body)
					}
					for _, cookie := range got.Result().Cookies() {
						if cookie.Name == realm.URLSite.CookieNames.Session || cookie.Name == realm.URLSite.CookieNames.Pending("state") {
							t.Errorf("%s, %s: the answer sets or deletes %s", strategy, name, cookie.Name)
						}
					}
					store.answers.Store(never)
					if got := v.send(t, "/app/", "", &passed); answers == 0 && (passed.Load() != 1 || got.Code != http.StatusOK) {
						t.Errorf("%s, %s: afterwards a guarded request gives %d", strategy, name, got.Code)
					}
					time.Sleep(time.Minute) // until nobody looks for open streams
				})
			}
		}
	}
}

// A gate has one limit for all that it asks, so that a slow store can't stretch
// it: a session that is due is renewed at a later request then.
func TestAStoreThatIsSlow(t *testing.T) {
	for name, test := range map[string]struct {
		pause  time.Duration
		status int
	}{"the answer comes in time": {1500 * time.Millisecond, http.StatusOK}, "it comes too late": {2 * time.Second, http.StatusServiceUnavailable}} {
		realm, store := hangingRealm(t, "database")
		synctest.Test(t, func(t *testing.T) {
			v := newVisitor(t, realm)
			time.Sleep(2 * day) // so that it is renewed
			store.pause = test.pause
			began := time.Now()
			got := v.send(t, "/app/", "", new(atomic.Int64))
			if took := time.Since(began); got.Code != test.status || took > 2*time.Second {
				t.Errorf("%s: a gate answers %d after %v", name, got.Code, took)
			}
			time.Sleep(time.Minute)
		})
	}
}

// goroutines is how many there are. The runtime counts some that have just ended,
// up to 32 on each processor, until it has put them away: the world stands still
// once, so that it has.
func goroutines() int {
	runtime.ReadMemStats(new(runtime.MemStats))
	return runtime.NumGoroutine()
}

// Requests that wait are all that waits, and when they have their answers
// nothing of them stays.
func TestRequestsAtAStoreThatHangsDoNotPileUp(t *testing.T) {
	const requests = 300
	for _, strategy := range session.StrategyNames() {
		realm, store := hangingRealm(t, strategy)
		synctest.Test(t, func(t *testing.T) {
			v := newVisitor(t, realm)
			var passed, refused atomic.Int64
			before := goroutines()
			store.answers.Store(0)
			var waiting sync.WaitGroup
			began := time.Now()
			for range requests {
				for name := range asksTheStore {
					waiting.Go(func() {
						if got := v.send(t, asksTheStore[name].path, asksTheStore[name].form, &passed); got.Code == http.StatusServiceUnavailable {
							refused.Add(1)
						}
					})
				}
			}
			synctest.Wait()
			all := requests * len(asksTheStore)
			if now := goroutines(); now > before+all+10 {
				t.Errorf("%s: %d requests wait in %d goroutines", strategy, all, now-before)
			}
			waiting.Wait()
			if took := time.Since(began); took > 2*time.Second || refused.Load() != int64(all) {
				t.Errorf("%s: %d of %d requests were refused after %v", strategy, refused.Load(), all, took)
			}
			synctest.Wait()
			if now := goroutines(); now > before+10 {
				t.Errorf("%s: %d goroutines, of %d before", strategy, now, before)
			}
		})
	}
}
