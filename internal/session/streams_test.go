package session

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/providers"
)

func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSessions(t, name)
			synctest.Test(t, func(t *testing.T) {
				token, other := s.begin(t, "alice"), s.begin(t, "alice")
				here, elsewhere, remaining := s.stream(t, token), s.stream(t, token), s.stream(t, other)
				time.Sleep(time.Minute)
				if !isUnderWay(t, here) || !isUnderWay(t, remaining) {
					t.Fatal("a stream of a live session ended")
				}
				s.endsHere(t, token)
				if isUnderWay(t, here) || isUnderWay(t, elsewhere) {
					t.Error("streams go on after their session ended in this process")
				}
				time.Sleep(time.Minute)
				if !isUnderWay(t, remaining) {
					t.Error("a stream ended with another session")
				}
				s.endsHere(t, other)
				if isUnderWay(t, remaining) {
					t.Error("the last stream goes on")
				}
			})
		})
	}
}

// What another node did is seen within a second.
func TestAStreamEndsWhenItsSessionEndsElsewhere(t *testing.T) {
	t.Parallel()
	for name, strategy := range strategies {
		for _, after := range []time.Duration{0, 10 * time.Millisecond, 299 * time.Millisecond, 301 * time.Millisecond, time.Hour} {
			t.Run(name+" after "+after.String(), func(t *testing.T) {
				t.Parallel()
				s := newTestSessions(t, name)
				synctest.Test(t, func(t *testing.T) {
					token := s.begin(t, "alice")
					live := s.find(t, token)
					stream := s.stream(t, token)
					time.Sleep(after)
					if err := strategy.Revoke(t.Context(), s.List, s.EntryOf(live)); err != nil { // by another process
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					if isUnderWay(t, stream) {
						t.Error("the stream goes on for a second")
					}
				})
			})
		}
	}
}

// A stream ends when a rule of a gate on its way would no longer let its user pass.
func TestAStreamEndsByTheRulesOfItsGates(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	alice := account("alice")
	alice.Groups = []string{"staff", "admins"}
	s.knowsOnly(alice)
	synctest.Test(t, func(t *testing.T) {
		token := s.begin(t, "alice")
		staff, admins := []access.Rule{{Group: []string{"staff"}}}, []access.Rule{{Group: []string{"admins"}}}
		inner, outer := s.stream(t, token, staff, admins), s.stream(t, token, staff)
		time.Sleep(time.Minute)
		if !isUnderWay(t, inner) || !isUnderWay(t, outer) {
			t.Fatal("a stream ended whose user its gates let pass")
		}
		alice.Groups = []string{"staff"}
		s.knowsOnly(alice)
		time.Sleep(time.Second)
		if isUnderWay(t, inner) || !isUnderWay(t, outer) {
			t.Error("a stream goes on behind a gate that is shut, or ended behind one that is open")
		}
	})
}

func TestAStreamEndsAtTheAbsoluteLimit(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	s.Limits = Limits{MaxAge: time.Hour, AbsoluteMaxAge: time.Hour, RenewAge: time.Hour / 4}
	synctest.Test(t, func(t *testing.T) {
		stream := s.stream(t, s.begin(t, "alice"))
		time.Sleep(time.Hour - 2*time.Second)
		if !isUnderWay(t, stream) {
			t.Fatal("the stream ended early")
		}
		time.Sleep(3 * time.Second)
		if isUnderWay(t, stream) {
			t.Error("the stream outlives its session")
		}
	})
}

// A store that restarts ends nothing; one that stays away does, as gates are shut then too.
func TestStreamsWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	synctest.Test(t, func(t *testing.T) {
		token := s.begin(t, "alice")
		stream := s.stream(t, token)
		time.Sleep(time.Minute)
		for range 3 {
			s.fake.Fail(errors.New("down"))
			time.Sleep(4 * time.Second)
			s.fake.Fail(nil)
			time.Sleep(time.Second)
		}
		if !isUnderWay(t, stream) {
			t.Fatal("a short outage ended a stream")
		}
		s.fake.Fail(errors.New("down"))
		time.Sleep(streamGrace + time.Second)
		if isUnderWay(t, stream) {
			t.Error("a stream goes on although nobody knows about its session")
		}
	})
}

