package signin

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
)

// errForeignHost is a request for a host that is none of a realm's with a
// cookie_domain: its browser could never bring the session.
var errForeignHost = fmt.Errorf("%w: with cookie_domain, only hosts inside it have sessions", errUnknownHost)

// at is the realm's site as one of its hosts was asked: return addresses are
// that host's, everything else is url's.
func (s *site) at(r *http.Request, on *serverSites, key originKey) (*site, error) {
	asked, err := on.hosts.origin(key)
	if err != nil {
		return nil, err
	}
	if asked != s.origin { // url's own host need not be named by a matcher
		if _, _, err := on.hosts.resolve(r, key); err != nil {
			return nil, err
		}
		if host, _, err := splitHost(key.host); err != nil || !insideDomain(host, s.domain) {
			return nil, errForeignHost
		}
	}
	at := *s
	at.origin, at.hosts = asked, on.origins
	at.returns = redirect.Policy{Origin: asked, Allowed: on.allowed}
	return &at, nil
}

// collect finds the realm's hosts on a server, once: behind a wildcard a client
// can make any number of them.
func (on *serverSites) collect(home *site) {
	on.hosts.addPort(home.origin)
	on.allowed = slices.Clone(home.realm.allowed)
	for _, origin := range append(on.hosts.originsInside(home.domain, home.secure), home.origin) {
		if inside, err := redirect.ParseAllowed(origin); err == nil { // a name that no browser takes leads nowhere
			on.origins, on.allowed = append(on.origins, origin), append(on.allowed, inside...)
		}
	}
}

// isHome reports whether the site was asked at url's host, where the pages are.
func (s *site) isHome() bool { return strings.HasPrefix(s.base, s.origin+"/") }

// insideDomain reports whether host is domain or below it.
func insideDomain(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// originsInside are the origins of those served hosts that are inside domain,
// on every port that may be the public one; wildcards stand as such.
func (s *servedHosts) originsInside(domain string, https bool) []string {
	scheme, defaultPort := schemeOf(https)
	var names []string
	for name := range s.exact {
		names = append(names, name)
	}
	for _, pattern := range s.patterns {
		if strings.HasPrefix(pattern, "*.") && isHostname(pattern[2:]) {
			names = append(names, pattern)
		}
	}
	slices.Sort(names)
	var origins []string
	for _, name := range names {
		if !insideDomain(strings.TrimPrefix(name, "*."), domain) {
			continue
		}
		for _, port := range append([][2]uint{{defaultPort, defaultPort}}, s.ports...) {
			origin := scheme + "://" + name
			if port[0] != defaultPort {
				origin += ":" + strconv.FormatUint(uint64(port[0]), 10)
			}
			if port[0] == port[1] && !slices.Contains(origins, origin) {
				origins = append(origins, origin)
			}
		}
	}
	return origins
}

// parseCookieDomain accepts a domain whose hosts can belong to one owner, in the
// form in which cookies carry it (RFC 6265 section 5.2.3).
func parseCookieDomain(raw string) (string, error) {
	domain := strings.ToLower(strings.TrimPrefix(raw, "."))
	if _, err := netip.ParseAddr(domain); err == nil || !isHostname(domain) || !strings.Contains(domain, ".") {
		return "", fmt.Errorf("cookie_domain %q must be a domain name such as example.com", raw)
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		return "", fmt.Errorf("cookie_domain %q is a public suffix: anyone can have a host below it, and browsers refuse such cookies", raw)
	}
	return domain, nil
}

// checkCookieDomain refuses a cookie_domain that doesn't fit url.
func (rl *Realm) checkCookieDomain() error {
	if rl.CookieDomain == "" {
		return nil
	}
	domain, err := parseCookieDomain(rl.CookieDomain)
	if err != nil {
		return err
	}
	if rl.URL == "" {
		return fmt.Errorf("cookie_domain needs url: write the address of the sign-in pages, such as url https://auth.%s", domain)
	}
	origin, err := parseOrigin(rl.URL)
	if err != nil {
		return fmt.Errorf("url: %w", err)
	}
	_, host, _ := strings.Cut(origin, "://")
	if host, _, err = splitHost(host); err != nil || !insideDomain(host, domain) {
		return fmt.Errorf("cookie_domain %s does not cover url's host %s", domain, host)
	}
	rl.CookieDomain = domain
	return nil
}
