package signin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// newSessions are the realm's sessions; the steps of provisioning give them the
// strategy, the limits, the store and the rules.
func (rl *Realm) newSessions() *sessionManager {
	return &sessionManager{
		realm: rl.String(), username: rl.Username, secretConfigured: len(rl.Secrets) > 0,
		provider:   func(id string) providers.Provider { return rl.byID[id] },
		successors: func(key string) []*sessionManager { return running.successors(rl, key) },
		logger:     rl.logger, sampled: rl.sampled,
	}
}

func (rl *Realm) provisionSession(caddy.Context) error {
	s := &rl.Session
	if err := rl.provisionStrategy(); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	s.setLimits()
	rl.sessions.limits = s.limits()
	if rl.UpstreamCookies != "" && rl.UpstreamCookies != "strip" && rl.UpstreamCookies != "pass" {
		return fmt.Errorf("upstream_cookies must be strip or pass, not %q", rl.UpstreamCookies)
	}
	return nil
}

// provisionStrategy chooses by the option, else by whether a store is
// configured: a store that is there by default has no say.
func (rl *Realm) provisionStrategy() error {
	name := rl.Session.Strategy
	if name == "" {
		name = "jwt"
		if rl.StoreRaw != nil {
			name = "database"
		}
	}
	var ok bool
	if rl.sessions.strategy, ok = strategies[name]; !ok {
		return fmt.Errorf("session: strategy %q is not known: write %s, or leave it out",
			name, strings.Join(slices.Sorted(maps.Keys(strategies)), " or "))
	}
	return nil
}

// provisionSharing has a store's say on the strategy: one that shares the
// sessions of an Auth.js application keeps all of them.
func (rl *Realm) provisionSharing() error {
	if _, shared := rl.store.(sessionstore.AuthjsSessions); !shared {
		return nil
	}
	if rl.sessions.strategy != strategy(databaseSessions{}) {
		return errors.New("session: insecure_authjs_sessions shares sessions that are in the database: write strategy database, or leave the line out")
	}
	rl.sessions.strategy = authjsSessions{}
	return nil
}

// streamPool has the open streams of every realm, by its key: they outlive a
// reload.
var streamPool = caddy.NewUsagePool()

// provisionStreams finds what the realm's earlier configuration left open.
func (rl *Realm) provisionStreams(caddy.Context) error {
	pooled, _, err := streamPool.LoadOrNew(rl.poolKey(), func() (caddy.Destructor, error) { return new(streams), nil })
	if err != nil {
		return fmt.Errorf("open streams: %w", err)
	}
	rl.sessions.streams, rl.pooled = pooled.(*streams), true //nolint:forcetypeassert // made above
	return nil
}

// cleanup gives back what provisioning took, of a realm that may have failed
// half-way.
func (rl *Realm) cleanup() error {
	if rl == nil || !rl.pooled {
		return nil
	}
	rl.pooled = false
	_, err := streamPool.Delete(rl.poolKey())
	return err //nolint:wrapcheck // streams have no error of their own
}

// check refuses what can't be meant. Provisioning does, and the Caddyfile, where
// the message gets file and line.
func (s *SessionConfig) check() error {
	known := []string{"id", "username", "groups", "provider"}
	for _, field := range s.Expose {
		if !slices.Contains(known, field) {
			return fmt.Errorf("session: expose %q is not known: write any of %s", field, strings.Join(known, ", "))
		}
	}
	return s.checkLimits()
}
