package signin

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestSessionLimits(t *testing.T) {
	hours := func(n int) caddy.Duration { return caddy.Duration(time.Duration(n) * time.Hour) }
	for name, test := range map[string]struct {
		limits  SessionConfig
		renewed time.Duration // after which a page view renews; with no problem
		problem string
	}{
		"none":                          {SessionConfig{}, 24 * time.Hour, ""},
		"a short life":                  {SessionConfig{MaxAge: hours(1)}, 15 * time.Minute, ""},
		"a short absolute one":          {SessionConfig{AbsoluteMaxAge: hours(8)}, 2 * time.Hour, ""},
		"an idle timeout":               {SessionConfig{IdleTimeout: hours(8)}, 2 * time.Hour, ""},
		"all the life":                  {SessionConfig{MaxAge: hours(8), AbsoluteMaxAge: hours(8), IdleTimeout: hours(8), UpdateAge: hours(1)}, time.Hour, ""},
		"longer than the absolute life": {SessionConfig{MaxAge: hours(100), AbsoluteMaxAge: hours(99)}, 0, "max_age 100h is longer than absolute_max_age, 99h, at"},
		"a year":                        {SessionConfig{MaxAge: hours(365 * 24)}, 0, "max_age 365d is longer than absolute_max_age, 90d (the default), at"},
		"never renewed":                 {SessionConfig{MaxAge: hours(24), UpdateAge: hours(24)}, 0, "update_age 1d is no shorter than a session's life, 1d, so"},
		"never renewed before the end":  {SessionConfig{AbsoluteMaxAge: hours(8), UpdateAge: hours(9)}, 0, "update_age 9h is no shorter than a session's life, 8h, so"},
		"never idle":                    {SessionConfig{MaxAge: hours(1), IdleTimeout: caddy.Duration(90 * time.Minute)}, 0, "idle_timeout 1h30m is longer than a session's life, 1h, so"},
		"half a second":                 {SessionConfig{IdleTimeout: caddy.Duration(time.Second / 2)}, 0, "idle_timeout must be a second or more"},
		"negative":                      {SessionConfig{UpdateAge: -hours(1)}, 0, "update_age must be a second or more"},
	} {
		t.Run(name, func(t *testing.T) {
			limits := test.limits
			err := limits.checkLimits()
			if test.problem != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "session: "+test.problem) {
					t.Fatalf("%v, want %s", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			limits.setLimits()
			if got := limits.limits().RenewAge; got != test.renewed {
				t.Errorf("renewed after %s, want %s", got, test.renewed)
			}
			if limits.checkLimits() != nil || limits.MaxAge > limits.AbsoluteMaxAge {
				t.Errorf("the defaults contradict the limits: %+v", limits)
			}
		})
	}
}
