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
)

// openStream sends a guarded request that stays open until its context is done,
// and returns where that is told, with the cause.
func openStream(t *testing.T, realm *activeRealm, token string) <-chan error {
	t.Helper()
	return openStreamBehind(t, realm, token, &Gate{realm: realm, logger: realm.logger})
}

// openStreamBehind is openStream with gates one behind the other.
func openStreamBehind(t *testing.T, realm *activeRealm, token string, gates ...*Gate) <-chan error {
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
	r.Header.Set("Cookie", realm.urlSite.names.Session+"="+token)
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
		if !errors.Is(cause, errRevoked) || !errors.Is(cause, context.Canceled) {
			t.Errorf("the stream ended with %v", cause)
		}
		return false
	default:
		return true
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			realm, _ := withStrategy(t, name, nil)
			s := &realm.urlSite.sessions
			synctest.Test(t, func(t *testing.T) {
				token, other := signedInAs(t, s, "alice"), signedInAs(t, s, "alice")
				here, elsewhere, goesOn := openStream(t, realm, token), openStream(t, realm, token), openStream(t, realm, other)
				time.Sleep(time.Minute)
				if !isOpen(t, here) || !isOpen(t, goesOn) {
					t.Fatal("a stream of a live session ended")
				}
				if err := s.end(t.Context(), s.entryOf(opened(t, s, token))); err != nil {
					t.Fatal(err)
				}
				if isOpen(t, here) || isOpen(t, elsewhere) {
					t.Error("streams go on after their session ended in this process")
				}
				time.Sleep(time.Minute)
				if !isOpen(t, goesOn) {
					t.Error("a stream ended with another session")
				}
				if err := s.end(t.Context(), s.entryOf(opened(t, s, other))); err != nil {
					t.Fatal(err)
				}
				if isOpen(t, goesOn) {
					t.Error("the last stream goes on")
				}
			})
		})
	}
}

// What another node did is seen within a second.
func TestAStreamEndsWhenItsSessionEndsElsewhere(t *testing.T) {
	for name, strategy := range strategies {
		for _, after := range []time.Duration{0, 10 * time.Millisecond, 299 * time.Millisecond, 301 * time.Millisecond, time.Hour} {
			t.Run(name+" after "+after.String(), func(t *testing.T) {
				realm, _ := withStrategy(t, name, nil)
				s := &realm.urlSite.sessions
				synctest.Test(t, func(t *testing.T) {
					token := signedInAs(t, s, "alice")
					live := opened(t, s, token)
					stream := openStream(t, realm, token)
					time.Sleep(after)
					if err := strategy.revoke(t.Context(), s.sessionList, s.entryOf(live)); err != nil { // by another process
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					if isOpen(t, stream) {
						t.Error("the stream goes on for a second")
					}
				})
			})
		}
	}
}

// What an optional gate lets pass unguarded it doesn't end later either, though a
// gate around it guards the request.
func TestAnOptionalGateBehindAnotherEndsNoStream(t *testing.T) {
	realm, _ := withStrategy(t, "jwt", nil)
	guard, optional := &Gate{realm: realm, logger: realm.logger}, &Gate{realm: realm, logger: realm.logger, Optional: true}
	optional.rules = []Rule{{Group: []string{"others"}}}
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, &realm.urlSite.sessions, "alice")
		for name, gates := range map[string][]*Gate{"behind": {guard, optional}, "before": {optional, guard}} {
			stream := openStreamBehind(t, realm, token, gates...)
			time.Sleep(time.Minute)
			if !isOpen(t, stream) {
				t.Errorf("an optional gate %s another ended a stream", name)
			}
		}
		if err := realm.urlSite.sessions.end(t.Context(), realm.urlSite.sessions.entryOf(opened(t, &realm.urlSite.sessions, token))); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAStreamEndsAtTheAbsoluteLimit(t *testing.T) {
	realm, _ := withStrategy(t, "jwt", func(realm *Realm) { realm.Session.AbsoluteMaxAge = caddy.Duration(time.Hour) })
	synctest.Test(t, func(t *testing.T) {
		stream := openStream(t, realm, signedInAs(t, &realm.urlSite.sessions, "alice"))
		time.Sleep(time.Hour - 2*time.Second)
		if !isOpen(t, stream) {
			t.Fatal("the stream ended early")
		}
		time.Sleep(3 * time.Second)
		if isOpen(t, stream) {
			t.Error("the stream outlives its session")
		}
	})
}

// A store that restarts ends nothing; one that stays away does, as gates are shut then too.
func TestStreamsWhileTheStoreIsDown(t *testing.T) {
	realm, store := withStrategy(t, "jwt", nil)
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, &realm.urlSite.sessions, "alice")
		stream := openStream(t, realm, token)
		time.Sleep(time.Minute)
		for range 3 {
			store.fail(errors.New("down"))
			time.Sleep(4 * time.Second)
			store.fail(nil)
			time.Sleep(time.Second)
		}
		if !isOpen(t, stream) {
			t.Fatal("a short outage ended a stream")
		}
		store.fail(errors.New("down"))
		time.Sleep(streamGrace + time.Second)
		if isOpen(t, stream) {
			t.Error("a stream goes on although nobody knows about its session")
		}
	})
}

