package realm

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/request"
)

// errForeignHost is a request for a host that is none of a realm's with a
// cookie_domain: its browser could never bring the session.
var errForeignHost = fmt.Errorf("%w: with cookie_domain, only hosts inside it have sessions", request.ErrUnknownHost)

// at is the realm's site as one of its hosts was asked: return addresses are
// that host's, everything else is url's.
func (s *Site) at(r *http.Request, on *serverSites, key request.Asked) (*Site, error) {
	asked, err := on.hosts.Origin(key)
	if err != nil {
		return nil, err
	}
	if asked != s.Origin { // url's own host need not be named by a matcher
		if _, _, err := on.hosts.Resolve(r, key); err != nil {
			return nil, err
		}
		if host, _, err := request.SplitHost(key.Host); err != nil || !request.InsideDomain(host, s.domain) {
			return nil, errForeignHost
		}
	}
	at := *s
	at.Origin, at.hosts = asked, on.origins
	at.Returns = redirect.Policy{Origin: asked, Allowed: on.allowed}
	return &at, nil
}

// collect finds the realm's hosts on a server, once: behind a wildcard a client
// can make any number of them.
func (on *serverSites) collect(home *Site) {
	on.hosts.AddPort(home.Origin)
	on.allowed = slices.Clone(home.Realm.Allowed)
	for _, origin := range append(on.hosts.OriginsInside(home.domain, home.Secure), home.Origin) {
		if inside, err := redirect.ParseAllowed(origin); err == nil { // a name that no browser takes leads nowhere
			on.origins, on.allowed = append(on.origins, origin), append(on.allowed, inside...)
		}
	}
}

// IsHome reports whether the site was asked at url's host, where the pages are.
func (s *Site) IsHome() bool { return strings.HasPrefix(s.Base, s.Origin+"/") }
