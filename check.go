package signin

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/request"
)

// checkedRealm is a realm of a configuration, and where it can be reached.
type checkedRealm struct {
	realm   *Realm
	name    string   // as the report shows it
	origins []string // the public ones that are known, sorted
	unknown []string // what keeps others from being known
	open    bool     // no rule of a gate or of the realm keeps strangers out
}

// realmsOf returns the realms of a provisioned configuration: those of the
// global options by name, then those of sites in the order of the servers.
// behind are the servers that believe proxies what visitors asked for.
func realmsOf(ctx caddy.Context, behind map[string]bool) ([]*checkedRealm, error) {
	app, err := appOf(ctx)
	if err != nil {
		return nil, err
	}
	found := &realmFinder{app: app, byRealm: make(map[*Realm]*checkedRealm), behind: behind}
	for _, name := range slices.Sorted(maps.Keys(app.Realms)) {
		found.add(app.Realms[name], !app.isRuled(name))
	}
	if err := found.walk(ctx, !app.isRuled("")); err != nil {
		return nil, err
	}
	for _, realm := range app.inPlace { // in a place that the walk doesn't know
		found.add(realm, !app.isRuled(""))
	}
	for _, one := range found.all {
		one.finish()
	}
	return found.all, nil
}

// realmFinder collects the realms of a configuration and the addresses of their
// sites.
type realmFinder struct {
	app     *App
	all     []*checkedRealm
	byRealm map[*Realm]*checkedRealm
	behind  map[string]bool
}

func (f *realmFinder) add(realm *Realm, open bool) *checkedRealm {
	if one, ok := f.byRealm[realm]; ok {
		return one
	}
	one := &checkedRealm{realm: realm, open: open && len(realm.Allow) == 0}
	f.all, f.byRealm[realm] = append(f.all, one), one
	return one
}

// walk goes through the routes of every server.
func (f *realmFinder) walk(ctx caddy.Context, open bool) error {
	mod, err := ctx.AppIfConfigured("http")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the http app: %w", err)
	}
	app, ok := mod.(*caddyhttp.App)
	if !ok {
		return fmt.Errorf("the http app is a %T", mod)
	}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		addresses, patterns := addressesOf(app, srv), request.NewHosts(srv).Patterns()
		var refused error
		all := &routeWalk{srv: srv, signin: func(h *Handler, hosts []string) {
			realm := f.app.configured(h.realm)
			one := f.add(realm, open)
			refused = cmp.Or(refused, checkHosts(h.realm, hosts, patterns))
			for _, host := range hosts {
				one.served(addresses, host, f.behind[name])
			}
			if len(hosts) == 0 {
				one.unknown = append(one.unknown, "a site of it names no host")
			}
		}}
		all.walk(srv.Routes, routeState{}, nil)
		if srv.Errors != nil {
			all.walk(srv.Errors.Routes, routeState{}, nil)
		}
		if refused != nil {
			return refused
		}
	}
	return nil
}

// siteAddresses are the schemes of a server's sites and the suffixes of their
// hosts: {"https", ""}, {"http", ":8080"}.
type siteAddresses [][2]string

// addressesOf reads the ports that srv listens on. The ports that stand for 80
// and 443 behind the operator's own forwarding don't show outside.
func addressesOf(app *caddyhttp.App, srv *caddyhttp.Server) (addresses siteAddresses) {
	plain, secure := uint(cmp.Or(app.HTTPPort, caddyhttp.DefaultHTTPPort)), uint(cmp.Or(app.HTTPSPort, caddyhttp.DefaultHTTPSPort))
	for _, span := range request.NewHosts(srv).Ports() {
		for port := span[0]; port <= span[1]; port++ {
			address := [2]string{"http", ":" + strconv.FormatUint(uint64(port), 10)}
			if len(srv.TLSConnPolicies) > 0 && port != plain {
				address[0] = "https"
			}
			if address[0] == "https" && port == secure || address[0] == "http" && port == plain {
				address[1] = ""
			}
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// served adds the addresses of a host of the realm's sites. Of a server behind
// proxies the scheme is what those say.
func (c *checkedRealm) served(addresses siteAddresses, host string, behind bool) {
	host = request.KnownHost(host)
	if request.IsHostPattern(host) {
		c.unknown = append(c.unknown, "the host "+host+" stands for many")
		return
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	for _, address := range addresses {
		c.origins = append(c.origins, address[0]+"://"+strings.ToLower(host)+address[1])
		if behind && address[0] == "http" {
			c.unknown = append(c.unknown, "trusted_proxies may be asked for "+host+" by https")
		}
	}
}

// finish settles where the realm is: at its url alone, if it has one.
func (c *checkedRealm) finish() {
	if c.realm.active.Origin != "" {
		c.origins, c.unknown = []string{c.realm.active.Origin}, nil
	} else if len(c.origins) == 0 && len(c.unknown) == 0 {
		c.unknown = []string{"no site of it was found"}
	}
	slices.Sort(c.origins)
	c.origins = slices.Compact(c.origins)
	slices.Sort(c.unknown)
	c.unknown = slices.Compact(c.unknown)
	c.name = c.realm.active.Name
	if c.name == "" {
		c.name = cmp.Or(strings.Join(c.origins, " "), "(in a site without a known address)")
	}
}
