package redirect

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// origin is the origin of an http or https URL (RFC 6454). Its host is ASCII.
type origin struct {
	scheme string // http or https
	host   string // as written
	port   string // empty for the scheme's default
}

// equal compares two origins. Hosts are compared without case.
func (o origin) equal(other origin) bool {
	return o.scheme == other.scheme && o.port == other.port && equalFold(o.host, other.host)
}

// split splits an absolute http or https URL into its origin and its path. It
// reads one form only, which browsers and Go read alike: scheme, "://", a host
// of letters, digits, "-", "_" and ".", or an IPv6 address in brackets, an
// optional port, and then nothing or one of "/", "?" and "#".
func split(s string) (o origin, path string, ok bool) {
	scheme, rest, _ := strings.Cut(s, "://")
	switch {
	case equalFold(scheme, "http"):
		o.scheme = "http"
	case equalFold(scheme, "https"):
		o.scheme = "https"
	default:
		return o, "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, rest := rest[:end], rest[end:]
	if o.host, o.port, ok = splitAuthority(authority); !ok {
		return o, "", false
	}
	if o.scheme == "http" && o.port == "80" || o.scheme == "https" && o.port == "443" {
		o.port = ""
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	return o, rest, true
}

// splitAuthority splits host and port. It refuses user information.
func splitAuthority(s string) (host, port string, ok bool) {
	end := strings.LastIndexByte(s, ']') + 1
	if colon := strings.IndexByte(s[end:], ':'); colon >= 0 {
		host, port = s[:end+colon], s[end+colon+1:]
		return host, port, isHost(host) && isPort(port)
	}
	return s, "", isHost(s)
}

// isHost says whether s may be a host name or an IPv6 address in brackets.
func isHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && addr.Is6() && addr.Zone() == ""
	}
	for i := range len(s) {
		if c := s[i]; !isLetterOrDigit(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != ""
}

// isPort says whether s is a port number, written in the shortest way.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// Allowed are the origins that a return address may name besides the realm's
// own. The zero value allows none. Make it with [ParseAllowed].
type Allowed []pattern

// pattern is one allowed origin, or all below a domain.
type pattern struct {
	origin
	below bool // any host below origin.host, not that host itself
}

// ParseAllowed reads allowed origins: "https://host", with ":port" unless it is
// the scheme's default, or "https://*.domain", where "*" stands for one or more
// whole labels of letters, digits and hyphens, so never for the domain itself.
// Scheme and port have to match too. International names are written in their
// ASCII form (xn--…).
func ParseAllowed(origins ...string) (Allowed, error) {
	allowed := make(Allowed, 0, len(origins))
	for _, s := range origins {
		p, err := parsePattern(s)
		if err != nil {
			return nil, err
		}
		allowed = append(allowed, p)
	}
	return allowed, nil
}

func parsePattern(s string) (p pattern, err error) {
	plain := strings.Replace(s, "://*.", "://", 1)
	p.below = plain != s
	o, path, ok := split(plain)
	if !ok || path != "" || strings.ContainsAny(s, "?#") {
		return p, fmt.Errorf("redirect origin %q: want https://host, https://host:port or https://*.domain, without a path", s)
	}
	p.origin = o
	if err := checkAllowedHost(o.host, p.below); err != nil {
		return p, fmt.Errorf("redirect origin %q: %w", s, err)
	}
	return p, nil
}

// checkAllowedHost refuses hosts that a browser knows under another name, or
// that have nothing below them.
func checkAllowedHost(host string, below bool) error {
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case host[0] == '[', isNumber(last):
		if below {
			return fmt.Errorf("there are no names below the address %s", host)
		}
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil {
			return fmt.Errorf("%s isn't an IP address, and no host name ends in a number", host)
		}
	case below && !isLabels(host), !isLabels(strings.ReplaceAll(host, "_", "x")):
		return fmt.Errorf("%s isn't a domain name", host)
	}
	return nil
}

// isNumber says whether browsers take a host with this last label for an IPv4
// address (WHATWG URL, "ends in a number").
func isNumber(label string) bool {
	_, err := strconv.ParseUint(label, 10, 64)
	return err == nil || strings.HasPrefix(strings.ToLower(label), "0x")
}

// match says whether one of the patterns allows o.
func (a Allowed) match(o origin) bool {
	for _, p := range a {
		if p.match(o) {
			return true
		}
	}
	return false
}

func (p pattern) match(o origin) bool {
	if !p.below {
		return o.equal(p.origin)
	}
	end := len(o.host) - len(p.host)
	if end < 1 || o.host[end-1] != '.' || !isLabels(o.host) {
		return false
	}
	o.host = o.host[end:]
	return o.equal(p.origin)
}

// isLabels says whether s is a domain name: labels of 1 to 63 letters, digits
// and hyphens, the hyphens inside, 253 characters in all (RFC 1123, section 2.1).
func isLabels(s string) bool {
	const maxName, maxLabel = 253, 63
	if len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' || strings.Contains(label, "_") {
			return false
		}
	}
	return true
}

// equalFold compares ASCII without case. strings.EqualFold would take the
// Kelvin sign for a k.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= lower(c) && lower(c) <= 'z' || '0' <= c && c <= '9'
}
