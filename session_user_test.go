package signin

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/crypto/bcrypt"

	"github.com/caddy-signin/caddy-signin/providers"
)

func hashOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// A users' file that is edited ends sessions without a reload, and streams too.
func TestAnEditedUsersFileEndsSessions(t *testing.T) {
	first, second := hashOf(t, "secret"), hashOf(t, "other")
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "users.htpasswd")
			write := func(content string) {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				past := time.Now().Add(-time.Hour)
				if err := os.Chtimes(path, past, past); err != nil {
					t.Fatal(err)
				}
			}
			write("alice:" + first + "\nbob:" + first + "\n")
			realm, _ := withStrategy(t, name, func(realm *Realm) {
				realm.ProvidersRaw = []json.RawMessage{json.RawMessage(`{"provider":"credentials","file":"` + path + `"}`)}
			})
			s := &realm.urlSite.sessions
			synctest.Test(t, func(t *testing.T) {
				alice, bob := signedInAs(t, s, "alice"), signedInAs(t, s, "bob")
				hers, his := openStream(t, realm, alice), openStream(t, realm, bob)
				write("alice\n")
				time.Sleep(2 * time.Second)
				if opened(t, s, alice) == nil || !isOpen(t, hers) {
					t.Error("a broken file ended a session")
				}
				write("alice:" + second + "\n")
				time.Sleep(2 * time.Second)
				if opened(t, s, alice) != nil || isOpen(t, hers) {
					t.Error("a session outlives its password")
				}
				if opened(t, s, bob) != nil || isOpen(t, his) {
					t.Error("a session outlives its user")
				}
			})
		})
	}
}

// The old secret proves passwords until a session is renewed, and the new one
// from then on.
func TestARenewedSessionProvesItsPasswordByTheNewSecret(t *testing.T) {
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			realm, _ := withStrategy(t, name, nil)
			s := &realm.urlSite.sessions
			use := func(secrets ...string) {
				ring, err := newKeyring(secrets, realm.plain, realm.secure)
				if err != nil {
					t.Fatal(err)
				}
				s.secret.ring.Store(ring)
			}
			const newSecret = "another secret of the unit tests, over 32 bytes"
			synctest.Test(t, func(t *testing.T) {
				token := signedInAs(t, s, "alice")
				before := opened(t, s, token).claims.Credential
				use(newSecret, testSecret)
				time.Sleep(2 * day)
				live := opened(t, s, token)
				if live == nil || live.claims.Credential == before || before == "" {
					t.Fatalf("the session is %+v", live)
				}
				renewed, err := realm.sessions.strategy.renew(t.Context(), s, live, true)
				if err != nil {
					t.Fatal(err)
				}
				use(newSecret)
				if opened(t, s, renewed.token) == nil {
					t.Error("a renewed session ended with the old secret")
				}
			})
		})
	}
}

// Who signs in while their password is set anew has proved the old one.
func TestASignInThatANewPasswordOvertakes(t *testing.T) {
	for name := range strategies {
		realm, _ := withStrategy(t, name, nil)
		s := &realm.urlSite.sessions
		claims := claimsOf(t, s, "alice")
		other := newRealm(t, func(realm *Realm) {
			realm.ProvidersRaw = []json.RawMessage{json.RawMessage(`{"provider":"credentials","users":[{"username":"alice","password":"` + hashOf(t, "other") + `"}]}`)}
		})
		realm.byID = other.byID
		made, err := realm.sessions.strategy.issue(t.Context(), s, claims)
		if err != nil {
			t.Fatal(err)
		}
		if opened(t, s, made.token) != nil {
			t.Errorf("%s: a sign-in with the old password gives a session", name)
		}
	}
}

