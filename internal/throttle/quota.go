package throttle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/providers"
)

// Quotas count what is allowed so many times in a span of time, and refused
// without a pause to wait for: mails.
type Quotas struct {
	throttle *Throttle
	site     string
}

// Quotas are those of a realm at one public address, named by its key.
func (t *Throttle) Quotas(site string) Quotas { return Quotas{t, site} }

// Address names the budget of the mails to an address. It is the realm's, as the
// others are: its e-mail providers share them.
func (a Quotas) Address(address string) string {
	return a.throttle.prefix + "mail-to|" + keys.Digest(a.site, address)
}

// Client names the budget of the mails that a client asks for.
func (a Quotas) Client(address string) string {
	return a.throttle.prefix + "mail-from|" + keys.Digest(a.site, canonicalAddress(address))
}

// Total names the budget of all mails.
func (a Quotas) Total() string { return a.throttle.prefix + "mails|" + keys.Digest(a.site) }

var errQuotaUsedUp = errors.New("none left")

// Take uses one of a budget and reports whether there was one. The span begins
// with the first; what is refused doesn't prolong it.
func (a Quotas) Take(ctx context.Context, key string, budget providers.Budget) (bool, error) {
	ctx, done := deadline.Step(ctx)
	defer done()
	err := a.throttle.store.Update(ctx, key, func(old []byte) ([]byte, time.Time, error) {
		now := time.Now()
		state := decodeTally(old)
		if state.failures == 0 || !now.Before(state.last.Add(budget.Per)) {
			state = tally{last: now}
		}
		if int(state.failures) >= budget.Most {
			return nil, time.Time{}, errQuotaUsedUp
		}
		state.failures++
		return state.encode(), state.last.Add(budget.Per + keptLonger), nil
	})
	if errors.Is(err, errQuotaUsedUp) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("counting a mail: %w", err)
	}
	return true, nil
}
