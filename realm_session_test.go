package signin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/crypto/bcrypt"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

// withStrategy is a realm whose state is in a fake store.
func withStrategy(t testing.TB, name string, change func(*Realm)) (*realm.Realm, *storetest.Fake) {
	t.Helper()
	realm, store := configuredWithStrategy(t, name, change)
	return realm.active, store
}

func configuredWithStrategy(t testing.TB, name string, change func(*Realm)) (*Realm, *storetest.Fake) {
	t.Helper()
	realm := configuredRealm(t, func(realm *Realm) {
		realm.Session.Strategy = name
		if change != nil {
			change(realm)
		}
	})
	store := storetest.NewFake()
	realm.active.Store, realm.active.Sessions.Store = store, store
	return realm, store
}

// signedInAs begins a session of a configured user and returns its token.
func signedInAs(t testing.TB, realm *realm.Realm, user string) string {
	t.Helper()
	keys, err := realm.URLSite.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	roster, ok := realm.ByID["credentials"].(providers.Roster)
	if !ok {
		t.Fatal("the realm has no users")
	}
	who, _ := roster.Current(user)
	if who == nil {
		t.Fatalf("%s is no user of the realm", user)
	}
	s := &realm.URLSite.Sessions
	cookies, err := s.SignIn(t.Context(), s.NewClaims(keys, "credentials", *who), new(authjs.Received), "Mozilla/5.0")
	if err != nil {
		t.Fatal(err)
	}
	return cookies[0].Value
}

// sessionOf returns the cookie of a new session of alice.
func sessionOf(t testing.TB, realm *realm.Realm) string {
	t.Helper()
	return realm.URLSite.CookieNames.Session + "=" + signedInAs(t, realm, "alice")
}

// opened returns the session of a token, or nil.
func opened(t testing.TB, realm *realm.Realm, token string) *session.Session {
	t.Helper()
	live, err := realm.URLSite.Sessions.ReadSession(t.Context(), []string{realm.URLSite.CookieNames.Session + "=" + token}, new(session.Session))
	if err != nil {
		t.Fatal(err)
	}
	return live
}

// signOutOf ends the session of a token.
func signOutOf(t testing.TB, realm *realm.Realm, token string) {
	t.Helper()
	if _, err := realm.URLSite.Sessions.SignOut(t.Context(), opened(t, realm, token), false); err != nil {
		t.Fatal(err)
	}
}

func TestDefaultStrategy(t *testing.T) {
	for _, test := range []struct{ name, store, Strategy, want string }{
		{"without a store", "", "", "jwt"},
		{"with a store", `{"store":"memory"}`, "", "database"},
		{"with a store, and jwt chosen", `{"store":"memory"}`, "jwt", "jwt"},
		{"without a store, and database chosen", "", "database", "database"},
	} {
		realm := newRealm(t, func(realm *Realm) {
			realm.Session.Strategy = test.Strategy
			if test.store != "" {
				realm.StoreRaw = []byte(test.store)
			}
		})
		if want, _ := session.StrategyNamed(test.want); realm.Sessions.Strategy != want {
			t.Errorf("%s: %T", test.name, realm.Sessions.Strategy)
		}
	}
}

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
	for _, name := range session.StrategyNames() {
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
			synctest.Test(t, func(t *testing.T) {
				alice, bob := signedInAs(t, realm, "alice"), signedInAs(t, realm, "bob")
				hers, his := openStream(t, realm, alice), openStream(t, realm, bob)
				write("alice\n")
				time.Sleep(2 * time.Second)
				if opened(t, realm, alice) == nil || !isOpen(t, hers) {
					t.Error("a broken file ended a session")
				}
				write("alice:" + second + "\n")
				time.Sleep(2 * time.Second)
				if opened(t, realm, alice) != nil || isOpen(t, hers) {
					t.Error("a session outlives its password")
				}
				if opened(t, realm, bob) != nil || isOpen(t, his) {
					t.Error("a session outlives its user")
				}
			})
		})
	}
}

func TestAGuardedRequestWithADatabaseSessionAllocatesLittle(t *testing.T) {
	realm := newRealm(t, func(realm *Realm) { realm.Session.Strategy = "database" })
	run := gateRun(t, sessionOf(t, realm), realm)
	if got := warmAllocs(func() { run() }); got > 10 {
		t.Errorf("%v allocations, want 10 at most", got)
	}
	if run() == 0 {
		t.Error("the gate let nothing pass")
	}
}

func BenchmarkGateColdDatabase(b *testing.B) {
	realm := newRealm(b, func(realm *Realm) { realm.Session.Strategy = "database" })
	run := gateRun(b, sessionOf(b, realm), realm)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

func TestSessionLimits(t *testing.T) {
	hours := func(n int) caddy.Duration { return caddy.Duration(time.Duration(n) * time.Hour) }
	for name, test := range map[string]struct {
		limits  SessionConfig
		renewed time.Duration // after which a page view renews; with no problem
		problem string
	}{
		"none":                          {SessionConfig{}, 24 * time.Hour, ""},
		"a short life":                  {SessionConfig{MaxAge: hours(1)}, 15 * time.Minute, ""},
		"a short absolute one":          {SessionConfig{AbsoluteMaxAge: hours(8)}, 2 * time.Hour, ""},
		"an idle timeout":               {SessionConfig{IdleTimeout: hours(8)}, 2 * time.Hour, ""},
		"all the life":                  {SessionConfig{MaxAge: hours(8), AbsoluteMaxAge: hours(8), IdleTimeout: hours(8), UpdateAge: hours(1)}, time.Hour, ""},
		"longer than the absolute life": {SessionConfig{MaxAge: hours(100), AbsoluteMaxAge: hours(99)}, 0, "max_age 100h is longer than absolute_max_age, 99h, at"},
		"a year":                        {SessionConfig{MaxAge: hours(365 * 24)}, 0, "max_age 365d is longer than absolute_max_age, 90d (the default), at"},
		"never renewed":                 {SessionConfig{MaxAge: hours(24), UpdateAge: hours(24)}, 0, "update_age 1d is no shorter than a session's life, 1d, so"},
		"never renewed before the end":  {SessionConfig{AbsoluteMaxAge: hours(8), UpdateAge: hours(9)}, 0, "update_age 9h is no shorter than a session's life, 8h, so"},
		"never idle":                    {SessionConfig{MaxAge: hours(1), IdleTimeout: caddy.Duration(90 * time.Minute)}, 0, "idle_timeout 1h30m is longer than a session's life, 1h, so"},
		"half a second":                 {SessionConfig{IdleTimeout: caddy.Duration(time.Second / 2)}, 0, "idle_timeout must be a second or more"},
		"negative":                      {SessionConfig{UpdateAge: -hours(1)}, 0, "update_age must be a second or more"},
	} {
		t.Run(name, func(t *testing.T) {
			limits := test.limits
			err := limits.checkLimits()
			if test.problem != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "session: "+test.problem) {
					t.Fatalf("%v, want %s", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			limits.setLimits()
			if got := limits.limits().RenewAge; got != test.renewed {
				t.Errorf("renewed after %s, want %s", got, test.renewed)
			}
			if limits.checkLimits() != nil || limits.MaxAge > limits.AbsoluteMaxAge {
				t.Errorf("the defaults contradict the limits: %+v", limits)
			}
		})
	}
}
