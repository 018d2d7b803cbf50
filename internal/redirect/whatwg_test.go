package redirect_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// unsure is the oracle's answer for hosts that browsers rewrite (international
// and numeric ones); nothing of the kind may be accepted.
const unsure = "unsure"

// browserOrigin is where a browser goes from a page of the origin page when it
// is given address: its origin, "null" or "error". A small reading of the WHATWG
// URL parser for http and https pages, that shares no code with what it judges.
func browserOrigin(address, page string) string {
	address = strings.TrimFunc(address, func(r rune) bool { return r <= ' ' })
	address = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(address)
	pageScheme, _, _ := strings.Cut(page, ":")
	scheme, rest, ok := cutScheme(address)
	slashes := len(rest) - len(strings.TrimLeft(rest, `/\`))
	switch {
	case !ok:
		if slashes = len(address) - len(strings.TrimLeft(address, `/\`)); slashes < 2 {
			return page
		}
		scheme, rest = pageScheme, address
	case scheme == "blob":
		return browserOrigin(rest, page)
	case scheme == pageScheme && !strings.HasPrefix(rest, "//"):
		if slashes < 2 {
			return page
		}
	}
	ports := map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
	if ports[scheme] == "" {
		return "null"
	}
	return authorityOrigin(scheme, ports[scheme], rest[slashes:])
}

// cutScheme cuts the scheme off an address that has one.
func cutScheme(address string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(address, ":")
	scheme = strings.ToLower(scheme)
	letters := strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
	if !ok || !letters || scheme == "" || scheme[0] < 'a' {
		return "", address, false
	}
	return scheme, rest, true
}

// authorityOrigin reads the host and port that rest begins with.
func authorityOrigin(scheme, defaultPort, rest string) string {
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, port := rest, ""
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, ']') {
		host, port = rest[:colon], strings.TrimLeft(rest[colon+1:], "0")
	}
	if number, err := strconv.Atoi("0" + port); err != nil || number > 65535 {
		return "error"
	}
	host, err := url.PathUnescape(host)
	if err != nil || host == "" || (host[0] != '[' && strings.ContainsAny(host, "\x00 #/:<>?@[\\]^|%\x7f")) {
		return "error"
	}
	host = strings.ToLower(host)
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.ContainsFunc(host, func(r rune) bool { return r > '~' }) || host[0] == '[' || (last != "" && last[0] <= '9') {
		return unsure
	}
	if port != "" && port != defaultPort {
		host += ":" + port
	}
	return scheme + "://" + host
}

func TestTheOracleAgreesWithNode(t *testing.T) {
	t.Parallel()
	for _, a := range addresses {
		got := browserOrigin(a.value, "https://app.example.com")
		if got != a.browser && got != unsure {
			t.Errorf("%+q: %s, Node says %s", a.value, got, a.browser)
		}
		if got == unsure && a.good {
			t.Errorf("%+q is accepted, and the oracle isn't sure", a.value)
		}
	}
}
