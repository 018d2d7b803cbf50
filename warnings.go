package signin

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/providers"
)

// gateAt is a gate where it stands.
type gateAt struct {
	gate        *Gate
	before      routeState
	conditional bool // its route is for a part of its hosts
	hosts       []string
}

// warnOfGates tells of gates that nobody can pass, of upstreams beside them that
// get what clients send as it is, and of exact paths.
func (a *App) warnOfGates(ctx caddy.Context) {
	mod, err := ctx.AppIfConfigured("http")
	app, ok := mod.(*caddyhttp.App)
	if err != nil || !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		sites, exposed := make(map[string][]gateAt), make(map[string]bool)
		all := &routeWalk{srv: app.Servers[name]}
		all.gate = func(gate *Gate, before routeState, hosts []string) {
			site := strings.Join(hosts, " ")
			sites[site] = append(sites[site], gateAt{gate, before, all.conditional, hosts})
		}
		all.proxy = func(before routeState, hosts []string) {
			if site := strings.Join(hosts, " "); !before.clean {
				exposed[site] = true
			}
		}
		all.walk(all.srv.Routes, routeState{}, nil)
		for _, site := range slices.Sorted(maps.Keys(sites)) {
			gates := sites[site]
			where := []zap.Field{zap.String("server", name), zap.Strings("hosts", gates[0].hosts)}
			for _, at := range gates {
				a.warnIfShut(at.gate, at.before.realm, where...)
			}
			if exposed[site] {
				a.logger.Warn(unprotectedProxy, where...)
			}
			a.warnOfExactPaths(gates, where...)
		}
	}
}

// unprotectedProxy is told of a site with gates. A matcher of the gate's own lets
// it see every request; those of a route around it don't.
const unprotectedProxy = "a reverse_proxy of a site with require_signin gets requests that came through no signin and no require_signin: their targets are not checked, and the identity headers that clients send reach the upstream; add signin, or signin with the realm's name, at the top of the site, outside handle and route blocks"

// warnOfExactPaths tells what gates leave open below the paths that they guard.
func (a *App) warnOfExactPaths(site []gateAt, where ...zap.Field) {
	told := make(map[string]bool)
	for _, at := range site {
		for _, path := range at.gate.exactPaths() {
			covers := func(other gateAt) bool { return other.covers(at.gate, path) }
			if told[path] || at.gate.Optional || slices.ContainsFunc(site, covers) {
				continue
			}
			told[path] = true
			a.logger.Warn("a require_signin guards one path and nothing below it, which many upstreams serve as the same page: unless that is meant to be open, guard the prefix",
				append(slices.Clip(where), zap.String("guarded", cmp.Or(path, "/")), zap.String("open", path+"/…"), zap.String("write", path+"/*"))...)
		}
	}
}

// covers reports whether this gate guards what is below a path of another one's.
// One that is optional closes nothing, and one without rules is no substitute for
// one that has some.
func (at gateAt) covers(other *Gate, path string) bool {
	gate := at.gate
	if gate.Optional || len(gate.Rules) == 0 && len(other.Rules) > 0 || len(gate.matchers) == 0 && at.conditional {
		return false
	}
	return gate.guardsBelow(path)
}

func (a *App) warnIfShut(gate *Gate, before *realm.Realm, where ...zap.Field) {
	realm := gate.asks.Realm
	if !gate.asks.Named && before != nil {
		realm = before
	}
	if realm == nil {
		a.logger.Error("a require_signin has no realm to ask, so it answers 500 to everybody: add a signin block to its site, before it, or to the global options", where...)
		return
	}
	for i := range gate.asks.Rules {
		if err := gate.asks.Rules[i].CheckProviders(realm.HasProvider); err != nil {
			a.logger.Error("a rule of require_signin admits nobody: name a provider of the signin block by its id",
				append(where, zap.Error(err), zap.String("providers", strings.Join(realm.ProviderIDs(), " ")))...)
		}
	}
}

// warnOfMixedRealms tells of realms in place that are one realm to a session, for
// they are at one address, though one provider's id is not one provider there.
func (a *App) warnOfMixedRealms(realms []*checkedRealm) {
	at := make(map[string][]*Realm)
	for _, one := range realms {
		if one.realm.active.Name != "" {
			continue
		}
		for _, origin := range one.origins {
			for _, other := range at[origin] {
				if id := confusedProvider(one.realm, other); id != "" {
					a.logger.Warn("two signin blocks of one address have different providers of one id, so the users of one are let in as the users of the other: give one provider another id, or put the realms into the global options under names",
						zap.String("address", origin), zap.String("provider", id))
				}
			}
			at[origin] = append(at[origin], one.realm)
		}
	}
}

// confusedProvider returns the id of a provider that both realms have, with different
// options; empty where there is none.
func confusedProvider(one, other *Realm) string {
	for _, id := range one.active.ProviderIDs() {
		if theirs, ok := other.written[id]; ok && theirs != one.written[id] {
			return id
		}
	}
	return ""
}

const whoCanSignIn = "anyone in the world with an account at this provider can sign in: add a line such as `allow email *@example.com` to the signin block, or rules to require_signin"

// warnIfOpen warns of each provider where anyone can have an account. name is
// the realm's, or the address of its sites.
func warnIfOpen(active *realm.Realm, name string) {
	for _, provider := range active.Providers {
		if info := provider.Info(); info.Public {
			active.Logger.Warn(whoCanSignIn,
				zap.String("provider", info.ID), zap.String("realm", name))
		}
	}
}

// warnSharedLogins tells of providers whose users may have the same login name:
// an upstream that goes by the user name takes them for one person.
func warnSharedLogins(active *realm.Realm) {
	if username := active.Sessions.Username; username != "" && username != "login" {
		return
	}
	var ids []string
	for _, provider := range active.Providers {
		if _, ok := provider.(providers.Checker); ok {
			ids = append(ids, provider.Info().ID)
		}
	}
	if len(ids) > 1 {
		active.Logger.Warn("several providers have login names of their own: an upstream can't tell two users of the same name apart unless it goes by the id; `username id` makes it",
			zap.String("providers", strings.Join(ids, ", ")))
	}
}

// warnOfBlindDeny tells of providers whose people a deny rule never refuses, since
// the provider doesn't tell what the rule looks at.
func warnOfBlindDeny(active *realm.Realm, tells map[string]providers.Parts) {
	for _, rule := range active.Sessions.Admission.Deny() {
		for _, id := range active.ProviderIDs() {
			told := tells[id]
			if len(rule.Provider) > 0 && !slices.Contains(rule.Provider, id) {
				continue
			}
			if len(rule.Group) > 0 && !told.Groups || len(rule.Email) > 0 && !told.Email {
				active.Logger.Warn("a deny rule refuses nobody who signs in with this provider, which doesn't tell what the rule looks at: have it told, or say who may come in with allow",
					zap.String("realm", active.String()), zap.String("provider", id), zap.Any("rule", rule), zap.String("told", told.Mend))
			}
		}
	}
}
