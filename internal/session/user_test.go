package session

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/providers"
)

// A user who gets another password, or is gone, loses sessions and streams at once.
func TestSessionsAndStreamsEndWithTheirUser(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSessions(t, name)
			s.knowsOnly(account("alice"), account("bob"), account("carol"))
			synctest.Test(t, func(t *testing.T) {
				alice, bob, carol := s.begin(t, "alice"), s.begin(t, "bob"), s.begin(t, "carol")
				streams := []<-chan error{s.stream(t, alice), s.stream(t, bob), s.stream(t, carol)}
				changed := account("alice")
				changed.Credential = "a hash of another password"
				s.knowsOnly(changed, account("carol"))
				if s.find(t, alice) != nil || s.find(t, bob) != nil || s.find(t, carol) == nil {
					t.Error("a session outlives its password or its user, or another one doesn't")
				}
				time.Sleep(time.Second)
				if isUnderWay(t, streams[0]) || isUnderWay(t, streams[1]) || !isUnderWay(t, streams[2]) {
					t.Error("a stream outlives its session, or another one doesn't")
				}
			})
		})
	}
}

// The old secret proves passwords until a session is renewed, and the new one
// from then on.
func TestARenewedSessionProvesItsPasswordByTheNewSecret(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSessions(t, name)
			synctest.Test(t, func(t *testing.T) {
				token := s.begin(t, "alice")
				before := s.find(t, token).Claims.Credential
				s.Secret = secretOf(t, s.CookieNames, secondSecret, firstSecret)
				time.Sleep(2 * oneDay)
				live := s.find(t, token)
				if live == nil || live.Claims.Credential == before || before == "" {
					t.Fatalf("the session is %+v", live)
				}
				renewed, err := s.Strategy.Renew(t.Context(), s.Site, live, true)
				if err != nil {
					t.Fatal(err)
				}
				s.Secret = secretOf(t, s.CookieNames, secondSecret)
				if s.find(t, renewed.Token) == nil {
					t.Error("a renewed session ended with the old secret")
				}
			})
		})
	}
}

// Who signs in while their password is set anew has proved the old one.
func TestASignInThatANewPasswordOvertakes(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		s := newTestSessions(t, name)
		claims := s.claimsOf(t, "alice")
		changed := account("alice")
		changed.Credential = "a hash of another password"
		s.knowsOnly(changed)
		made, err := s.Strategy.issue(t.Context(), s.Site, claims)
		if err != nil {
			t.Fatal(err)
		}
		if s.find(t, made.Token) != nil {
			t.Errorf("%s: a sign-in with the old password gives a session", name)
		}
	}
}

// Neither a store nor an application that reads the cookie learns the hash.
func TestASessionDoesNotTellThePassword(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	live, hash := s.find(t, s.begin(t, "alice")), account("alice").Credential
	if live.Claims.Credential == "" || strings.Contains(live.Claims.Credential, hash) {
		t.Errorf("the session tells %q of %q", live.Claims.Credential, hash)
	}
	for key, kept := range s.fake.Values() {
		if strings.Contains(string(kept), hash) {
			t.Errorf("%s tells it", key)
		}
	}
}

// A provider may know its users and keep no passwords. Whether it does must then
// be the same as it was at the sign-in.
func TestSessionsOfARosterWithoutCredentials(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, alice := newTestSessions(t, name), providers.Account{ID: "alice", Name: "Alice"}
			s.knowsOnly(alice)
			token := s.begin(t, "alice")
			if live := s.find(t, token); live == nil || live.Claims.Name.String() != "Alice" || live.changed {
				t.Errorf("the session is %+v", live)
			}
			alice.Credential = "one"
			s.knowsOnly(alice)
			if s.find(t, token) != nil {
				t.Error("a session that was begun without a password goes on with one")
			}
			token = s.begin(t, "alice")
			if s.find(t, token) == nil {
				t.Error("no session with a password")
			}
			for _, credential := range []string{"", "two"} {
				alice.Credential = credential
				s.knowsOnly(alice)
				if s.find(t, token) != nil {
					t.Errorf("a session goes on though its password is now %q", credential)
				}
			}
		})
	}
}

// The log says once why a session is over that nobody ended, and nothing else.
func TestTheLogSaysWhyAConfiguredUsersSessionEnded(t *testing.T) {
	t.Parallel()
	alice := providers.Account{ID: "alice", Credential: "a hash", Groups: []string{"leavers"}}
	changed := alice
	changed.Credential = "other hash"
	for want, change := range map[endReason]func(*testSessions){
		stillValid:    func(*testSessions) {},
		endedUser:     func(s *testSessions) { s.knowsOnly() },
		endedPassword: func(s *testSessions) { s.knowsOnly(changed) },
		endedProvider: func(s *testSessions) { clear(s.configured) },
		endedRules: func(s *testSessions) {
			s.Admission = access.NewAdmission(nil, []access.Rule{{Group: []string{"leavers"}}})
		},
	} {
		for name := range strategies {
			s := newTestSessions(t, name)
			s.knowsOnly(alice)
			core, seen := observer.New(zap.DebugLevel)
			s.Sampled = zap.New(core)
			synctest.Test(t, func(t *testing.T) {
				token := s.begin(t, "alice")
				change(s)
				for range 3 {
					if lives := s.find(t, token) != nil; lives != (want == stillValid) {
						t.Fatalf("%s, %q: the session goes on: %t", name, want, lives)
					}
				}
			})
			lines := seen.All()
			if want == stillValid {
				if len(lines) > 0 {
					t.Errorf("%s: the log says %v of a session that is fine", name, lines)
				}
				continue
			}
			if len(lines) != 1 || lines[0].Message != string(want) || lines[0].Level != zap.InfoLevel ||
				lines[0].ContextMap()["user"] != "credentials:alice" || lines[0].ContextMap()["realm"] != s.Realm ||
				strings.Contains(fmt.Sprint(lines), "hash") {
				t.Errorf("%s: the log says %v, want %q", name, lines, want)
			}
		}
	}
}
