package realm

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
)

// Site is a realm as seen under one public origin.
type Site struct {
	Realm       *Realm
	Key         string   // the realm's key, which namespaces all that is stored
	Origin      string   // https://app.example.com, the protocol's {O}: the one asked
	Host        string   // app.example.com, with a port that is not the default one
	Base        string   // https://app.example.com/api/auth, the protocol's {A}
	domain      string   // of cookies, empty for the host asked alone
	hosts       []string // origins of the realm's hosts, of a realm with a cookie_domain
	Secure      bool
	Loopback    bool
	CookieNames *authjs.Names
	Returns     redirect.Policy
	secret      *keys.Secret

	Sessions session.Site
	// Unauthorized is the JSON with which gates turn scripts away.
	Unauthorized []byte
}

// NewSite is the realm at a public origin, whose generated secret has this name.
func (rl *Realm) NewSite(origin, secretName string) *Site {
	scheme, host, _ := strings.Cut(origin, "://")
	hostname, _, _ := request.SplitHost(host)
	key := origin
	if pool := rl.PoolKey(); pool != "" {
		key = pool
	}
	base := origin + rl.BasePath
	names, secret := rl.cookieNames(scheme == "https"), rl.Secrets.Named(secretName)
	return &Site{
		Unauthorized: unauthorizedJSON(base + "/signin"),

		Realm:       rl,
		Key:         key,
		Origin:      origin,
		Host:        host,
		Base:        base,
		domain:      rl.CookieDomain,
		Secure:      scheme == "https",
		Loopback:    request.IsLoopbackName(hostname),
		CookieNames: names,
		Returns:     redirect.Policy{Origin: origin, Allowed: rl.Allowed},
		secret:      secret,
		Sessions: session.Site{
			List:        session.List{Manager: rl.Sessions, Key: key},
			CookieNames: names, Domain: rl.CookieDomain, Secret: secret,
		},
	}
}

func (rl *Realm) cookieNames(secure bool) *authjs.Names {
	if secure {
		return rl.SecureCookieNames
	}
	return rl.PlainCookieNames
}

func unauthorizedJSON(signIn string) []byte {
	return append(authjs.AppendString([]byte(`{"error":"Unauthorized","url":`), signIn), '}')
}

// Cookie is one of the realm's cookies; deletion of one takes the same attributes.
func (s *Site) Cookie(name, value string) authjs.Cookie {
	return authjs.Cookie{Name: name, Value: value, Secure: s.Secure, Domain: s.domain}
}

// Keys are those of the site's secret: see [keys.Secret.Ring].
func (s *Site) Keys(ctx context.Context) (*keys.Ring, error) { return s.secret.Ring(ctx) }

// serverSites are a realm's sites on one Caddy server. Reading is one atomic
// load and one map look-up; the map is copied to add to it.
type serverSites struct {
	hosts *request.Hosts
	known atomic.Pointer[map[request.Asked]*Site]

	// The realm's hosts, of a realm with a cookie_domain.
	origins []string
	allowed redirect.Allowed
}

// maxSites bounds the sites that are remembered, because behind a wildcard
// host a client can make any number of them.
const maxSites = 1024

// site returns the realm as r's public origin sees it, or [request.ErrUnknownHost], of
// a realm that has more than one site.
func (rl *Realm) site(r *http.Request) (*Site, error) {
	srv, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || srv == nil {
		return nil, request.ErrUnknownHost
	}
	sites := rl.sitesOf(srv)
	key := request.Asked{HTTPS: request.IsHTTPS(r), Loopback: request.IsLoopbackPeer(r), Host: r.Host}
	if rl.URLSite != nil {
		key.HTTPS = rl.URLSite.Secure // url says it for all of the realm's hosts
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

func (rl *Realm) makeSite(r *http.Request, on *serverSites, key request.Asked) (*Site, error) {
	if rl.URLSite != nil {
		return rl.URLSite.at(r, on, key)
	}
	origin, name, err := on.hosts.Resolve(r, key)
	if err != nil {
		return nil, err
	}
	return rl.NewSite(origin, rl.SecretName(name)), nil
}

// SecretName is the name of the realm's generated secret: the realm's key, and
// for a realm without name and url the host as the configuration names it.
func (rl *Realm) SecretName(configuredHost string) string {
	if rl.Name != "" {
		return "realm " + rl.Name
	}
	if rl.Origin != "" {
		return rl.Origin
	}
	return configuredHost
}

func (rl *Realm) sitesOf(srv *caddyhttp.Server) *serverSites {
	if sites, ok := rl.servers.Load(srv); ok {
		return sites.(*serverSites) // only stored below
	}
	made := &serverSites{hosts: request.NewHosts(srv)}
	if rl.URLSite != nil {
		made.collect(rl.URLSite)
	} else if rl.GivesOutAddress {
		made.hosts.RequireExact()
	}
	sites, _ := rl.servers.LoadOrStore(srv, made)
	return sites.(*serverSites) // only stored here
}

func (s *serverSites) remember(key request.Asked, made *Site) {
	next := make(map[request.Asked]*Site)
	if known := s.known.Load(); known != nil && len(*known) < maxSites {
		maps.Copy(next, *known)
	}
	next[key] = made
	s.known.Store(&next)
}

// returnAddress is where a gate's visitor comes back to after signing in: the
// address that was asked for, before any rewrite.
func (s *Site) returnAddress(r *http.Request) string {
	asked := r.URL
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		asked = original.URL
	}
	return s.Returns.FromRequest(asked.EscapedPath(), asked.RawQuery)
}

// SignInFor is the sign-in page's address, from which r's visitor comes back.
func (s *Site) SignInFor(r *http.Request) string {
	return redirect.AddQuery(s.Base+"/signin", "callbackUrl", s.returnAddress(r))
}
