package session

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

const (
	firstSecret  = "the first secret of these tests, long enough"
	secondSecret = "the second secret of these tests, long enough"

	oneDay = 24 * time.Hour
)

// testSessions are the sessions of a realm at one address, with the default limits.
type testSessions struct {
	*Site

	fake *storetest.Fake // its store
	// configured are the realm's providers: one for passwords, whose only user is
	// alice.
	configured map[string]providers.Provider
}

func newTestSessions(t testing.TB, strategy string) *testSessions {
	t.Helper()
	const key = "http://localhost:8080"
	made := &testSessions{fake: storetest.NewFake(), configured: make(map[string]providers.Provider)}
	made.knowsOnly(account("alice"))
	manager := &Manager{
		Store: made.fake, Strategy: strategies[strategy], Streams: new(Streams), RealmKey: key, Realm: "realm " + key, SecretConfigured: true,
		Limits:    Limits{MaxAge: 30 * oneDay, AbsoluteMaxAge: 90 * oneDay, RenewAge: oneDay},
		Providers: made.configured,
		Logger:    zap.NewNop(), Sampled: zap.NewNop(),
	}
	manager.Successors = func(string) []*Manager { return []*Manager{manager} }
	names := authjs.NextAuth.Names(false)
	made.Site = &Site{List: List{manager, key}, CookieNames: names, Secret: secretOf(t, names, firstSecret)}
	return made
}

// secretOf is what an operator configured.
func secretOf(t testing.TB, names *authjs.Names, secrets ...string) *keys.Secret {
	t.Helper()
	source, err := keys.NewSource(secrets, []*authjs.Names{names}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return source.Named("")
}

// account is one of a user with a password.
func account(user string) providers.Account {
	return providers.Account{
		ID: user, Login: user, Name: "Alice Example", Email: user + "@example.com", EmailVerified: true, Credential: "a hash of the password",
	}
}

// fakeProvider checks passwords and does not know whose.
type fakeProvider struct{}

func (fakeProvider) Info() providers.Info {
	return providers.Info{ID: "credentials", Type: providers.TypeCredentials}
}

// fakeRoster knows its users.
type fakeRoster struct {
	fakeProvider

	mu       sync.Mutex
	accounts map[string]*providers.Account
}

func (f *fakeRoster) Current(id string) (*providers.Account, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.accounts[id], true
}

// knowsOnly has the provider know these users from now on.
func (s *testSessions) knowsOnly(accounts ...providers.Account) {
	roster, ok := s.configured["credentials"].(*fakeRoster)
	if !ok {
		roster = new(fakeRoster)
		s.configured["credentials"] = roster
	}
	roster.mu.Lock()
	defer roster.mu.Unlock()
	roster.accounts = make(map[string]*providers.Account)
	for _, one := range accounts {
		roster.accounts[one.ID] = &one
	}
}

// knowsNobody has the provider forget which users there are: anyone may sign in.
func (s *testSessions) knowsNobody() { s.configured["credentials"] = fakeProvider{} }

// claimsOf are those of a user who signs in.
func (s *testSessions) claimsOf(t testing.TB, user string) authjs.Claims {
	t.Helper()
	keys, err := s.keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	who := account(user)
	if roster, ok := s.configured["credentials"].(*fakeRoster); ok {
		if known, _ := roster.Current(user); known != nil {
			who = *known
		}
	} else {
		who.Credential = ""
	}
	return s.NewClaims(keys, "credentials", who)
}

// begin begins a session and returns its token.
func (s *testSessions) begin(t testing.TB, user string) string {
	t.Helper()
	cookies, err := s.SignIn(t.Context(), s.claimsOf(t, user), new(authjs.Received), "Mozilla/5.0")
	if err != nil {
		t.Fatal(err)
	}
	return cookies[0].Value
}

// find returns the session of a token, or nil.
func (s *testSessions) find(t testing.TB, token string) *Session {
	t.Helper()
	live, err := s.ReadSession(t.Context(), []string{s.CookieNames.Session + "=" + token}, new(Session))
	if err != nil {
		t.Fatal(err)
	}
	return live
}

// endsHere ends the session of a token as a sign-out in this process does.
func (s *testSessions) endsHere(t testing.TB, token string) {
	t.Helper()
	if err := s.End(t.Context(), s.EntryOf(s.find(t, token))); err != nil {
		t.Fatal(err)
	}
}

// watch begins a request of a session, and returns its context and what says that
// it was answered.
func (s *testSessions) watch(t *testing.T, token string, guards ...[]access.Rule) (ctx context.Context, answered func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	request := &Stream{Sessions: s.Site, Session: s.find(t, token), Guards: guards, Cancel: cancel}
	s.Streams.Add(request)
	return ctx, request.Done
}

// stream begins a request that stays open until its context is done, and returns
// where that is told, with the cause.
func (s *testSessions) stream(t *testing.T, token string, guards ...[]access.Rule) <-chan error {
	t.Helper()
	ctx, answered := s.watch(t, token, guards...)
	ended := make(chan error, 1)
	t.Cleanup(func() { time.Sleep(time.Minute) }) // the bubble waits for the sweeper to leave
	go func() {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		answered()
	}()
	synctest.Wait()
	return ended
}

// isUnderWay says whether a stream does, and demands the right cause if not.
func isUnderWay(t *testing.T, stream <-chan error) bool {
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
