package throttle

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

func newThrottle() *Throttle {
	return New(storetest.NewFake(), "realm")
}

// begin begins an attempt, and returns how long it has to wait.
func begin(t *testing.T, th *Throttle, user, address string) time.Duration {
	t.Helper()
	try := th.Attempt("site", "credentials", user, address)
	wait, err := try.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

func TestFailuresDemandPausesThatDouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for i := range limitPair.free + 1 {
			if wait := begin(t, th, "alice", "192.0.2.1"); wait != 0 {
				t.Fatalf("attempt %d waits %v", i+1, wait)
			}
		}
		for _, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second} {
			if wait := begin(t, th, "alice", "192.0.2.1"); wait != want {
				t.Errorf("wait %v, want %v", wait, want)
			}
			time.Sleep(want)
			if wait := begin(t, th, "alice", "192.0.2.1"); wait != 0 {
				t.Errorf("after the pause it still waits %v", wait)
			}
		}
		time.Sleep(forgetAfter + time.Second)
		for i := range limitPair.free + 1 {
			if wait := begin(t, th, "alice", "192.0.2.1"); wait != 0 {
				t.Errorf("after half an hour of quiet attempt %d waits %v", i+1, wait)
			}
		}
	})
}

func TestSpellingsOfANameAndAddressesOfANetworkShareABudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for i, user := range []string{"alice", "ALICE", " alice ", "ａｌｉｃｅ", "Alice"} {
			begin(t, th, user, []string{"2001:db8::1", "2001:db8::2:0"}[i%2])
		}
		if begin(t, th, "alice", "2001:db8::3") == 0 {
			t.Error("variants have budgets of their own")
		}
		if begin(t, th, "alice", "2001:db8:0:1::3") != 0 {
			t.Error("another network has to wait")
		}
	})
}

// The back end decides what is one name: LDAP ignores repeated spaces, for one.
func TestNamesThatADirectoryTakesForOneShareABudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for _, user := range []string{"Zoe  Example", "zoe\u00a0\u00a0example", "zoë example", "zo\u00ade exam\u200bple", "zoe\ufe00 example"} {
			begin(t, th, user, "192.0.2.1")
		}
		if begin(t, th, "zoe example", "192.0.2.1") == 0 {
			t.Error("variants have budgets of their own")
		}
		if begin(t, th, "zoe examples", "192.0.2.1") != 0 {
			t.Error("another name has to wait")
		}
	})
}

func TestGuessingLocksNobodyOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for i := range 2 * limitAccount.free { // the second guess of each address counts for the account
			begin(t, th, "alice", fmt.Sprintf("192.0.2.%d", i))
			begin(t, th, "alice", fmt.Sprintf("192.0.2.%d", i))
		}
		try := th.Attempt("site", "credentials", "alice", "198.51.100.7")
		if wait, err := try.Begin(t.Context()); wait != 0 || err != nil {
			t.Errorf("the right person waits %v, %v", wait, err)
		}
		if err := try.Succeed(t.Context()); err != nil {
			t.Error(err)
		}
		if wait := begin(t, th, "alice", "198.51.100.7"); wait != 0 {
			t.Errorf("after a success the budget is not whole: %v", wait)
		}
	})
}

