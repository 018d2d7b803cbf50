package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func TestEverySessionOfAUserEnds(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSessions(t, name)
			s.knowsNobody()
			var hers []string
			for range 3 {
				hers = append(hers, s.begin(t, "alice"))
			}
			his := s.begin(t, "bob")
			ended, err := s.endAll(t.Context(), "credentials:alice", "")
			if err != nil || ended != 3 {
				t.Fatalf("%d sessions ended, %v", ended, err)
			}
			for _, token := range hers {
				if s.find(t, token) != nil {
					t.Error("a session of alice's lives on")
				}
			}
			if s.find(t, his) == nil {
				t.Error("bob's session ended")
			}
			for key := range s.fake.Values() {
				if strings.HasPrefix(key, s.UserPrefix("credentials:alice")) {
					t.Errorf("%s is still on the list", key)
				}
			}
		})
	}
}

// A sign-in that is not on the list yet when all sessions of its user end does
// not escape; one that begins afterwards is let in.
func TestASignInWhileEverySessionOfItsUserEnds(t *testing.T) {
	t.Parallel()
	for name, writes := range map[string]int{"jwt": 2, "database": 3} { // the last looks whether they were revoked
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSessions(t, name)
			s.knowsNobody()
			synctest.Test(t, func(t *testing.T) {
				signIn := func(user string, write int) ([]authjs.Cookie, error) {
					time.Sleep(time.Second)
					claims := s.claimsOf(t, user)
					time.Sleep(time.Second)
					var hook func()
					hook = func() { // before the write with this number
						if write--; write > 0 {
							s.fake.BeforeWrite(hook)
						} else if ended, err := s.endAll(t.Context(), "credentials:alice", ""); err != nil || ended > 1 {
							t.Errorf("%d sessions ended, %v", ended, err)
						}
					}
					if write > 0 {
						s.fake.BeforeWrite(hook)
					}
					return s.SignIn(t.Context(), claims, new(authjs.Received), "")
				}
				for write := range writes {
					cookies, err := signIn("alice", write+1)
					if !errors.Is(err, ErrRevokedMeanwhile) || cookies != nil {
						t.Errorf("a sign-in whose user's sessions all end before its write %d gives %v, %v", write+1, cookies, err)
					}
				}
				for key := range s.fake.Values() {
					if !strings.Contains(key, "|ended|") && !strings.Contains(key, "|revoked|") {
						t.Errorf("%s is left", key)
					}
				}
				if _, err := signIn("bob", 1); err != nil {
					t.Errorf("another's sign-in gives %v", err)
				}
				if _, err := signIn("alice", 0); err != nil {
					t.Errorf("a later sign-in gives %v", err)
				}
			})
		})
	}
}

func TestEntriesSayWhatAnOperatorNeeds(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	live := s.find(t, s.begin(t, "alice"))
	found := 0
	err := s.Each(t.Context(), s.Key+Infix, func(realmKey string, e Entry) error {
		found++
		want := s.EntryOf(live)
		if realmKey != s.Key || e.SID != want.SID || e.User != "credentials:alice" || e.Provider != "credentials" ||
			e.Agent != "Mozilla/5.0" || e.handle != want.handle || e.Started.Unix() != want.Started.Unix() || e.Ends.Unix() != want.Ends.Unix() {
			t.Errorf("the entry under %s is %+v, want %+v", realmKey, e, want)
		}
		return nil
	})
	if err != nil || found != 1 {
		t.Errorf("%d entries, %v", found, err)
	}
}

// A store without a list still signs in and out.
func TestAStoreThatCannotList(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	s.Store = struct{ sessionstore.Store }{s.fake}
	token := s.begin(t, "alice")
	if _, err := s.endAll(context.Background(), "credentials:alice", ""); err == nil {
		t.Error("sessions ended without being found")
	}
	if err := s.End(t.Context(), s.EntryOf(s.find(t, token))); err != nil || s.find(t, token) != nil {
		t.Errorf("one session does not end: %v", err)
	}
}

// FuzzParseEntry checks that whatever stands in a store is an entry with an id
// and a user, or none.
func FuzzParseEntry(f *testing.F) {
	f.Add("https://app.example.com|session|0123|#|abcd", `{"u":"github:1","p":"github","s":1,"e":2}`)
	f.Add("|session||#|", `{}`)
	f.Add("a|session|b|session|c|#|d", `{"u":"x"}`)
	f.Fuzz(func(t *testing.T, key, value string) {
		realmKey, e, ok := parseEntry(key, []byte(value))
		if ok && (e.SID == "" || e.User == "" || !strings.HasPrefix(key, realmKey+Infix) || !strings.HasSuffix(key, sessionstore.GroupMark+e.SID)) {
			t.Errorf("%q %q is %+v of %q", key, value, e, realmKey)
		}
	})
}
