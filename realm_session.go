package signin

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// newSessions are the realm's sessions; the steps of provisioning give them the
// strategy, the limits, the store and the rules.
func (rl *Realm) newSessions() *session.Manager {
	return &session.Manager{
		Realm: rl.active.String(), Username: rl.Username, SecretConfigured: len(rl.Secrets) > 0,
		Provider: func(id string) providers.Provider { return rl.active.ByID[id] },
		Logger:   rl.active.Logger, Sampled: rl.active.Sampled,
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
	rl.active.Sessions.Strategy, rl.active.Sessions.Limits = session.Strategies[name], live.limits()
	return nil
}

// provisionSharing has a store's say on the strategy: one that shares the
// sessions of an Auth.js application keeps all of them.
func (rl *Realm) provisionSharing() error {
	if _, shared := rl.active.Store.(sessionstore.AuthjsSessions); !shared {
		return nil
	}
	if rl.active.Sessions.Strategy != session.Strategy(session.Database{}) {
		return errors.New("session: insecure_authjs_sessions shares sessions that are in the database: write strategy database, or leave the line out")
	}
	rl.active.Sessions.Strategy = session.Shared{}
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
	rl.active.Sessions.Streams, rl.pooled = pooled.(*session.Streams), true //nolint:forcetypeassert // made above
	return nil
}

// cleanup gives back what provisioning took, of a realm that may have failed
// half-way.
func (rl *Realm) cleanup() error {
	if rl == nil || !rl.pooled {
		return nil
	}
	rl.pooled = false
	_, err := streamPool.Delete(rl.active.PoolKey())
	return err //nolint:wrapcheck // streams have no error of their own
}
