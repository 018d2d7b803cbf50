package signin

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// SessionConfig says how long sessions live.
type SessionConfig struct {
	// jwt: the session is in the cookie, encrypted, in NextAuth's own format.
	// database: it is in the store, and the cookie carries a random token.
	// Default: database where a store is configured, else jwt.
	Strategy string `json:"strategy,omitempty"`

	// How long a session lives without being renewed, absolute_max_age at most.
	// Default: 30d, or absolute_max_age where that is less.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// How long after sign-in a session ends, however often it is renewed.
	// Default: 90d.
	AbsoluteMaxAge caddy.Duration `json:"absolute_max_age,omitempty"`

	// How old a session's token may get before a page view renews it.
	// Default: 24h, or a quarter of max_age where that is less.
	UpdateAge caddy.Duration `json:"update_age,omitempty"`

	// How long a session may go unused. Default: 0, no such limit.
	IdleTimeout caddy.Duration `json:"idle_timeout,omitempty"`

	// Further fields of the session JSON's user: id, username, groups,
	// provider. Default: none.
	Expose []string `json:"expose,omitempty"`
}

const (
	day = 24 * time.Hour

	defaultMaxAge         = 30 * day
	defaultAbsoluteMaxAge = 90 * day
	defaultUpdateAge      = day
)

// check refuses what can't be meant.
func (s *SessionConfig) check() error {
	if _, ok := session.StrategyNamed(s.Strategy); !ok && s.Strategy != "" {
		return fmt.Errorf("session: strategy %q is not known: write %s, or leave it out",
			s.Strategy, strings.Join(session.StrategyNames(), " or "))
	}
	known := []string{"id", "username", "groups", "provider"}
	for _, field := range s.Expose {
		if !slices.Contains(known, field) {
			return fmt.Errorf("session: expose %q is not known: write any of %s", field, strings.Join(known, ", "))
		}
	}
	return s.checkLimits()
}

// checkLimits refuses limits that are no times, and those of which one keeps
// another from ever counting: whoever wrote both expects both.
func (s *SessionConfig) checkLimits() error {
	for _, limit := range []struct {
		option string
		value  caddy.Duration
	}{
		{"max_age", s.MaxAge},
		{"absolute_max_age", s.AbsoluteMaxAge},
		{"update_age", s.UpdateAge},
		{"idle_timeout", s.IdleTimeout},
	} {
		if limit.value < 0 || (limit.value > 0 && limit.value < caddy.Duration(time.Second)) {
			return fmt.Errorf("session: %s must be a second or more, such as 30d or 8h", limit.option)
		}
	}
	absolute, life := s.lives()
	switch {
	case time.Duration(s.MaxAge) > absolute:
		return fmt.Errorf("session: max_age %s is longer than absolute_max_age, %s%s, at which every session ends: write a longer absolute_max_age or a shorter max_age",
			inWords(s.MaxAge), inWords(absolute), ifDefault(s.AbsoluteMaxAge))
	case time.Duration(s.UpdateAge) >= life:
		return fmt.Errorf("session: update_age %s is no shorter than a session's life, %s, so none would ever be renewed: write a shorter update_age",
			inWords(s.UpdateAge), inWords(life))
	case time.Duration(s.IdleTimeout) > life:
		return fmt.Errorf("session: idle_timeout %s is longer than a session's life, %s, so it would never count: write a shorter idle_timeout or a longer max_age",
			inWords(s.IdleTimeout), inWords(life))
	}
	return nil
}

// lives are the longest life of a session, and that of one which nobody renews.
func (s *SessionConfig) lives() (absolute, life time.Duration) {
	absolute = time.Duration(cmp.Or(s.AbsoluteMaxAge, caddy.Duration(defaultAbsoluteMaxAge)))
	return absolute, min(absolute, time.Duration(cmp.Or(s.MaxAge, caddy.Duration(defaultMaxAge))))
}

// setLimits gives the limits that are not set their defaults.
func (s *SessionConfig) setLimits() {
	absolute, life := s.lives()
	s.AbsoluteMaxAge, s.MaxAge = caddy.Duration(absolute), caddy.Duration(life)
	s.UpdateAge = cmp.Or(s.UpdateAge, caddy.Duration(min(defaultUpdateAge, life/4)))
}

// limits are the limits that hold, once setLimits has filled them in.
func (s *SessionConfig) limits() session.Limits {
	limits := session.Limits{
		MaxAge: time.Duration(s.MaxAge), AbsoluteMaxAge: time.Duration(s.AbsoluteMaxAge),
		RenewAge: time.Duration(s.UpdateAge), IdleTimeout: time.Duration(s.IdleTimeout),
	}
	if limits.IdleTimeout > 0 {
		limits.RenewAge = min(limits.RenewAge, limits.IdleTimeout/4)
	}
	return limits
}

// inWords is a duration as people write it: 30d, 8h, 90m.
func inWords[T ~int64](length T) string {
	d := time.Duration(length)
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func ifDefault(configured caddy.Duration) string {
	if configured == 0 {
		return " (the default)"
	}
	return ""
}

// newSessions makes the sessions of the realm; the steps of provisioning give them the
// strategy, the limits, the store and the rules.
func (rl *Realm) newSessions() *session.Manager {
	return &session.Manager{
		Realm: rl.active.String(), Username: rl.Username, SecretConfigured: len(rl.Secrets) > 0,
		Providers: rl.active.ByID,
		Logger:    rl.active.Logger, Sampled: rl.active.Sampled,
	}
}

// provisionStrategy chooses by the option, else by whether a store is
// configured: a store that is there by default has no say.
func (rl *Realm) provisionStrategy(caddy.Context) error {
	name := rl.Session.Strategy
	if name == "" {
		name = "jwt"
		if rl.StoreRaw != nil {
			name = "database"
		}
	}
	live := rl.Session
	live.setLimits()
	rl.active.Sessions.Strategy, _ = session.StrategyNamed(name) // which check has found
	rl.active.Sessions.Limits = live.limits()
	return nil
}

// shareSessions has a store that shares the sessions of an Auth.js application keep
// all of them; the realm's strategy has to allow for it.
func shareSessions(active *realm.Realm) error {
	if _, shared := active.Store.(sessionstore.AuthjsSessions); !shared {
		return nil
	}
	if active.Sessions.Strategy != session.Strategy(session.Database{}) {
		return errors.New("session: insecure_authjs_sessions shares sessions that are in the database: write strategy database, or leave the line out")
	}
	active.Sessions.Strategy = session.Shared{}
	return nil
}

// streamPool has the open streams of every realm, by its key: they outlive a
// reload.
var streamPool = caddy.NewUsagePool()

// provisionStreams finds what the realm's earlier configuration left open.
func (rl *Realm) provisionStreams(caddy.Context) error {
	pooled, _, err := streamPool.LoadOrNew(rl.active.PoolKey(), func() (caddy.Destructor, error) { return new(session.Streams), nil })
	if err != nil {
		return fmt.Errorf("open streams: %w", err)
	}
	rl.active.Sessions.Streams, rl.pooled = pooled.(*session.Streams), true // made above
	return nil
}