// Neither a store nor an application that reads the cookie learns the hash.
func TestASessionDoesNotTellThePassword(t *testing.T) {
	realm, store := withStrategy(t, "database", nil)
	token := signedInAs(t, &realm.urlSite.sessions, "alice")
	roster, ok := realm.byID["credentials"].(providers.Roster)
	if !ok {
		t.Fatal("the users of the configuration are unknown")
	}
	account, _ := roster.Current("alice")
	live := opened(t, &realm.urlSite.sessions, token)
	if live.claims.Credential == "" || strings.Contains(live.claims.Credential, account.Credential) {
		t.Errorf("the session tells %q of %q", live.claims.Credential, account.Credential)
	}
	for key, kept := range store.values {
		if strings.Contains(string(kept.value), account.Credential) {
			t.Errorf("%s tells it", key)
		}
	}
	for _, path := range []string{"mac", "cred"} {
		if value := claim(live, path); value != nil {
			t.Errorf("the placeholder of the claim %s is %v", path, value)
		}
	}
}

// fakeRoster is a provider that knows its users.
type fakeRoster struct {
	providers.Provider
	accounts map[string]*providers.Account
}

func (f *fakeRoster) Current(id string) (*providers.Account, bool) { return f.accounts[id], true }

// A provider may know its users and keep no passwords. Whether it does must then
// be the same as it was at the sign-in.
func TestSessionsOfARosterWithoutCredentials(t *testing.T) {
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			realm, _ := withStrategy(t, name, nil)
			s, alice := &realm.urlSite.sessions, &providers.Account{ID: "alice", Name: "Alice"}
			realm.byID["credentials"] = &fakeRoster{realm.byID["credentials"], map[string]*providers.Account{"alice": alice}}
			token := signedInAs(t, s, "alice")
			if live := opened(t, s, token); live == nil || live.claims.Name.String() != "Alice" || live.changed {
				t.Errorf("the session is %+v", live)
			}
			alice.Credential = "one"
			if opened(t, s, token) != nil {
				t.Error("a session that was begun without a password goes on with one")
			}
			token = signedInAs(t, s, "alice")
			if opened(t, s, token) == nil {
				t.Error("no session with a password")
			}
			for _, credential := range []string{"", "two"} {
				alice.Credential = credential
				if opened(t, s, token) != nil {
					t.Errorf("a session goes on though its password is now %q", credential)
				}
			}
		})
	}
}

// The log says once why a session is over that nobody ended, and nothing else.
func TestTheLogSaysWhyAConfiguredUsersSessionEnded(t *testing.T) {
	for want, change := range map[endReason]func(*activeRealm, *fakeRoster){
		stillValid:    func(*activeRealm, *fakeRoster) {},
		endedUser:     func(_ *activeRealm, roster *fakeRoster) { clear(roster.accounts) },
		endedPassword: func(_ *activeRealm, roster *fakeRoster) { roster.accounts["alice"].Credential = "other hash" },
		endedProvider: func(realm *activeRealm, _ *fakeRoster) { clear(realm.byID) },
		endedRules: func(realm *activeRealm, _ *fakeRoster) {
			realm.sessions.admission = newAdmission(nil, []Rule{{Group: []string{"leavers"}}})
		},
	} {
		for name := range strategies {
			realm, _ := withStrategy(t, name, nil)
			core, seen := observer.New(zap.DebugLevel)
			realm.sessions.sampled = zap.New(core)
			alice := &providers.Account{ID: "alice", Credential: "a hash", Groups: []string{"leavers"}}
			roster := &fakeRoster{realm.byID["credentials"], map[string]*providers.Account{"alice": alice}}
			realm.byID["credentials"] = roster
			synctest.Test(t, func(t *testing.T) {
				token := signedInAs(t, &realm.urlSite.sessions, "alice")
				change(realm, roster)
				for range 3 {
					if goes := opened(t, &realm.urlSite.sessions, token) != nil; goes != (want == stillValid) {
						t.Fatalf("%s, %q: the session goes on: %t", name, want, goes)
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
				lines[0].ContextMap()["user"] != "credentials:alice" || lines[0].ContextMap()["realm"] != realm.String() ||
				strings.Contains(fmt.Sprint(lines), "hash") {
				t.Errorf("%s: the log says %v, want %q", name, lines, want)
			}
		}
	}
}
