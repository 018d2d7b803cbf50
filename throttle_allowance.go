package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-signin/caddy-signin/providers"
)

// allowances count what is allowed so many times in a span of time, and refused
// without a pause to wait for: mails.
type allowances struct {
	throttle *throttle
	site     string
}

// address, client and total name the budgets of a mail. They are the realm's:
// its e-mail providers share them.
func (a allowances) address(address string) string {
	return a.throttle.prefix + "mail-to|" + digest(a.site, address)
}

func (a allowances) client(address string) string {
	return a.throttle.prefix + "mail-from|" + digest(a.site, canonicalAddress(address))
}

func (a allowances) total() string { return a.throttle.prefix + "mails|" + digest(a.site) }

var errNoneLeft = errors.New("none left")

// take uses one of a budget and reports whether there was one. The span begins
// with the first; what is refused doesn't prolong it.
func (a allowances) take(ctx context.Context, key string, budget providers.Budget) (bool, error) {
	ctx, done := patiently(ctx)
	defer done()
	err := a.throttle.store.Update(ctx, key, func(old []byte) ([]byte, time.Time, error) {
		now := time.Now()
		state := decodeTally(old)
		if state.failures == 0 || !now.Before(state.last.Add(budget.Per)) {
			state = tally{last: now}
		}
		if int(state.failures) >= budget.Most {
			return nil, time.Time{}, errNoneLeft
		}
		state.failures++
		return state.encode(), state.last.Add(budget.Per), nil
	})
	if errors.Is(err, errNoneLeft) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("counting a mail: %w", err)
	}
	return true, nil
}
