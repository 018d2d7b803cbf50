package request

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// InsideDomain reports whether host is domain or below it.
func InsideDomain(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// OriginsInside are the origins of those served hosts that are inside domain,
// on every port that may be the public one; wildcards stand as such.
func (h *Hosts) OriginsInside(domain string, https bool) []string {
	scheme, defaultPort := schemeOf(https)
	var names []string
	for name := range h.exact {
		names = append(names, name)
	}
	for _, pattern := range h.patterns {
		if strings.HasPrefix(pattern, "*.") && isHostname(pattern[2:]) {
			names = append(names, pattern)
		}
	}
	slices.Sort(names)
	var origins []string
	for _, name := range names {
		if !InsideDomain(strings.TrimPrefix(name, "*."), domain) {
			continue
		}
		for _, port := range append([][2]uint{{defaultPort, defaultPort}}, h.ports...) {
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

// ParseCookieDomain accepts a domain whose hosts can belong to one owner, in the
// form in which cookies carry it (RFC 6265 section 5.2.3).
func ParseCookieDomain(raw string) (string, error) {
	domain := strings.ToLower(strings.TrimPrefix(raw, "."))
	if _, err := netip.ParseAddr(domain); err == nil || !isHostname(domain) || !strings.Contains(domain, ".") {
		return "", fmt.Errorf("cookie_domain %q must be a domain name such as example.com", raw)
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		return "", fmt.Errorf("cookie_domain %q is a public suffix: anyone can have a host below it, and browsers refuse such cookies", raw)
	}
	return domain, nil
}
