package email

import (
	"cmp"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/providers"
)

// Budget is how many of something are allowed in a span of time that begins
// with the first of them.
type Budget struct {
	// How many. Default: the limit's own.
	Most int `json:"most,omitempty"`
	// In which time. Default: the limit's own.
	Per caddy.Duration `json:"per,omitempty"`
}

// Limits are how many links may be asked for. What is asked beyond them is
// answered as ever, and nothing is mailed. The counts are the realm's: all its
// e-mail providers share them.
type Limits struct {
	// Per address that a link goes to. Default: 5 in 15m.
	Address Budget `json:"address,omitzero"`
	// Per client address (an IPv6 one counts by its /64). Default: 30 in 15m.
	Client Budget `json:"client,omitzero"`
	// Altogether. Default: 1000 in 1h.
	Total Budget `json:"total,omitzero"`
}

// setDefaults fills in what isn't configured.
func (l *Limits) setDefaults() {
	for _, limit := range []struct {
		budget *Budget
		most   int
		per    time.Duration
	}{
		{&l.Address, 5, 15 * time.Minute},
		{&l.Client, 30, 15 * time.Minute},
		{&l.Total, 1000, time.Hour},
	} {
		limit.budget.Most = cmp.Or(limit.budget.Most, limit.most)
		limit.budget.Per = cmp.Or(limit.budget.Per, caddy.Duration(limit.per))
	}
}

func (l *Limits) check() error {
	for name, limit := range map[string]Budget{"address": l.Address, "client": l.Client, "total": l.Total} {
		if limit.Most < 0 || limit.Per < 0 {
			return fmt.Errorf("limit %s must be a number of mails and a duration, such as limit %s 5 15m", name, name)
		}
	}
	return nil
}

func (b Budget) budget() providers.Budget {
	return providers.Budget{Most: b.Most, Per: time.Duration(b.Per)}
}
