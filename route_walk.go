package signin

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/request"
)

// routeWalk goes through routes of a server and calls what is set for each
// signin, gate and reverse_proxy there, with the hosts that lead to it: those of
// the nearest host matcher around it. None means any host.
type routeWalk struct {
	srv         *caddyhttp.Server
	signin      func(handler *Handler, hosts []string)
	gate        func(gate *Gate, before routeState, hosts []string)
	proxy       func(before routeState, hosts []string)
	conditional bool // what is called for is not for all requests of its hosts
	invoked     map[invocation]routeState
}

// routeState is what a request may have come through.
type routeState struct {
	realm *realm.Realm // of the last signin
	clean bool         // every request that gets here came through a signin or a gate
}

// invocation is a named route where it is invoked, which is looked at once:
// named routes may invoke themselves and each other any number of times.
type invocation struct {
	name        string
	before      routeState
	hosts       string
	conditional bool
}

// walk returns what routes leave behind. A route that is terminal, or
// in the same group as another, leaves nothing behind for that other.
func (w *routeWalk) walk(routes caddyhttp.RouteList, before routeState, hosts []string) routeState {
	groups := make(map[string]routeState) // what was there before the group
	for i := range routes {
		route := &routes[i]
		inside, start := hostsWithin(hosts, route), before
		if first, seen := groups[route.Group]; seen && route.Group != "" {
			start = first
		}
		groups[route.Group] = start
		after, partly := start, w.conditional
		w.conditional = partly || isConditional(route)
		for _, handler := range route.Handlers {
			after = w.handler(handler, after, inside)
		}
		w.conditional = partly
		if isConditional(route) || route.Group != "" {
			after.clean = start.clean
		}
		if !route.Terminal && after != start {
			before = after
		}
	}
	return before
}

func (w *routeWalk) handler(handler caddyhttp.MiddlewareHandler, before routeState, hosts []string) routeState {
	switch h := handler.(type) {
	case *Handler:
		if w.signin != nil {
			w.signin(h, hosts)
		}
		before = routeState{realm: h.realm, clean: true}
	case *Gate:
		if w.gate != nil {
			w.gate(h, before, hosts)
		}
		before.clean = true
	case *reverseproxy.Handler:
		if w.proxy != nil {
			w.proxy(before, hosts)
		}
	case *caddyhttp.Subroute:
		return w.walk(h.Routes, before, hosts)
	case *caddyhttp.Invoke:
		return w.invoke(h.Name, before, hosts)
	}
	return before
}

func (w *routeWalk) invoke(name string, before routeState, hosts []string) routeState {
	named := w.srv.NamedRoutes[name]
	if named == nil {
		return before
	}
	key := invocation{name, before, strings.Join(hosts, " "), w.conditional}
	if after, ok := w.invoked[key]; ok {
		return after
	}
	if w.invoked == nil {
		w.invoked = make(map[invocation]routeState)
	}
	w.invoked[key] = before // for where it invokes itself
	after := w.walk(caddyhttp.RouteList{*named}, before, hosts)
	w.invoked[key] = after
	return after
}

// hostsWithin are the hosts inside a route of those that lead to it. Where one of two
// matchers around each other names hosts and the other patterns, the hosts count.
func hostsWithin(hosts []string, route *caddyhttp.Route) []string {
	isPattern := func(host string) bool { return request.IsHostPattern(request.KnownHost(host)) }
	named := hostsOf(route)
	if len(named) == 0 || len(hosts) > 0 && !slices.ContainsFunc(hosts, isPattern) && slices.ContainsFunc(named, isPattern) {
		return hosts
	}
	return named
}

// hostsOf are the only hosts for which route matches; none where it may match for
// others: one of several matcher sets is enough.
func hostsOf(route *caddyhttp.Route) (hosts []string) {
	for _, set := range route.MatcherSets {
		before := len(hosts)
		for _, matcher := range set {
			if named, ok := matcher.(*caddyhttp.MatchHost); ok {
				hosts = append(hosts, *named...)
			}
		}
		if len(hosts) == before {
			return nil
		}
	}
	return hosts
}

// isConditional reports whether route matches by something else than the host.
func isConditional(route *caddyhttp.Route) bool {
	for _, set := range route.MatcherSets {
		for _, matcher := range set {
			switch m := matcher.(type) {
			case *caddyhttp.MatchHost:
			case *caddyhttp.MatchPath:
				if !slices.Contains(*m, "*") && !slices.Contains(*m, "/*") {
					return true
				}
			default:
				return true
			}
		}
	}
	return false
}
