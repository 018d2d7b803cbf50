package signin

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// What holds wherever sessions live.
func TestSessionsOfEveryStrategy(t *testing.T) {
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			realm, store := withStrategy(t, name, nil)
			s := &realm.urlSite.sessions
			first, second := signedInAs(t, s, "alice"), signedInAs(t, s, "alice")
			one, two := opened(t, s, first), opened(t, s, second)
			if one == nil || two == nil || first == second || one.claims.SID == two.claims.SID || len(one.claims.SID) < 32 {
				t.Fatalf("two sign-ins give %v and %v", one, two)
			}
			if one.userID != "credentials:alice" || one.email != "alice@example.com" {
				t.Errorf("the session is of %s <%s>", one.userID, one.email)
			}
			if err := s.end(t.Context(), s.entryOf(one)); err != nil {
				t.Fatal(err)
			}
			if opened(t, s, first) != nil || opened(t, s, second) == nil {
				t.Error("ending one session did not end that one alone")
			}
			store.fail(errors.New("down"))
			if _, err := s.readSession(t.Context(), []string{s.names.Session + "=" + second}, new(session)); err == nil {
				t.Error("with the store down a session is known")
			}
		})
	}
}

// A sign-in's list costs one write; with the strategy database the session
// itself is the other.
func TestWritesOfASignIn(t *testing.T) {
	for name, want := range map[string]int{"jwt": 1, "database": 2} {
		realm, store := withStrategy(t, name, nil)
		signedInAs(t, &realm.urlSite.sessions, "alice")
		if _, writes := store.counts(); writes != want {
			t.Errorf("%s: %d writes, want %d", name, writes, want)
		}
	}
}

func TestDefaultStrategy(t *testing.T) {
	for _, test := range []struct {
		name, store, strategy string
		want                  strategy
	}{
		{"without a store", "", "", jwtSessions{}},
		{"with a store", `{"store":"memory"}`, "", databaseSessions{}},
		{"with a store, and jwt chosen", `{"store":"memory"}`, "jwt", jwtSessions{}},
		{"without a store, and database chosen", "", "database", databaseSessions{}},
	} {
		realm := newRealm(t, func(realm *Realm) {
			realm.Session.Strategy = test.strategy
			if test.store != "" {
				realm.StoreRaw = []byte(test.store)
			}
		})
		if realm.sessions.strategy != test.want {
			t.Errorf("%s: %T", test.name, realm.sessions.strategy)
		}
	}
}

// Requirement E13.
func TestTheStoreCannotMakeACookie(t *testing.T) {
	realm, store := withStrategy(t, "database", nil)
	token := signedInAs(t, &realm.urlSite.sessions, "alice")
	if len(token) != tokenChars {
		t.Errorf("the cookie carries %q", token)
	}
	for key, kept := range store.values {
		if strings.Contains(key, token) || strings.Contains(string(kept.value), token) {
			t.Errorf("the store has the token, under %s", key)
		}
		handle := key[len(key)-tokenChars:]
		if opened(t, &realm.urlSite.sessions, handle) != nil {
			t.Errorf("the key %s holds what opens the session", key)
		}
	}
}

// Requirement E13: the syntax comes first.
func TestOnlyTokensReachTheStore(t *testing.T) {
	realm, store := withStrategy(t, "database", nil)
	token := signedInAs(t, &realm.urlSite.sessions, "alice")
	store.counts()
	for _, bad := range []string{
		token[1:], token + "A", token[:42] + "=", token[:42] + "+", token[:42] + "\n", token[:21] + "\r" + token[22:],
		strings.Repeat("_", 43), "..", strings.Repeat("A", 5000), "nothing",
	} {
		if opened(t, &realm.urlSite.sessions, bad) != nil {
			t.Errorf("%q opens a session", bad)
		}
	}
	if reads, _ := store.counts(); reads != 0 {
		t.Errorf("the store was asked %d times about what can be no token", reads)
	}
	if opened(t, &realm.urlSite.sessions, token) == nil {
		t.Error("the token opens nothing")
	}
}

func TestARecordOfAnotherRealmIsNoSession(t *testing.T) {
	realm, store := withStrategy(t, "database", nil)
	s := &realm.urlSite.sessions
	for name, record := range map[string]string{
		"of another realm": `{"sub":"alice","sid":"0123456789abcdef","realm":"https://other.example","provider":"credentials","auth_time":%d,"iat":%[1]d,"exp":%d}`,
		"without a realm":  `{"sub":"alice","sid":"0123456789abcdef","provider":"credentials","auth_time":%d,"iat":%[1]d,"exp":%d}`,
		"cut short":        `{"sub":"alice","sid":"0123456789abcdef","auth_time":%d,"iat":%[1]d,"exp":%d`,
	} {
		token := randomText()
		key, _ := s.tokenKey(token)
		now := time.Now()
		value := fmt.Appendf(nil, record, now.Unix(), now.Add(time.Hour).Unix())
		if err := store.Put(t.Context(), key, value, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if opened(t, s, token) != nil {
			t.Errorf("a record %s is a session", name)
		}
	}
}

// The record slides as NextAuth's do, and ends as DESIGN section 5 says.
func TestLifeOfASessionInTheStore(t *testing.T) {
	realm, store := withStrategy(t, "database", nil)
	s := &realm.urlSite.sessions
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		token := signedInAs(t, s, "alice")
		renew := func() issued {
			t.Helper()
			live := opened(t, s, token)
			if live == nil {
				t.Fatalf("after %v there is no session", time.Since(began))
			}
			store.counts()
			made, err := realm.sessions.strategy.renew(t.Context(), s, live, false)
			if err != nil || made.token != token {
				t.Fatalf("renewed to %q, %v", made.token, err)
			}
			return made
		}
		for _, step := range []struct {
			wait    time.Duration
			writes  int
			expires time.Duration // from sign-in
		}{
			{time.Hour, 0, 30 * day},
			{24 * time.Hour, 1, 31*day + time.Hour},
			{23 * time.Hour, 0, 31*day + time.Hour},
			{29 * day, 1, 60*day + 48*time.Hour - 24*time.Hour},
			{29 * day, 1, 90 * day},
		} {
			time.Sleep(step.wait)
			made := renew()
			if _, writes := store.counts(); writes != step.writes || !made.expires.Equal(began.Add(step.expires)) {
				t.Errorf("%v after sign-in: %d writes, expires after %v, want %d and %v",
					time.Since(began), writes, made.expires.Sub(began), step.writes, step.expires)
			}
		}
		time.Sleep(time.Until(began.Add(90 * day)))
		if opened(t, s, token) != nil {
			t.Error("the session outlives the absolute limit")
		}
	})
}

