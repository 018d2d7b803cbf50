package throttle

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/providers"
)

func TestABudgetOfMails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		counts := Quotas{newThrottle(), "site"}
		budget := providers.Budget{Most: 3, Per: 15 * time.Minute}
		take := func(key string) bool {
			ok, err := counts.Take(t.Context(), key, budget)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		for i := range 3 {
			time.Sleep(time.Minute)
			if !take(counts.Address("zoe@mail.example.com")) {
				t.Errorf("mail %d is refused", i+1)
			}
		}
		for range 14 {
			if take(counts.Address("zoe@mail.example.com")) {
				t.Error("a fourth mail in the time is allowed")
			}
			time.Sleep(50 * time.Second)
		}
		if !take(counts.Address("eve@mail.example.com")) {
			t.Error("another address is refused")
		}
		time.Sleep(time.Minute + 20*time.Second) // 15 minutes after the first
		if !take(counts.Address("zoe@mail.example.com")) {
			t.Error("refused attempts prolong the time")
		}
	})
}

func TestBudgetsOfMailsAreTheRealms(t *testing.T) {
	t.Parallel()
	throttle := newThrottle()
	one, other := Quotas{throttle, "site"}, Quotas{throttle, "other"}
	keys := map[string]bool{
		one.Address("a"): true, one.Client("a"): true, one.Total(): true,
		other.Address("a"): true, other.Client("a"): true, other.Total(): true,
	}
	if len(keys) != 6 {
		t.Errorf("budgets share a key: %v", keys)
	}
	if one.Client("2001:db8::1") != one.Client("2001:db8::2") || one.Client("2001:db8::1") == one.Client("2001:db8:0:1::1") {
		t.Error("an IPv6 client does not count by its /64")
	}
}
