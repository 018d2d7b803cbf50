package signin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/session"
)

// broken panics as soon as it is asked for a session.
type broken struct {
	session.Strategy
	cause any
}

func (b broken) Open(context.Context, *session.Site, string, time.Time, *session.Session) (bool, error) {
	panic(b.cause)
}

// runPanicking sends a request through signin and require_signin of a realm that
// panics with cause, or whose next handler does. It returns what was recovered.
func runPanicking(t *testing.T, path string, ours, theirs any) (rec *httptest.ResponseRecorder, reached bool, recovered any) {
	t.Helper()
	realm := newRealm(t, nil)
	cookie := sessionOf(t, realm)
	if ours != nil {
		realm.Sessions.Strategy = broken{Strategy: realm.Sessions.Strategy, cause: ours}
	}
	handler, gate := &Handler{realm: realm}, gateOf(realm)
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		reached = true
		panic(theirs)
	})
	rec = httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080"+path, nil)
	r.Header.Set("Cookie", cookie)
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), rec, nil)
	defer func() { recovered = recover() }()
	if err := handler.ServeHTTP(rec, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return gate.ServeHTTP(w, r, next)
	})); err != nil {
		t.Errorf("%s: %v, but the answer should be there", path, err)
	}
	return rec, reached, recovered
}

// A defect of ours ends the request, and nothing is passed on.
func TestAPanicOfOursIsAnsweredAndOpensNothing(t *testing.T) {
	for _, path := range []string{"/app", "/api/auth/session"} {
		rec, reached, recovered := runPanicking(t, path, "a defect", nil)
		if rec.Code != http.StatusInternalServerError || rec.Header().Get("Cache-Control") != "private, no-store" || recovered != nil {
			t.Errorf("%s is answered %d with %v, and %v was left to others", path, rec.Code, rec.Header(), recovered)
		}
		if cookies := rec.Header()["Set-Cookie"]; reached || len(cookies) > 0 {
			t.Errorf("%s sets %q; the next handler was called: %t", path, cookies, reached)
		}
	}
}

// What is meant for net/http, and what others do, is theirs.
func TestPanicsThatAreNotOurs(t *testing.T) {
	if _, reached, recovered := runPanicking(t, "/app", http.ErrAbortHandler, nil); recovered != http.ErrAbortHandler || reached { //nolint:errorlint // the very value
		t.Errorf("recovered %v; the next handler was called: %t", recovered, reached)
	}
	if _, reached, recovered := runPanicking(t, "/app", nil, "a defect of theirs"); recovered != "a defect of theirs" || !reached {
		t.Errorf("recovered %v; the next handler was called: %t", recovered, reached)
	}
}

// Whoever answers calls JSON as the realm's dialect does.
func TestAnswersCallJSONAsTheDialectDoes(t *testing.T) {
	for dialect, want := range map[string]string{"next-auth": "application/json; charset=utf-8", "authjs": "application/json"} {
		realm, store := withStrategy(t, "database", func(realm *Realm) { realm.Dialect = dialect })
		cookie := sessionOf(t, realm)
		store.Fail(errors.New("down"))
		for sent, status := range map[string]int{"": http.StatusUnauthorized, cookie: http.StatusServiceUnavailable} {
			rec := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/app", nil)
			r.Header.Set("Cookie", sent)
			r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), rec, nil)
			if err := gateOf(realm).ServeHTTP(rec, r, nil); err != nil {
				t.Fatal(err)
			}
			if got := rec.Header().Get("Content-Type"); rec.Code != status || got != want {
				t.Errorf("%s: a gate answers %d with %s, want %d with %s", dialect, rec.Code, got, status, want)
			}
		}
	}
}
