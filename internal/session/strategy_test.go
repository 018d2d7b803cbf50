package session

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
)

// What holds wherever sessions live.
func TestSessionsOfEveryStrategy(t *testing.T) {
	t.Parallel()
	for name := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSessions(t, name)
			first, second := s.begin(t, "alice"), s.begin(t, "alice")
			one, two := s.find(t, first), s.find(t, second)
			if one == nil || two == nil || first == second || one.Claims.SID == two.Claims.SID || len(one.Claims.SID) < 32 {
				t.Fatalf("two sign-ins give %v and %v", one, two)
			}
			if one.UserID != "credentials:alice" || one.Email != "alice@example.com" {
				t.Errorf("the session is of %s <%s>", one.UserID, one.Email)
			}
			if err := s.End(t.Context(), s.EntryOf(one)); err != nil {
				t.Fatal(err)
			}
			if s.find(t, first) != nil || s.find(t, second) == nil {
				t.Error("ending one session did not end that one alone")
			}
			s.fake.Fail(errors.New("down"))
			if _, err := s.ReadSession(t.Context(), []string{s.CookieNames.Session + "=" + second}, new(Session)); err == nil {
				t.Error("with the store down a session is known")
			}
		})
	}
}

// A sign-in's list costs one write; with the strategy database the session
// itself is the other.
func TestWritesOfASignIn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"jwt": 1, "database": 2} {
		s := newTestSessions(t, name)
		s.begin(t, "alice")
		if _, writes := s.fake.Counts(); writes != want {
			t.Errorf("%s: %d writes, want %d", name, writes, want)
		}
	}
}

// Who can read the store can't sign in by what is there.
func TestTheStoreCannotMakeACookie(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	token := s.begin(t, "alice")
	if len(token) != tokenChars {
		t.Errorf("the cookie carries %q", token)
	}
	for key, kept := range s.fake.Values() {
		if strings.Contains(key, token) || strings.Contains(string(kept), token) {
			t.Errorf("the store has the token, under %s", key)
		}
		handle := key[len(key)-tokenChars:]
		if s.find(t, handle) != nil {
			t.Errorf("the key %s holds what opens the session", key)
		}
	}
}

// The syntax comes first.
func TestOnlyTokensReachTheStore(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	token := s.begin(t, "alice")
	s.fake.Counts()
	for _, bad := range []string{
		token[1:], token + "A", token[:42] + "=", token[:42] + "+", token[:42] + "\n", token[:21] + "\r" + token[22:],
		strings.Repeat("_", 43), "..", strings.Repeat("A", 5000), "nothing",
	} {
		if s.find(t, bad) != nil {
			t.Errorf("%q opens a session", bad)
		}
	}
	if reads, _ := s.fake.Counts(); reads != 0 {
		t.Errorf("the store was asked %d times about what can be no token", reads)
	}
	if s.find(t, token) == nil {
		t.Error("the token opens nothing")
	}
}

func TestARecordOfAnotherRealmIsNoSession(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	s.knowsNobody() // or the records would want the digest of a password
	for name, record := range map[string]string{
		"of this realm":    `{"sub":"alice","sid":"0123456789abcdef","realm":"http://localhost:8080","provider":"credentials","auth_time":%d,"iat":%[1]d,"exp":%d}`,
		"of another realm": `{"sub":"alice","sid":"0123456789abcdef","realm":"https://other.example","provider":"credentials","auth_time":%d,"iat":%[1]d,"exp":%d}`,
		"without a realm":  `{"sub":"alice","sid":"0123456789abcdef","provider":"credentials","auth_time":%d,"iat":%[1]d,"exp":%d}`,
		"cut short":        `{"sub":"alice","sid":"0123456789abcdef","auth_time":%d,"iat":%[1]d,"exp":%d`,
	} {
		token := keys.RandomText()
		key, _ := s.tokenKey(token)
		now := time.Now()
		value := fmt.Appendf(nil, record, now.Unix(), now.Add(time.Hour).Unix())
		if err := s.fake.Put(t.Context(), key, value, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got, want := s.find(t, token) != nil, name == "of this realm"; got != want {
			t.Errorf("a record %s is a session: %t", name, got)
		}
	}
}

// The record slides as NextAuth's do, and ends at the absolute limit.
func TestLifeOfASessionInTheStore(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		token := s.begin(t, "alice")
		renew := func() Issued {
			t.Helper()
			live := s.find(t, token)
			if live == nil {
				t.Fatalf("after %v there is no session", time.Since(began))
			}
			s.fake.Counts()
			made, err := s.Strategy.Renew(t.Context(), s.Site, live, false)
			if err != nil || made.Token != token {
				t.Fatalf("renewed to %q, %v", made.Token, err)
			}
			return made
		}
		for _, step := range []struct {
			wait    time.Duration
			writes  int
			expires time.Duration // from sign-in
		}{
			{time.Hour, 0, 30 * oneDay},
			{24 * time.Hour, 1, 31*oneDay + time.Hour},
			{23 * time.Hour, 0, 31*oneDay + time.Hour},
			{29 * oneDay, 1, 60*oneDay + 48*time.Hour - 24*time.Hour},
			{29 * oneDay, 1, 90 * oneDay},
		} {
			time.Sleep(step.wait)
			made := renew()
			if _, writes := s.fake.Counts(); writes != step.writes || !made.Expires.Equal(began.Add(step.expires)) {
				t.Errorf("%v after sign-in: %d writes, expires after %v, want %d and %v",
					time.Since(began), writes, made.Expires.Sub(began), step.writes, step.expires)
			}
		}
		time.Sleep(time.Until(began.Add(90 * oneDay)))
		if s.find(t, token) != nil {
			t.Error("the session outlives the absolute limit")
		}
	})
}

