package signin

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/session"
)

const (
	day = 24 * time.Hour

	defaultMaxAge         = 30 * day
	defaultAbsoluteMaxAge = 90 * day
	defaultUpdateAge      = day
)

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
