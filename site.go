package signin

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/providers"
)

// site is a realm as seen under one public origin.
type site struct {
	realm    *activeRealm
	key      string   // the realm's key, which namespaces all that is stored
	origin   string   // https://app.example.com, the protocol's {O}: the one asked
	host     string   // app.example.com, with a port that is not the default one
	base     string   // https://app.example.com/api/auth, the protocol's {A}
	domain   string   // of cookies, empty for the host asked alone
	hosts    []string // origins of the realm's hosts, of a realm with a cookie_domain
	secure   bool
	loopback bool
	names    *authjs.Names
	returns  redirect.Policy
	secret   *keys.Secret

	sessions session.Site
	// unauthorized is the JSON with which gates turn scripts away.
	unauthorized []byte
}

func (rl *activeRealm) newSite(origin, secretName string) *site {
	scheme, host, _ := strings.Cut(origin, "://")
	hostname, _, _ := request.SplitHost(host)
	key := origin
	if pool := rl.poolKey(); pool != "" {
		key = pool
	}
	base := origin + rl.basePath
	names, secret := rl.cookieNames(scheme == "https"), rl.secrets.Named(secretName)
	return &site{
		unauthorized: unauthorizedJSON(base + "/signin"),

		realm:    rl,
		key:      key,
		origin:   origin,
		host:     host,
		base:     base,
		domain:   rl.cookieDomain,
		secure:   scheme == "https",
		loopback: request.IsLoopbackName(hostname),
		names:    names,
		returns:  redirect.Policy{Origin: origin, Allowed: rl.allowed},
		secret:   secret,
		sessions: session.Site{
			List:  session.List{Manager: rl.sessions, Key: key},
			Names: names, Domain: rl.cookieDomain, Secret: secret,
		},
	}
}

func (rl *activeRealm) cookieNames(secure bool) *authjs.Names {
	if secure {
		return rl.secure
	}
	return rl.plain
}

func unauthorizedJSON(signIn string) []byte {
	return append(authjs.AppendString([]byte(`{"error":"Unauthorized","url":`), signIn), '}')
}

// cookie is one of the realm's cookies; deletion of one takes the same attributes.
func (s *site) cookie(name, value string) authjs.Cookie {
	return authjs.Cookie{Name: name, Value: value, Secure: s.secure, Domain: s.domain}
}

func (s *site) keys(ctx context.Context) (*keys.Ring, error) { return s.secret.Ring(ctx) }

// serverSites are a realm's sites on one Caddy server. Reading is one atomic
// load and one map look-up; the map is copied to add to it.
type serverSites struct {
	hosts *request.Hosts
	known atomic.Pointer[map[request.Asked]*site]

	// The realm's hosts, of a realm with a cookie_domain.
	origins []string
	allowed redirect.Allowed
}

// maxSites bounds the sites that are remembered, because behind a wildcard
// host a client can make any number of them.
const maxSites = 1024

// site returns the realm as r's public origin sees it, or errUnknownHost.
func (rl *activeRealm) site(r *http.Request) (*site, error) {
	if rl.urlSite != nil && rl.cookieDomain == "" {
		return rl.urlSite, nil
	}
	srv, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || srv == nil {
		return nil, request.ErrUnknownHost
	}
	sites := rl.sitesOf(srv)
	key := request.Asked{HTTPS: request.IsHTTPS(r), Loopback: request.IsLoopbackPeer(r), Host: r.Host}
	if rl.urlSite != nil {
		key.HTTPS = rl.urlSite.secure // url says it for all of the realm's hosts
	}
	if known := sites.known.Load(); known != nil {
		if s, ok := (*known)[key]; ok {
			return s, nil
		}
	}
	s, err := rl.makeSite(r, sites, key)
	if err != nil {
		return nil, err
	}
	sites.remember(key, s)
	return s, nil
}

func (rl *activeRealm) makeSite(r *http.Request, on *serverSites, key request.Asked) (*site, error) {
	if rl.urlSite != nil {
		return rl.urlSite.at(r, on, key)
	}
	origin, name, err := on.hosts.Resolve(r, key)
	if err != nil {
		return nil, err
	}
	return rl.newSite(origin, rl.secretName(name)), nil
}

// secretName is the name of the realm's generated secret: the realm's key, and
// for a realm without name and url the host as the configuration names it.
func (rl *activeRealm) secretName(configuredHost string) string {
	if rl.name != "" {
		return "realm " + rl.name
	}
	if rl.origin != "" {
		return rl.origin
	}
	return configuredHost
}

func (rl *activeRealm) sitesOf(srv *caddyhttp.Server) *serverSites {
	if sites, ok := rl.servers.Load(srv); ok {
		return sites.(*serverSites) //nolint:forcetypeassert // only stored below
	}
	made := &serverSites{hosts: request.NewHosts(srv)}
	if rl.urlSite != nil {
		made.collect(rl.urlSite)
	} else {
		made.hosts.ExactOnly = rl.handsOutLinks()
	}
	sites, _ := rl.servers.LoadOrStore(srv, made)
	return sites.(*serverSites) //nolint:forcetypeassert // only stored here
}

// handsOutLinks reports whether the realm's own address goes where it is used
// later, and by others: into mails, and to providers as redirect_uri.
func (rl *activeRealm) handsOutLinks() bool {
	for _, provider := range rl.providers {
		switch provider.(type) {
		case providers.Redirector, providers.Mailer:
			return true
		}
	}
	return false
}

func (s *serverSites) remember(key request.Asked, made *site) {
	next := make(map[request.Asked]*site)
	if known := s.known.Load(); known != nil && len(*known) < maxSites {
		maps.Copy(next, *known)
	}
	next[key] = made
	s.known.Store(&next)
}

// returnAddress is where a gate's visitor comes back to after signing in: the
// address that was asked for, before any rewrite.
func (s *site) returnAddress(r *http.Request) string {
	asked := r.URL
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		asked = original.URL
	}
	return s.returns.FromRequest(asked.EscapedPath(), asked.RawQuery)
}