// What strangers count up is the first to go where the store is full.
func TestAllCountsAreEvictable(t *testing.T) {
	t.Parallel()
	store := storetest.NewFake()
	th := New(store, "realm")
	for range 3 {
		begin(t, th, "alice", "192.0.2.1")
	}
	quotas := th.Quotas("site")
	for _, key := range []string{quotas.Client("192.0.2.1"), quotas.Total(), quotas.Address("a@example.com")} {
		if _, err := quotas.Take(t.Context(), key, providers.Budget{Most: 1, Per: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	kept := store.Values()
	if len(kept) != 6 { // of the pair, the address, the account, the client, all and the mailbox
		t.Errorf("%d counts are kept", len(kept))
	}
	for key := range kept {
		if !strings.HasPrefix(key, sessionstore.EvictablePrefix) {
			t.Errorf("%q is kept for good", key)
		}
	}
}

// A full store drops first what expires soonest: counts outlive spent sign-ins, which
// take 15 minutes, for as long as they hold.
func TestCountsExpireAfterSpentSignIns(t *testing.T) {
	t.Parallel()
	const signIn = 15 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		store := storetest.NewFake()
		th := New(store, "realm")
		for range 3 {
			begin(t, th, "alice", "192.0.2.1")
		}
		quotas := th.Quotas("site")
		if _, err := quotas.Take(t.Context(), quotas.Address("a@example.com"), providers.Budget{Most: 1, Per: forgetAfter}); err != nil {
			t.Fatal(err)
		}
		taken := th.Attempt("site", "credentials", "bob", "192.0.2.1")
		if _, err := taken.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := taken.Refund(t.Context()); err != nil { // writes the address's count anew
			t.Fatal(err)
		}
		time.Sleep(forgetAfter - time.Second)
		if kept := len(store.Values()); kept != 4 {
			t.Errorf("%d counts are kept", kept)
		}
		for key := range store.Values() {
			_, expires, err := store.GetExpiring(t.Context(), key)
			if err != nil || time.Until(expires) < signIn {
				t.Errorf("%q expires in %v, before a sign-in of now, %v", key, time.Until(expires), err)
			}
		}
	})
}

func TestAnAddressThatTriesManyNamesHasToWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		waited := false
		for i := range limitAddress.free + 2 {
			waited = begin(t, th, string(rune('a'+i)), "192.0.2.1") > 0
		}
		if !waited {
			t.Error("one address may try any number of names")
		}
	})
}

// An attempt that checked nothing, because the back end was away, costs nothing.
func TestAttemptThatIsTakenBackIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for i := range 10 * limitAccount.free {
			try := th.Attempt("site", "credentials", "alice", "192.0.2.1")
			if wait, err := try.Begin(t.Context()); wait != 0 || err != nil {
				t.Fatalf("attempt %d: %v, %v", i+1, wait, err)
			}
			if err := try.Refund(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		begin(t, th, "alice", "192.0.2.1")
		try := th.Attempt("site", "credentials", "alice", "192.0.2.1")
		if _, err := try.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []string{try.pair, try.address, try.account}; !slices.Equal(try.charged, want) {
			t.Errorf("charged %q, want %q", try.charged, want)
		}
		for range limitPair.free - 1 {
			begin(t, th, "alice", "192.0.2.1")
		}
		if begin(t, th, "alice", "192.0.2.1") == 0 {
			t.Error("failures that stay are forgotten as well")
		}
	})
}

// Whoever has to wait because of what others did from the same address pays for
// nothing by trying too early, and is told the longest of the pauses.
func TestAnAttemptThatHasToWaitCountsNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for i := range limitAddress.free + 8 {
			for begin(t, th, string(rune('a'+i)), "192.0.2.1") > 0 {
				time.Sleep(time.Second)
			}
		}
		var wait time.Duration
		for range 20 {
			wait = begin(t, th, "alice", "192.0.2.1")
		}
		if wait <= time.Minute {
			t.Fatalf("the address waits %v only", wait)
		}
		time.Sleep(wait)
		if wait := begin(t, th, "alice", "192.0.2.1"); wait != 0 {
			t.Errorf("attempts that nobody checked demand a pause of %v", wait)
		}
		for range limitPair.free {
			time.Sleep(limitAddress.most)
			if wait := begin(t, th, "alice", "192.0.2.1"); wait != 0 {
				t.Errorf("a failure without a pause demands %v", wait)
			}
		}
	})
}

// Sign-ins that succeed slow nobody down, however many are under way at once.
func TestSuccessesCountNowhere(t *testing.T) {
	t.Parallel()
	th := newThrottle()
	for range 2 * limitAccount.free {
		var under [2]Attempt
		for i := range under {
			under[i] = th.Attempt("site", "credentials", "service", "192.0.2.1")
			if wait, err := under[i].Begin(t.Context()); err != nil || wait != 0 {
				t.Fatalf("a sign-in has to wait %v, %v", wait, err)
			}
		}
		for i := range under {
			if err := under[i].Succeed(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	a := th.Attempt("site", "credentials", "service", "192.0.2.1")
	for _, budget := range []string{a.pair, a.address, a.account} {
		if state, err := th.read(t.Context(), budget); err != nil || state.failures != 0 {
			t.Errorf("%s: %d failures are left, %v", budget, state.failures, err)
		}
	}
}