// What is answered at once costs the store nothing, and many streams of one
// session cost one question.
func TestQuestionsAboutStreams(t *testing.T) {
	realm, store := withStrategy(t, "jwt", nil)
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, &realm.urlSite.sessions, "alice")
		run := gateRun(t, realm.urlSite.names.Session+"="+token, realm)
		for range 100 {
			run()
			time.Sleep(10 * time.Millisecond)
		}
		store.counts()
		time.Sleep(time.Hour)
		if reads, _ := store.counts(); reads > 0 {
			t.Errorf("%d questions about requests that were answered at once", reads)
		}
		var streams []<-chan error
		for range 5 {
			streams = append(streams, openStream(t, realm, token))
		}
		time.Sleep(time.Second)
		store.counts()
		time.Sleep(10 * streamInterval)
		if reads, _ := store.counts(); reads < 9 || reads > 11 {
			t.Errorf("%d questions in ten rounds about five streams of one session", reads)
		}
		realm.sessions.streams.end(realm.urlSite.key, opened(t, &realm.urlSite.sessions, token).claims.SID)
		for _, stream := range streams {
			if isOpen(t, stream) {
				t.Error("a stream goes on")
			}
		}
	})
}

// The bubble of a test fails when a goroutine stays, so this shows that the
// sweeper leaves, and that it comes again.
func TestTheSweeperLeavesWhenNothingIsOpen(t *testing.T) {
	realm, _ := withStrategy(t, "jwt", nil)
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, &realm.urlSite.sessions, "alice")
		run := gateRun(t, realm.urlSite.names.Session+"="+token, realm)
		for range 3 {
			run()
			if !realm.sessions.streams.running.Load() {
				t.Error("nobody watches an open request")
			}
			time.Sleep(time.Hour)
			if realm.sessions.streams.running.Load() {
				t.Error("somebody watches nothing")
			}
		}
	})
}

// A reload keeps what is open in sight.
func TestStreamsOutliveAReload(t *testing.T) {
	before, _ := configuredWithStrategy(t, "jwt", nil)
	after, store := configuredWithStrategy(t, "jwt", nil)
	before.active.sessions.store = store
	now := &after.active.urlSite.sessions
	if err := before.cleanup(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, now, "alice")
		stream := openStream(t, before.active, token)
		if err := now.end(t.Context(), now.entryOf(opened(t, now, token))); err != nil {
			t.Fatal(err)
		}
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
	configured := func(user string) (*App, *activeRealm) {
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
		app.registerHeaders(realm)
		return app, realm.active
	}
	before, _ := configured("alice")
	after, realm := configured("bob")
	t.Cleanup(func() { running.remove(before); running.remove(after) })
	running.add(before)
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, &realm.urlSite.sessions, "bob")
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

// A round costs little more for many open streams than for one.
func TestARoundOfManyStreamsAllocatesLittle(t *testing.T) {
	configured, _ := configuredWithStrategy(t, "jwt", nil)
	realm, app := configured.active, &App{inPlace: []*Realm{configured}}
	running.add(app)
	t.Cleanup(func() { running.remove(app) })
	live, open := opened(t, &realm.urlSite.sessions, signedInAs(t, &realm.urlSite.sessions, "alice")), new(streams)
	open.running.Store(true) // by this test
	const many = 4
	const most = 4*1 + 16 // one each to compare the password, and those of a round
	for range many {
		rs := &requestState{realm: realm, site: realm.urlSite, session: live}
		rs.stream = stream{sessions: &rs.site.sessions, session: live, cancel: func(error) { t.Error("a stream ended") }}
		rs.stream.guards = rs.stream.outermost[:]
		open.add(&rs.stream)
	}
	open.round.Add(2)
	looked := 0
	got := warmAllocs(func() {
		_, found := open.collect()
		looked = len(found[realm.urlSite.key][live.claims.SID].streams)
		if _, err := ask(found[realm.urlSite.key]); err != nil {
			t.Error(err)
		}
	})
	if got > most || looked != many {
		t.Errorf("%v allocations for %d streams", got, looked)
	}
}

func BenchmarkGateStreams(b *testing.B) {
	realm := newRealm(b, nil)
	rs := &requestState{realm: realm, site: realm.urlSite, session: &session{}}
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080/", nil)
	b.ReportAllocs()
	for b.Loop() {
		rs.stream = stream{}
		if err := rs.serve(nil, nil, r, next); err != nil {
			b.Fatal(err)
		}
	}
}