func TestIdleSessionsInTheStoreEnd(t *testing.T) {
	realm, _ := withStrategy(t, "database", func(realm *Realm) { realm.Session.IdleTimeout = caddy.Duration(8 * time.Hour) })
	s := &realm.urlSite.sessions
	synctest.Test(t, func(t *testing.T) {
		used, unused := signedInAs(t, s, "alice"), signedInAs(t, s, "alice")
		for range 4 {
			time.Sleep(3 * time.Hour)
			live := opened(t, s, used)
			if live == nil {
				t.Fatal("a session in use ended")
			}
			if _, err := realm.sessions.strategy.renew(t.Context(), s, live, false); err != nil {
				t.Fatal(err)
			}
		}
		if opened(t, s, unused) != nil {
			t.Error("a session outlives its idle_timeout")
		}
	})
}

// Requirement E4: a renewal that races the end of the session does not revive it.
func TestRenewalOfASessionThatEndsMeanwhile(t *testing.T) {
	realm, store := withStrategy(t, "database", nil)
	s := &realm.urlSite.sessions
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, s, "alice")
		time.Sleep(2 * day)
		live := opened(t, s, token)
		store.before = func() {
			if err := s.end(t.Context(), s.entryOf(live)); err != nil {
				t.Error(err)
			}
		}
		if _, err := realm.sessions.strategy.renew(t.Context(), s, live, true); !errors.Is(err, errSessionOver) {
			t.Errorf("the renewal gives %v", err)
		}
		if opened(t, s, token) != nil || len(store.values) > 0 {
			t.Errorf("the session is back: %v", store.values)
		}
	})
}

// Two requests that renew at once write once.
func TestRenewalsAtOnce(t *testing.T) {
	realm, store := withStrategy(t, "database", nil)
	s := &realm.urlSite.sessions
	synctest.Test(t, func(t *testing.T) {
		token := signedInAs(t, s, "alice")
		time.Sleep(2 * day)
		first, second := opened(t, s, token), opened(t, s, token)
		store.counts()
		for _, live := range []*session{first, second} {
			if made, err := realm.sessions.strategy.renew(t.Context(), s, live, false); err != nil || !made.expires.Equal(time.Now().Add(30*day)) {
				t.Errorf("renewed until %v, %v", made.expires, err)
			}
		}
		if _, writes := store.counts(); writes != 1 {
			t.Errorf("%d writes", writes)
		}
	})
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

// FuzzTokenKey checks that a cookie's value reaches the store only in the one
// form that tokens have.
func FuzzTokenKey(f *testing.F) {
	for _, seed := range []string{"", randomText(), strings.Repeat("A", 43), strings.Repeat("_", 43), "a\nb", "é"} {
		f.Add(seed)
	}
	l := sessionList{key: "https://app.example.com"}
	f.Fuzz(func(t *testing.T, token string) {
		key, ok := l.tokenKey(token)
		if !ok {
			return
		}
		raw, err := strict64.DecodeString(token)
		if err != nil || strict64.EncodeToString(raw) != token || len(raw) != tokenBytes {
			t.Errorf("%q is taken for a token", token)
		}
		if handle, found := strings.CutPrefix(key, l.key+tokenInfix); !found || len(handle) != tokenChars || handle == token {
			t.Errorf("the key of %q is %q", token, key)
		}
	})
}

// FuzzRecord checks that what a store gives back is a session only when it
// names the realm and is in time.
func FuzzRecord(f *testing.F) {
	realm, store := withStrategy(f, "database", nil)
	s := &realm.urlSite.sessions
	claims := claimsOf(f, s, "alice")
	s.extend(&claims, time.Now())
	f.Add(string(claims.Append(nil)))
	f.Add(`{}`)
	f.Add(`{"realm":"http://localhost:8080","sid":"x","sub":"alice","provider":"credentials"}`)
	token := randomText()
	key, _ := s.tokenKey(token)
	f.Fuzz(func(t *testing.T, record string) {
		if err := store.Put(t.Context(), key, []byte(record), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		live := opened(t, s, token)
		if live == nil {
			return
		}
		read, err := authjs.ParseClaims(record)
		if err != nil || read.Realm != s.key || read.SID == "" || time.Since(read.AuthTime) > 90*day {
			t.Errorf("%q is a session", record)
		}
	})
}