func TestIdleSessionsInTheStoreEnd(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	s.Limits.IdleTimeout, s.Limits.RenewAge = 8*time.Hour, 2*time.Hour
	synctest.Test(t, func(t *testing.T) {
		used, unused := s.begin(t, "alice"), s.begin(t, "alice")
		for range 4 {
			time.Sleep(3 * time.Hour)
			live := s.find(t, used)
			if live == nil {
				t.Fatal("a session in use ended")
			}
			if _, err := s.Strategy.Renew(t.Context(), s.Site, live, false); err != nil {
				t.Fatal(err)
			}
		}
		if s.find(t, unused) != nil {
			t.Error("a session outlives its idle_timeout")
		}
	})
}

// A renewal that races the end of the session does not revive it.
func TestRenewalOfASessionThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	synctest.Test(t, func(t *testing.T) {
		token := s.begin(t, "alice")
		time.Sleep(2 * oneDay)
		live := s.find(t, token)
		s.fake.BeforeWrite(func() {
			if err := s.End(t.Context(), s.EntryOf(live)); err != nil {
				t.Error(err)
			}
		})
		if _, err := s.Strategy.Renew(t.Context(), s.Site, live, true); !errors.Is(err, ErrSessionOver) {
			t.Errorf("the renewal gives %v", err)
		}
		if s.find(t, token) != nil || len(s.fake.Values()) > 0 {
			t.Errorf("the session is back: %v", s.fake.Values())
		}
	})
}

// Two requests that renew at once write once.
func TestRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "database")
	synctest.Test(t, func(t *testing.T) {
		token := s.begin(t, "alice")
		time.Sleep(2 * oneDay)
		first, second := s.find(t, token), s.find(t, token)
		s.fake.Counts()
		for _, live := range []*Session{first, second} {
			if made, err := s.Strategy.Renew(t.Context(), s.Site, live, false); err != nil || !made.Expires.Equal(time.Now().Add(30*oneDay)) {
				t.Errorf("renewed until %v, %v", made.Expires, err)
			}
		}
		if _, writes := s.fake.Counts(); writes != 1 {
			t.Errorf("%d writes", writes)
		}
	})
}

// FuzzTokenKey checks that a cookie's value reaches the store only in the one
// form that tokens have.
func FuzzTokenKey(f *testing.F) {
	for _, seed := range []string{"", keys.RandomText(), strings.Repeat("A", 43), strings.Repeat("_", 43), "a\nb", "é"} {
		f.Add(seed)
	}
	l := List{Key: "https://app.example.com"}
	f.Fuzz(func(t *testing.T, token string) {
		key, ok := l.tokenKey(token)
		if !ok {
			return
		}
		raw, err := strict64.DecodeString(token)
		if err != nil || strict64.EncodeToString(raw) != token || len(raw) != tokenBytes {
			t.Errorf("%q is taken for a token", token)
		}
		if handle, found := strings.CutPrefix(key, l.Key+tokenInfix); !found || len(handle) != tokenChars || handle == token {
			t.Errorf("the key of %q is %q", token, key)
		}
	})
}

// FuzzRecord checks that what a store gives back is a session only when it
// names the realm and is in time.
func FuzzRecord(f *testing.F) {
	s := newTestSessions(f, "database")
	claims := s.claimsOf(f, "alice")
	s.Limits.extend(&claims, time.Now())
	f.Add(string(claims.Append(nil)))
	f.Add(`{}`)
	f.Add(`{"realm":"http://localhost:8080","sid":"x","sub":"alice","provider":"credentials"}`)
	token := keys.RandomText()
	key, _ := s.tokenKey(token)
	f.Fuzz(func(t *testing.T, record string) {
		if err := s.fake.Put(t.Context(), key, []byte(record), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		live := s.find(t, token)
		if live == nil {
			return
		}
		read, err := authjs.ParseClaims(record)
		if err != nil || read.Realm != s.Key || read.SID == "" || time.Since(read.AuthTime) > 90*oneDay {
			t.Errorf("%q is a session", record)
		}
	})
}
