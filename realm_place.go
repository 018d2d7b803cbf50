package signin

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/request"
)

// checkPlace is [checkHosts] for the handler that is being provisioned, so
// that caddy validate refuses what a start would.
func checkPlace(ctx caddy.Context, active *realm.Realm) error {
	srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || srv == nil {
		return nil
	}
	hosts, known := enclosingHosts(ctx, srv)
	if !known {
		return nil
	}
	return checkHosts(active, hosts, request.NewHosts(srv).Patterns())
}

// checkHosts refuses a realm without url that hands out links at a site whose
// hosts a client can choose among by its Host header: whoever has a host of such a
// pattern, or makes others believe so, would be sent their links and codes. A site
// that names no host answers for those that other matchers of the server name,
// and, to visitors at this machine, for loopback names.
func checkHosts(active *realm.Realm, hosts, ofServer []string) error {
	if active.URL != "" || !active.GivesOutAddress {
		return nil
	}
	what := "a site of it answers for "
	if len(hosts) == 0 {
		hosts, what = ofServer, "a site of it names no host, and its server answers for "
	}
	for _, host := range hosts {
		if known := request.KnownHost(host); request.IsHostPattern(known) && !isLoopbackPattern(known) {
			return fmt.Errorf("%s: url is missing: %s%s, so that a client's Host header would choose where mailed links and providers' answers lead: write url with the host of the sign-in pages, such as url https://auth.%s, and cookie_domain %[4]s, without which only url's own host can be signed in to", active, what, host, domainOf(known))
		}
	}
	return nil
}

// domainOf is the domain of a pattern of hosts, for an example.
func domainOf(pattern string) string {
	domain := pattern[strings.LastIndexAny(pattern, "*}")+1:]
	return cmp.Or(strings.TrimPrefix(domain, "."), "example.com")
}

// isLoopbackPattern reports whether a pattern stands for names of this machine
// only, such as *.localhost.
func isLoopbackPattern(pattern string) bool {
	last := strings.LastIndex(pattern, "*.")
	return last >= 0 && request.IsLoopbackName(pattern[last+len("*."):])
}

// enclosingHosts are the hosts that lead to the handler that is being provisioned;
// none means any host. known is false where its place isn't: a named route may be
// invoked anywhere.
//
// Routes are provisioned in their order, matchers first, and Caddy takes the raw
// handlers out of a route once it has loaded them.
func enclosingHosts(ctx caddy.Context, srv *caddyhttp.Server) (hosts []string, known bool) {
	route := routeBeingProvisioned(srv.Routes, srv.Errors)
	if route == nil {
		return nil, false
	}
	hosts = hostsWithin(nil, route)
	for _, module := range ctx.Modules() {
		sub, ok := module.(*caddyhttp.Subroute)
		if !ok {
			continue
		}
		if route := routeBeingProvisioned(sub.Routes, sub.Errors); route != nil {
			hosts = hostsWithin(hosts, route)
		}
	}
	return hosts, true
}

// routeBeingProvisioned is the route whose handlers are being loaded.
func routeBeingProvisioned(routes caddyhttp.RouteList, errors *caddyhttp.HTTPErrorConfig) *caddyhttp.Route {
	for i := range routes {
		if len(routes[i].HandlersRaw) > 0 {
			return &routes[i]
		}
	}
	if errors != nil {
		return routeBeingProvisioned(errors.Routes, nil)
	}
	return nil
}
