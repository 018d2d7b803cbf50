package request

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/idna"
)

// ErrUnknownHost is a request for a host that neither the realm's url nor a
// host matcher of this server names. It is answered with 421 (RFC 9110 section
// 15.5.20), and its Host is never reflected.
var ErrUnknownHost = errors.New("the request's host is not one that this server names: set url in the signin block to the public address")

// Asked is what of a request decides its public origin, apart from the server.
type Asked struct {
	HTTPS    bool
	Loopback bool
	Host     string
}

// Hosts are the hosts and ports that one Caddy server answers for, read
// from its own routes: no header of a client can add one.
type Hosts struct {
	exact    map[string]string // by host, as the configuration names it
	patterns []string          // with a wildcard or placeholder
	ports    [][2]uint         // from and to, both included
	// exactOnly says that no pattern names a host, but for one of this machine.
	exactOnly bool
}

// NewHosts collects srv's hosts. Hosts inside not, in CEL and in the
// routes of other servers are not seen, which is right: none of them says that
// this server answers for the host.
func NewHosts(srv *caddyhttp.Server) *Hosts {
	hosts := &Hosts{exact: make(map[string]string)}
	hosts.collect(srv.Routes)
	for _, listen := range srv.Listen {
		if addr, err := caddy.ParseNetworkAddress(listen); err == nil {
			hosts.ports = append(hosts.ports, [2]uint{addr.StartPort, addr.EndPort})
		}
	}
	return hosts
}

// Patterns are the host matchers that stand for hosts which a client can choose among,
// as the configuration has them.
func (h *Hosts) Patterns() []string { return slices.Clone(h.patterns) }

// Ports are the spans of ports that the server listens on, from and to, both included.
func (h *Hosts) Ports() [][2]uint { return slices.Clone(h.ports) }

// RequireExact has no pattern name a host, but for one of this machine: what a realm
// sends out must not lead where a client's Host header says.
func (h *Hosts) RequireExact() { h.exactOnly = true }

func (h *Hosts) collect(routes caddyhttp.RouteList) {
	for _, route := range routes {
		for _, set := range route.MatcherSets {
			for _, matcher := range set {
				if hosts, ok := matcher.(*caddyhttp.MatchHost); ok {
					h.add(*hosts)
				}
			}
		}
		for _, handler := range route.Handlers {
			if sub, ok := handler.(*caddyhttp.Subroute); ok {
				h.collect(sub.Routes)
			}
		}
	}
}

func (h *Hosts) add(hosts caddyhttp.MatchHost) {
	for _, host := range hosts {
		if known := KnownHost(host); IsHostPattern(known) {
			h.patterns = append(h.patterns, host)
		} else {
			if known == host {
				host = strings.ToLower(host)
			}
			h.exact[strings.ToLower(known)] = host
		}
	}
}

// KnownHost fills in the placeholders of a host matcher that don't depend on the
// request, such as {env.HOST}.
func KnownHost(host string) string { return caddy.NewReplacer().ReplaceKnown(host, "") }

// IsHostPattern reports whether a host matcher stands for hosts that a client
// can choose among.
func IsHostPattern(host string) bool { return strings.ContainsAny(host, "*{") }

// name returns how the server's configuration names host, which is bounded by
// the configuration even where a wildcard admits any number of hosts.
func (h *Hosts) name(r *http.Request, host string) (string, bool) {
	if name, ok := h.exact[host]; ok {
		return name, true
	}
	// Names of hosts have no underscore, but names in the DNS may (RFC 2181 section 11).
	if !isHostname(strings.ReplaceAll(host, "_", "x")) || h.exactOnly && !IsLoopbackName(host) {
		return "", false
	}
	for _, pattern := range h.patterns {
		// Caddy's own matcher decides, so that gate and site agree.
		if ok, err := (caddyhttp.MatchHost{pattern}).MatchWithError(r); err == nil && ok {
			return pattern, true
		}
	}
	return "", false
}

func (h *Hosts) listensOn(port uint) bool {
	for _, span := range h.ports {
		if span[0] <= port && port <= span[1] {
			return true
		}
	}
	return false
}

// Resolve returns the public origin of r (scheme://host[:port]) and the name
// under which a generated secret for it is kept.
func (h *Hosts) Resolve(r *http.Request, key Asked) (origin, name string, err error) {
	host, port, err := h.split(key)
	if err != nil {
		return "", "", err
	}
	name, named := h.name(r, host)
	switch {
	case named:
	case key.Loopback && IsLoopbackName(host):
		name = "localhost"
	default:
		return "", "", ErrUnknownHost
	}
	if _, defaultPort := schemeOf(key.HTTPS); port != defaultPort {
		name += ":" + strconv.FormatUint(uint64(port), 10)
	}
	return originOf(key.HTTPS, host, port), name, nil
}

