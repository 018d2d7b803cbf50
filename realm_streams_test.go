package signin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// openStream sends a guarded request that stays open until its context is done,
// and returns where that is told, with the cause.
func openStream(t *testing.T, realm *realm.Realm, token string) <-chan error {
	t.Helper()
	return openStreamBehind(t, realm, token, gateOf(realm))
}

// openStreamBehind is openStream with gates one behind the other.
func openStreamBehind(t *testing.T, realm *realm.Realm, token string, gates ...*Gate) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	var handler caddyhttp.Handler = caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		ended <- context.Cause(r.Context())
		return nil
	})
	for _, gate := range slices.Backward(gates) {
		next := handler
		handler = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return gate.ServeHTTP(w, r, next) })
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/events", nil)
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	r.Header.Set("Cookie", realm.URLSite.CookieNames.Session+"="+token)
	t.Cleanup(func() { time.Sleep(time.Minute) }) // the bubble waits for the sweeper to leave
	go func() {
		if err := handler.ServeHTTP(w, r); err != nil {
			t.Errorf("the gate: %v", err)
		}
	}()
	synctest.Wait()
	return ended
}

// isOpen says whether the stream goes on, and demands the right cause if not.
func isOpen(t *testing.T, stream <-chan error) bool {
	t.Helper()
	synctest.Wait()
	select {
	case cause := <-stream:
		if !errors.Is(cause, context.Canceled) || !strings.HasPrefix(cause.Error(), "the session is over") {
			t.Errorf("the stream ended with %v", cause)
		}
		return false
	default:
		return true
	}
}

// What an optional gate lets pass unguarded it doesn't end later either, though a
// gate around it guards the request.
func TestAnOptionalGateBehindAnotherEndsNoStream(t *testing.T) {
	realm, _ := withStrategy(t, "jwt", nil)
	guard, optional := gateOf(realm), gateOf(realm)
	optional.Optional = true
	optional.asks.Rules = []access.Rule{{Group: []string{"others"}}}
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, realm, "alice")
		for name, gates := range map[string][]*Gate{"behind": {guard, optional}, "before": {optional, guard}} {
			stream := openStreamBehind(t, realm, token, gates...)
			time.Sleep(time.Minute)
			if !isOpen(t, stream) {
				t.Errorf("an optional gate %s another ended a stream", name)
			}
		}
		signOutOf(t, realm, token)
	})
}

// What a gate passes on is watched as long as it is under way: the bubble of the
// test fails when the goroutine that watches stays.
func TestAnsweredRequestsAreNotWatched(t *testing.T) {
	realm, store := withStrategy(t, "jwt", nil)
	synctest.Test(t, func(t *testing.T) {
		run := gateRun(t, sessionOf(t, realm), realm)
		for range 100 {
			run()
			time.Sleep(10 * time.Millisecond)
		}
		store.Counts()
		time.Sleep(time.Hour)
		if reads, _ := store.Counts(); reads > 0 {
			t.Errorf("%d questions about requests that were answered at once", reads)
		}
	})
}

// A reload keeps what is open in sight.
func TestStreamsOutliveAReload(t *testing.T) {
	before, _ := configuredWithStrategy(t, "jwt", nil)
	after, store := configuredWithStrategy(t, "jwt", nil)
	before.active.Sessions.Store = store
	if err := before.cleanup(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, after.active, "alice")
		stream := openStream(t, before.active, token)
		signOutOf(t, after.active, token)
		if isOpen(t, stream) {
			t.Error("a stream of the configuration before goes on")
		}
	})
	for range 2 { // once too often, as when provisioning failed
		if err := after.cleanup(); err != nil {
			t.Fatal(err)
		}
	}
}

// The servers of a new configuration may take requests before its realms are the
// ones that run, and the configuration may fail after that.
func TestStreamsOfAConfigurationThatIsStarting(t *testing.T) {
	configured := func(user string) (*App, *realm.Realm) {
		ctx, err := caddy.ProvisionContext(&caddy.Config{})
		app := new(App)
		if err := errors.Join(err, app.Provision(ctx)); err != nil {
			t.Fatal(err)
		}
		realm, _ := configuredWithStrategy(t, "jwt", func(realm *Realm) {
			users := `{"provider":"credentials","users":[` + strings.Replace(aliceJSON, "alice", user, 1) + `]}`
			realm.ProvidersRaw = []json.RawMessage{json.RawMessage(users)}
		})
		app.inPlace = append(app.inPlace, realm)
		app.register(realm)
		return app, realm.active
	}
	before, _ := configured("alice")
	after, realm := configured("bob")
	t.Cleanup(func() { running.remove(before); running.remove(after) })
	running.add(before)
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, realm, "bob")
		stream := openStream(t, realm, token)
		time.Sleep(time.Second)
		if !isOpen(t, stream) {
			t.Fatal("a stream ended because its configuration has not started yet")
		}
		running.add(after)
		time.Sleep(time.Second)
		if !isOpen(t, stream) {
			t.Fatal("a stream ended when its configuration started")
		}
		running.remove(after)
		time.Sleep(time.Second)
		if isOpen(t, stream) {
			t.Error("a stream goes on by a configuration that was given up")
		}
		after.starting = true
		stream = openStream(t, realm, token)
		if err := after.Cleanup(); err != nil { // of one that never started
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if isOpen(t, stream) {
			t.Error("a stream goes on by a configuration that failed to start")
		}
	})
}
