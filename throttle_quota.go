package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-signin/caddy-signin/providers"
)

// quotas count what is allowed so many times in a span of time, and refused
// without a pause to wait for: mails.
type quotas struct {
	throttle *throttle
	site     string
}

// address, client and total name the budgets of a mail. They are the realm's:
// its e-mail providers share them.
func (a quotas) address(address string) string {
	return a.throttle.prefix + "mail-to|" + digest(a.site, address)
}

func (a quotas) client(address string) string {
	return a.throttle.prefix + "mail-from|" + digest(a.site, canonicalAddress(address))
}

func (a quotas) total() string { return a.throttle.prefix + "mails|" + digest(a.site) }

var errQuotaUsedUp = errors.New("none left")

// take uses one of a budget and reports whether there was one. The span begins
// with the first; what is refused doesn't prolong it.
func (a quotas) take(ctx context.Context, key string, budget providers.Budget) (bool, error) {
	ctx, done := patiently(ctx)
	defer done()
	span := time.Duration(budget.Per)
	err := a.throttle.store.Update(ctx, key, func(old []byte) ([]byte, time.Time, error) {
		now := time.Now()
		state := decodeTally(old)
		if state.failures == 0 || !now.Before(state.last.Add(span)) {
			state = tally{last: now}
		}
		if int(state.failures) >= budget.Most {
			return nil, time.Time{}, errQuotaUsedUp
		}
		state.failures++
		return state.encode(), state.last.Add(span), nil
	})
	if errors.Is(err, errQuotaUsedUp) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("counting a mail: %w", err)
	}
	return true, nil
}
