package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

// slowStore takes its time for a write, as a disk does, and no more for many at
// once than for one.
type slowStore struct {
	*storetest.Fake

	mu           sync.Mutex
	writes, most int // under way, and at most
}

const slowWrite = 10 * time.Millisecond

func (s *slowStore) take() {
	s.mu.Lock()
	s.writes++
	s.most = max(s.most, s.writes)
	s.mu.Unlock()
	time.Sleep(slowWrite)
	s.mu.Lock()
	s.writes--
	s.mu.Unlock()
}

func (s *slowStore) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	s.take()
	return s.Fake.Put(ctx, key, value, expires)
}

func (s *slowStore) Delete(ctx context.Context, key string) error {
	s.take()
	return s.Fake.Delete(ctx, key)
}

// Thousands of sessions end within the time that a browser waits.
// A store with a mistake ends no server.
func TestAStoreThatPanicsIsAnErrorOfEndingSessions(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	live := s.find(t, s.begin(t, "alice"))
	s.fake.BeforeWrite(func() { panic("a mistake") })
	one := ListedEntry{List: s.List, Entry: s.EntryOf(live)}
	count, err := EndEach(t.Context(), []ListedEntry{one}, func(ListedEntry) { t.Error("a session is said to have ended") })
	if count != 0 || err == nil || !strings.Contains(err.Error(), "panic: a mistake") {
		t.Errorf("%d ended, %v", count, err)
	}
}

func TestManySessionsEndAtOnce(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSessions(t, name)
			s.knowsNobody()
			synctest.Test(t, func(t *testing.T) {
				for range 1000 {
					s.begin(t, "alice")
				}
				slow := &slowStore{Fake: s.fake}
				s.Store = slow
				began := time.Now()
				ended, err := s.endAll(t.Context(), "credentials:alice", "")
				if took := time.Since(began); err != nil || ended != 1000 || took > 50*slowWrite {
					t.Errorf("%d sessions ended in %v, %v", ended, took, err)
				}
				if slow.most > endingAtOnce {
					t.Errorf("%d writes at a time", slow.most)
				}
			})
		})
	}
}

// failingStore fails the deletions after the first so many.
type failingStore struct {
	*storetest.Fake

	left atomic.Int64
}

func (s *failingStore) Delete(ctx context.Context, key string) error {
	if s.left.Add(-1) < 0 {
		return errors.New("down")
	}
	return s.Fake.Delete(ctx, key)
}

// Signing out everywhere ends the session that asks for it last: after an error
// its owner can try again.
func TestTheSessionThatSignsOutEverywhereEndsLast(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSessions(t, name)
			s.knowsNobody()
			for _, deletions := range []int64{0, 3, 8} {
				var tokens []string
				for range 10 {
					tokens = append(tokens, s.begin(t, "alice"))
				}
				failing := &failingStore{Fake: s.fake}
				failing.left.Store(deletions)
				token := tokens[deletions]
				live := s.find(t, token)
				s.Store = failing
				_, err := s.SignOut(t.Context(), live, true)
				if s.Store = s.fake; err == nil {
					t.Fatalf("with %d deletions all sessions ended", deletions)
				}
				if s.find(t, token) == nil {
					t.Errorf("after %d deletions the session that asked has ended, and others live", deletions)
				}
				if _, err := s.SignOut(t.Context(), live, true); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// The first error ends it, and says how many sessions had ended by then.
func TestEndingSessionsStopsAtAnError(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	s.knowsNobody()
	for range 3 * endingAtOnce {
		s.begin(t, "alice")
	}
	var all []ListedEntry
	if err := s.Each(t.Context(), s.UserPrefix("credentials:alice"), func(_ string, e Entry) error {
		all = append(all, ListedEntry{s.List, e})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	down := errors.New("down")
	told := 0
	ended, err := EndEach(t.Context(), all, func(ListedEntry) {
		if told++; told == 10 {
			s.fake.Fail(down)
		}
	})
	if !errors.Is(err, down) || ended != told || ended < 10 || ended > 10+endingAtOnce {
		t.Errorf("%d sessions ended, told of %d, %v", ended, told, err)
	}
}
