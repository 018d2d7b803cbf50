package signin

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// fakeStore is a store that tells what it was asked, and fails on demand.
type fakeStore struct {
	mu     sync.Mutex
	values map[string]fakeValue
	err    error
	reads  int
	writes int
	// before runs inside Update, as if another node were faster.
	before func()
}

type fakeValue struct {
	value   []byte
	expires time.Time
}

func newFakeStore() *fakeStore { return &fakeStore{values: make(map[string]fakeValue)} }

func (f *fakeStore) get(key string) []byte {
	if kept, ok := f.values[key]; ok && time.Now().Before(kept.expires) {
		return kept.value
	}
	return nil
}

func (f *fakeStore) Get(_ context.Context, key string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.err != nil {
		return nil, f.err
	}
	if value := f.get(key); value != nil {
		return value, nil
	}
	return nil, sessionstore.ErrNotFound
}

func (f *fakeStore) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	return f.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return value, expires, nil })
}

func (f *fakeStore) Delete(ctx context.Context, key string) error {
	return f.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return nil, time.Time{}, nil })
}

func (f *fakeStore) Update(_ context.Context, key string, change sessionstore.Change) error {
	if f.before != nil {
		before := f.before
		f.before = nil
		before()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	value, expires, err := change(f.get(key))
	if err != nil {
		return err
	}
	f.writes++
	f.values[key] = fakeValue{value, expires}
	if expires.IsZero() {
		delete(f.values, key)
	}
	return nil
}

func (f *fakeStore) List(_ context.Context, prefix string, yield func(string, []byte) bool) error {
	f.mu.Lock()
	err, kept := f.err, maps.Clone(f.values)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	for key, value := range kept {
		if strings.HasPrefix(key, prefix) && time.Now().Before(value.expires) && !yield(key, value.value) {
			break
		}
	}
	return nil
}

func (f *fakeStore) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// counts returns the reads and writes since the last call.
func (f *fakeStore) counts() (reads, writes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reads, writes = f.reads, f.writes
	f.reads, f.writes = 0, 0
	return reads, writes
}

// withStrategy is a realm whose state is in a fakeStore.
func withStrategy(t testing.TB, name string, change func(*Realm)) (*activeRealm, *fakeStore) {
	t.Helper()
	realm, store := configuredWithStrategy(t, name, change)
	return realm.active, store
}

func configuredWithStrategy(t testing.TB, name string, change func(*Realm)) (*Realm, *fakeStore) {
	t.Helper()
	realm := configuredRealm(t, func(realm *Realm) {
		realm.Session.Strategy = name
		if change != nil {
			change(realm)
		}
	})
	store := newFakeStore()
	realm.active.store, realm.active.sessions.store = store, store
	return realm, store
}

// claimsOf are those of a user who signs in by a password.
func claimsOf(t testing.TB, s *siteSessions, user string) authjs.Claims {
	t.Helper()
	keys, err := s.keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	who := account(user)
	if roster, ok := s.provider("credentials").(providers.Roster); ok {
		if known, _ := roster.Current(user); known != nil {
			who = *known
		}
	}
	return s.newClaims(keys, "credentials", who)
}

// account is one of a user who need not be configured.
func account(user string) providers.Account {
	return providers.Account{ID: user, Login: user, Name: "Alice Example", Email: user + "@example.com", EmailVerified: true}
}

// signedInAs begins a session and returns its token.
func signedInAs(t testing.TB, s *siteSessions, user string) string {
	t.Helper()
	cookies, err := s.signIn(t.Context(), claimsOf(t, s, user), new(authjs.Received), "Mozilla/5.0")
	if err != nil {
		t.Fatal(err)
	}
	return cookies[0].Value
}

// opened returns the session of a token, or nil.
func opened(t testing.TB, s *siteSessions, token string) *session {
	t.Helper()
	live, err := s.readSession(t.Context(), []string{s.names.Session + "=" + token}, new(session))
	if err != nil {
		t.Fatal(err)
	}
	return live
}

var (
	_ sessionstore.Store  = (*fakeStore)(nil)
	_ sessionstore.Lister = (*fakeStore)(nil)
)
