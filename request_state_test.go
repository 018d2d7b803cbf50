package signin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// Strangers can leave gates at will, with a store that takes its time.
func TestAGateBlamesNobodyForWhoLeaves(t *testing.T) {
	realm, store := hangingRealm(t, "database")
	v := newVisitor(t, realm)
	core, lines := observer.New(zap.InfoLevel)
	realm.Logger, realm.Sampled = zap.New(core), zap.New(core)
	store.answers.Store(0)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if got := v.sendIn(ctx, t, "/app/", "", new(atomic.Int64)); got.Code != http.StatusServiceUnavailable {
		t.Errorf("the answer to nobody is %d", got.Code)
	}
	if blamed := lines.FilterLevelExact(zap.ErrorLevel).All(); len(blamed) > 0 || lines.Len() != 1 {
		t.Errorf("the log has %v", lines.All())
	}
}

// The limit of one step of a request must not be that of all its handlers.
func TestAGateRenewsBehindASlowHandler(t *testing.T) {
	rl, store := hangingRealm(t, "database")
	synctest.Test(t, func(t *testing.T) {
		v := newVisitor(t, rl)
		time.Sleep(2 * day) // so that it is renewed
		core, lines := observer.New(zap.InfoLevel)
		gate := &Gate{asks: realm.Gate{Realm: rl}, logger: zap.New(core)}
		store.pause = time.Millisecond // so that contexts count
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/app/", http.NoBody)
		r.Header.Set("Cookie", v.cookies)
		w := httptest.NewRecorder()
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
		upstream := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusOK); return nil })
		slow := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if _, err := realm.RequestOf(r.Context()).Session(r); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			return gate.ServeHTTP(w, r, upstream)
		})
		if err := (&Handler{realm: rl}).ServeHTTP(w, r, slow); err != nil || w.Code != http.StatusOK || lines.Len() > 0 {
			t.Errorf("%d, %v, %v", w.Code, err, lines.All())
		}
		time.Sleep(time.Minute) // until nobody looks for open streams
	})
}

// Nor is it that of an endpoint, where a gate in front has looked the session up.
func TestASessionIsRenewedBehindASlowHandler(t *testing.T) {
	rl, store := hangingRealm(t, "database")
	synctest.Test(t, func(t *testing.T) {
		v := newVisitor(t, rl)
		time.Sleep(2 * day)            // so that it is renewed
		store.pause = time.Millisecond // so that contexts count
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/api/auth/session", http.NoBody)
		r.Header.Set("Cookie", v.cookies)
		w := httptest.NewRecorder()
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
		handler := &Handler{realm: rl, endpoints: v.endpoints}
		slow := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			time.Sleep(time.Minute)
			return handler.ServeHTTP(w, r, nil)
		})
		if err := gateOf(rl).ServeHTTP(w, r, slow); err != nil || w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"expires"`) {
			t.Errorf("%d %s, %v", w.Code, w.Body, err)
		}
		time.Sleep(time.Minute) // until nobody looks for open streams
	})
}

// A session that ends between its look-up and its renewal opens nothing.
func TestAGateRefusesASessionThatEndsMeanwhile(t *testing.T) {
	realm, store := withStrategy(t, "database", nil)
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, realm, "alice")
		time.Sleep(2 * day) // so that it is renewed
		live := opened(t, realm, token)
		store.BeforeWrite(func() {
			if _, err := realm.URLSite.Sessions.SignOut(t.Context(), live, false); err != nil {
				t.Error(err)
			}
		})
		r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/app/", http.NoBody)
		r.Header.Set("Cookie", realm.URLSite.CookieNames.Session+"="+token)
		w := httptest.NewRecorder()
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
		upstream := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			t.Error("the upstream was reached")
			return nil
		})
		if err := gateOf(realm).ServeHTTP(w, r, upstream); err != nil || w.Code != http.StatusUnauthorized || r.Header.Get("Remote-User") != "" {
			t.Errorf("%d, %v, told %q", w.Code, err, r.Header.Get("Remote-User"))
		}
	})
}
