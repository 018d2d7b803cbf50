package signin

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// warnOfShutGates tells of gates that nobody can pass: those before which no
// signin runs, and those that ask for a provider which their realm doesn't have.
// It also tells of those whose realm nobody cleans the rest of the site for.
func (a *App) warnOfShutGates(ctx caddy.Context) {
	mod, err := ctx.AppIfConfigured("http")
	app, ok := mod.(*caddyhttp.App)
	if err != nil || !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		all := &routeWalk{srv: srv}
		all.gate = func(gate *Gate, before *Realm, hosts []string) {
			where := []zap.Field{zap.String("server", name), zap.Strings("hosts", hosts)}
			a.warnIfShut(gate, before, where...)
			if before == nil && gate.realm != nil && all.partly {
				a.logger.Warn("no signin runs before a require_signin that guards a part of a site: in the rest the identity headers that clients send reach the upstream; add signin, or signin with the realm's name, to the site", where...)
			}
		}
		all.walk(srv.Routes, nil, nil)
	}
}

func (a *App) warnIfShut(gate *Gate, before *Realm, where ...zap.Field) {
	realm := gate.realm
	if !gate.explicit && before != nil {
		realm = before
	}
	if realm == nil {
		a.logger.Error("a require_signin has no realm to ask, so it answers 500 to everybody: add a signin block to its site, before it, or to the global options", where...)
		return
	}
	for i := range gate.rules {
		if err := gate.rules[i].checkProviders(realm.hasProvider); err != nil {
			a.logger.Error("a rule of require_signin admits nobody: name a provider of the signin block by its id",
				append(where, zap.Error(err), zap.String("providers", strings.Join(realm.providerIDs(), " ")))...)
		}
	}
}

// warnOfMixedRealms tells of realms in place that are one realm to a session, for
// they are at one address, though one provider's id is not one provider there.
func (a *App) warnOfMixedRealms(realms []*checkedRealm) {
	at := make(map[string][]*Realm)
	for _, one := range realms {
		if one.realm.name != "" {
			continue
		}
		for _, origin := range one.origins {
			for _, other := range at[origin] {
				if id := one.realm.confuses(other); id != "" {
					a.logger.Warn("two signin blocks of one address have different providers of one id, so the users of one are let in as the users of the other: give one provider another id, or put the realms into the global options under names",
						zap.String("address", origin), zap.String("provider", id))
				}
			}
			at[origin] = append(at[origin], one.realm)
		}
	}
}

// confuses returns the id of a provider that another realm has, too, and with
// other options.
func (rl *Realm) confuses(other *Realm) string {
	for _, id := range rl.providerIDs() {
		if theirs, ok := other.written[id]; ok && theirs != rl.written[id] {
			return id
		}
	}
	return ""
}

func (rl *Realm) providerIDs() []string {
	ids := make([]string, 0, len(rl.providers))
	for _, provider := range rl.providers {
		ids = append(ids, provider.Info().ID)
	}
	return ids
}