// What is answered at once costs the store nothing, and many streams of one
// session cost one question.
func TestQuestionsAboutStreams(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	synctest.Test(t, func(t *testing.T) {
		token := s.begin(t, "alice")
		for range 100 {
			_, answered := s.watch(t, token)
			answered()
			time.Sleep(10 * time.Millisecond)
		}
		s.fake.Counts()
		time.Sleep(time.Hour)
		if reads, _ := s.fake.Counts(); reads > 0 {
			t.Errorf("%d questions about requests that were answered at once", reads)
		}
		var streams []<-chan error
		for range 5 {
			streams = append(streams, s.stream(t, token))
		}
		time.Sleep(time.Second)
		s.fake.Counts()
		time.Sleep(10 * streamInterval)
		if reads, _ := s.fake.Counts(); reads < 9 || reads > 11 {
			t.Errorf("%d questions in ten rounds about five streams of one session", reads)
		}
		s.Streams.end(s.Key, s.find(t, token).Claims.SID)
		for _, stream := range streams {
			if isUnderWay(t, stream) {
				t.Error("a stream goes on")
			}
		}
	})
}

// The bubble of a test fails when a goroutine stays, so this shows that the
// sweeper leaves, and that it comes again.
func TestTheSweeperLeavesWhenNothingIsOpen(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	synctest.Test(t, func(t *testing.T) {
		token := s.begin(t, "alice")
		for range 3 {
			_, answered := s.watch(t, token)
			answered()
			if !s.Streams.running.Load() {
				t.Error("nobody watches an open request")
			}
			time.Sleep(time.Hour)
			if s.Streams.running.Load() {
				t.Error("somebody watches nothing")
			}
		}
	})
}

// panickingRoster is a third party's provider with a mistake, which shows once broken
// is set.
type panickingRoster struct {
	fakeProvider
	broken atomic.Bool
}

func (p *panickingRoster) Current(id string) (*providers.Account, bool) {
	if p.broken.Load() {
		panic("a mistake")
	}
	known := account(id)
	return &known, true
}

// What a provider's mistake keeps anybody from knowing is as what the store does not
// answer: streams end after a while, and the server goes on.
func TestAProviderThatPanicsEndsStreamsAlone(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	core, lines := observer.New(zap.WarnLevel)
	s.Logger = zap.New(core)
	synctest.Test(t, func(t *testing.T) {
		roster := new(panickingRoster)
		token := s.begin(t, "alice")
		s.configured["credentials"] = roster
		stream := s.stream(t, token)
		roster.broken.Store(true)
		time.Sleep(time.Second)
		if !isUnderWay(t, stream) {
			t.Error("a stream ends at the first mistake")
		}
		time.Sleep(2 * streamGrace)
		if isUnderWay(t, stream) {
			t.Error("a stream goes on whose user nobody can tell")
		}
	})
	if told := lines.All(); len(told) != 2 || !strings.Contains(fmt.Sprint(told[0].ContextMap()["stack"]), "panickingRoster") {
		t.Errorf("the log has %v", told)
	}
}

// A round costs little more for many open streams than for one.
func TestARoundOfManyStreamsAllocatesLittle(t *testing.T) {
	s := newTestSessions(t, "jwt")
	live, open := s.find(t, s.begin(t, "alice")), new(Streams)
	open.running.Store(true) // by this test
	const many = 4
	const most = 4*1 + 16 // one each to compare the password, and those of a round
	for range many {
		request := &Stream{Sessions: s.Site, Session: live, Cancel: func(error) { t.Error("a stream ended") }}
		request.Guards = request.Outermost[:]
		open.Add(request)
	}
	open.round.Add(2)
	looked := 0
	look := func() {
		_, found := open.collect()
		looked = len(found[s.Key][live.Claims.SID].streams)
		if err := ask(found[s.Key]); err != nil {
			t.Error(err)
		}
	}
	got := testing.AllocsPerRun(1, look)
	for range 200 { // the least, for the race detector has pools forget
		got = min(got, testing.AllocsPerRun(1, look))
	}
	if got > most || looked != many {
		t.Errorf("%v allocations for %d streams", got, looked)
	}
}