// Origin is what key says of the public origin, whether or not the host is named.
func (h *Hosts) Origin(key Asked) (string, error) {
	host, port, err := h.split(key)
	if err != nil {
		return "", err
	}
	return originOf(key.HTTPS, host, port), nil
}

// split splits key's host. Its port is the scheme's own or one that the server
// listens on.
func (h *Hosts) split(key Asked) (host string, port uint, err error) {
	host, port, err = SplitHost(key.Host)
	_, defaultPort := schemeOf(key.HTTPS)
	switch {
	case err != nil:
		return "", 0, ErrUnknownHost
	case port == 0:
		port = defaultPort
	case port != defaultPort && !h.listensOn(port):
		return "", 0, ErrUnknownHost
	}
	return host, port, nil
}

// AddPort counts an origin's port among those that the server listens on: what
// stands before it may forward that one.
func (h *Hosts) AddPort(origin string) {
	_, host, _ := strings.Cut(origin, "://")
	if _, port, err := SplitHost(host); err == nil && port != 0 {
		h.ports = append(h.ports, [2]uint{port, port})
	}
}

func schemeOf(https bool) (scheme string, defaultPort uint) {
	if https {
		return "https", 443
	}
	return "http", 80
}

func originOf(https bool, host string, port uint) string {
	scheme, defaultPort := schemeOf(https)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != defaultPort {
		host += ":" + strconv.FormatUint(uint64(port), 10)
	}
	return scheme + "://" + host
}

// SplitHost splits a Host header into a lower-case host without brackets and a
// port, which is 0 when there is none.
func SplitHost(hostport string) (host string, port uint, err error) {
	host = hostport
	if strings.Contains(hostport, ":") && !strings.HasSuffix(hostport, "]") {
		var portText string
		if host, portText, err = net.SplitHostPort(hostport); err != nil {
			return "", 0, fmt.Errorf("splitting the host: %w", err)
		}
		n, err := strconv.ParseUint(portText, 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("port %q of the host is not a port", portText)
		}
		port = uint(n)
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if host == "" {
		return "", 0, errors.New("the host is empty")
	}
	return host, port, nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// isHostname reports whether every label is a non-empty letter-digit-hyphen
// label (RFC 1123 section 2.1): Caddy's wildcard alone also admits ".example.com".
func isHostname(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return len(host) <= 253
}

// IsLoopbackName reports whether host is localhost, a name below it (RFC 6761
// section 6.3) or a loopback address.
func IsLoopbackName(host string) bool {
	if host == "localhost" || (strings.HasSuffix(host, ".localhost") && isHostname(host)) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// IsLoopbackPeer reports whether the connection itself comes from this machine.
func IsLoopbackPeer(r *http.Request) bool {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && addr.Addr().Unmap().IsLoopback()
}

// IsDirectLoopback reports whether the visitor sits at this machine: neither
// the resolved client address nor a forwarding header speaks of another one.
func IsDirectLoopback(r *http.Request) bool {
	if !IsLoopbackPeer(r) {
		return false
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if _, forwarded := r.Header[header]; forwarded {
			return false
		}
	}
	return true
}

// IsHTTPS reports whether the visitor's connection is https: this connection
// is, or a peer in trusted_proxies says that its own is.
func IsHTTPS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	if !trusted {
		return false
	}
	proto := r.Header["X-Forwarded-Proto"]
	if len(proto) != 1 {
		return false
	}
	first, _, _ := strings.Cut(proto[0], ",") // the one nearest to the visitor
	return strings.EqualFold(strings.TrimSpace(first), "https")
}

// ClientIP is the visitor's address as Caddy resolved it (trusted_proxies).
func ClientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

// ParseOrigin accepts an http or https URL that names an origin and no more.
func ParseOrigin(raw string) (string, error) {
	if strings.Contains(raw, "{") {
		return "", fmt.Errorf("%q can't have a placeholder that is filled in later: write the address itself, or {$NAME}, which Caddy fills in when it reads the Caddyfile", raw)
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
		u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q must be a scheme and host such as https://app.example.com (the path goes into base_path)", raw)
	}
	host, port, err := SplitHost(u.Host)
	if err != nil {
		return "", fmt.Errorf("%q: %w", raw, err)
	}
	if !isASCII(host) { // browsers send it in this form (RFC 5891)
		if host, err = idna.Lookup.ToASCII(host); err != nil {
			return "", fmt.Errorf("%q is no name that browsers take: %w", raw, err)
		}
	}
	if strings.Contains(host, "*") {
		return "", fmt.Errorf("%q must name one host, such as https://auth.example.com: for many hosts behind one sign-in there is cookie_domain", raw)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != 0 && !(u.Scheme == "http" && port == 80) && !(u.Scheme == "https" && port == 443) {
		host = fmt.Sprintf("%s:%d", host, port)
	}
	return u.Scheme + "://" + host, nil
}
