package signin

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

// everyone makes a realm forget which users are configured.
func everyone(realm *Realm) {
	realm.ProvidersRaw[0] = []byte(`{"provider":"oidc","id":"credentials","issuer":"https://login.example","client_id":"x","client_secret":"y"}`)
}

func TestEverySessionOfAUserEnds(t *testing.T) {
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			realm, store := withStrategy(t, name, everyone)
			s := &realm.urlSite.sessions
			var hers []string
			for range 3 {
				hers = append(hers, signedInAs(t, s, "alice"))
			}
			his := signedInAs(t, s, "bob")
			ended, err := s.endAll(t.Context(), "credentials:alice", "")
			if err != nil || ended != 3 {
				t.Fatalf("%d sessions ended, %v", ended, err)
			}
			for _, token := range hers {
				if opened(t, s, token) != nil {
					t.Error("a session of alice's lives on")
				}
			}
			if opened(t, s, his) == nil {
				t.Error("bob's session ended")
			}
			for key := range store.values {
				if strings.HasPrefix(key, s.userPrefix("credentials:alice")) {
					t.Errorf("%s is still on the list", key)
				}
			}
		})
	}
}

// A sign-in that is not on the list yet when all sessions of its user end does
// not escape; one that begins afterwards is let in.
func TestASignInWhileEverySessionOfItsUserEnds(t *testing.T) {
	for name, writes := range map[string]int{"jwt": 2, "database": 3} { // the last looks whether they were revoked
		t.Run(name, func(t *testing.T) {
			realm, store := withStrategy(t, name, everyone)
			s := &realm.urlSite.sessions
			synctest.Test(t, func(t *testing.T) {
				signIn := func(user string, write int) ([]authjs.Cookie, error) {
					time.Sleep(time.Second)
					claims := claimsOf(t, s, user)
					time.Sleep(time.Second)
					var hook func()
					hook = func() { // before the write with this number
						if write--; write > 0 {
							store.before = hook
						} else if ended, err := s.endAll(t.Context(), "credentials:alice", ""); err != nil || ended > 1 {
							t.Errorf("%d sessions ended, %v", ended, err)
						}
					}
					if write > 0 {
						store.before = hook
					}
					return s.signIn(t.Context(), claims, new(authjs.Received), "")
				}
				for write := range writes {
					cookies, err := signIn("alice", write+1)
					if !errors.Is(err, errRevokedMeanwhile) || cookies != nil {
						t.Errorf("a sign-in whose user's sessions all end before its write %d gives %v, %v", write+1, cookies, err)
					}
				}
				for key := range store.values {
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
	realm, _ := withStrategy(t, "database", nil)
	s := &realm.urlSite.sessions
	live := opened(t, s, signedInAs(t, s, "alice"))
	found := 0
	err := s.each(t.Context(), s.key+sessionInfix, func(realmKey string, e entry) error {
		found++
		want := s.entryOf(live)
		if realmKey != s.key || e.sid != want.sid || e.user != "credentials:alice" || e.provider != "credentials" ||
			e.agent != "Mozilla/5.0" || e.handle != want.handle || e.started.Unix() != want.started.Unix() || e.ends.Unix() != want.ends.Unix() {
			t.Errorf("the entry under %s is %+v, want %+v", realmKey, e, want)
		}
		return nil
	})
	if err != nil || found != 1 {
		t.Errorf("%d entries, %v", found, err)
	}
}

func TestUserAgentsAreFitForATerminal(t *testing.T) {
	for header, want := range map[string]string{
		"Mozilla/5.0 (X11)":            "Mozilla/5.0 (X11)",
		"a\x1b[31mb\x00\r\nc\u202e":    "a[31mbc",
		"\xff\xfe":                     "",
		strings.Repeat("x", 119) + "é": strings.Repeat("x", 119),
	} {
		if got := agentOf(header); got != want {
			t.Errorf("%q becomes %q, want %q", header, got, want)
		}
	}
}

// A store without a list still signs in and out.
func TestAStoreThatCannotList(t *testing.T) {
	realm, store := withStrategy(t, "jwt", nil)
	realm.sessions.store = struct{ sessionstore.Store }{store}
	s := &realm.urlSite.sessions
	token := signedInAs(t, s, "alice")
	if _, err := s.endAll(context.Background(), "credentials:alice", ""); err == nil {
		t.Error("sessions ended without being found")
	}
	if err := s.end(t.Context(), s.entryOf(opened(t, s, token))); err != nil || opened(t, s, token) != nil {
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
		if ok && (e.sid == "" || e.user == "" || !strings.HasPrefix(key, realmKey+sessionInfix) || !strings.HasSuffix(key, sessionstore.GroupMark+e.sid)) {
			t.Errorf("%q %q is %+v of %q", key, value, e, realmKey)
		}
	})
}
