package request

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// HeaderNames is a set of header names compared in one normal form, so that no
// spelling that an upstream may fold into the same variable slips through:
// lower case, and every byte that is neither letter nor digit is a hyphen.
type HeaderNames struct {
	normal map[string]struct{}
	// lengths has a bit for each length of a name: most headers of a request
	// differ in length from all of them, and need no closer look.
	lengths uint64
}

// NewHeaderNames is the set of these names.
func NewHeaderNames(names ...string) *HeaderNames {
	set := &HeaderNames{normal: make(map[string]struct{}, len(names))}
	set.Add(names...)
	return set
}

// Add takes further names in. Nobody else may use the set meanwhile.
func (set *HeaderNames) Add(names ...string) {
	for _, name := range names {
		set.normal[normalHeader(name)] = struct{}{}
		set.lengths |= lengthBit(name)
	}
}

// lengthBit shares the highest bit among all long names.
func lengthBit(name string) uint64 { return 1 << min(len(name), 63) }

func normalHeader(name string) string {
	return string(appendNormal(make([]byte, 0, len(name)), name))
}

func appendNormal(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case (c < 'a' || c > 'z') && (c < '0' || c > '9'):
			c = '-'
		}
		dst = append(dst, c)
	}
	return dst
}

// longestHeaderName bounds the names that are compared without allocating.
const longestHeaderName = 64

// Has reports whether a name is in the set, in any spelling.
func (set *HeaderNames) Has(name string) bool {
	if set.lengths&lengthBit(name) == 0 {
		return false
	}
	var buf [longestHeaderName]byte
	if len(name) > len(buf) {
		_, ok := set.normal[normalHeader(name)]
		return ok
	}
	_, ok := set.normal[string(appendNormal(buf[:0], name))]
	return ok
}

// Strip removes what a client must not send to an upstream: the identity headers
// called names, and an upgrade to a tunnel.
func Strip(r *http.Request, names *HeaderNames) {
	stripIdentity(r, names)
	stripTunnel(r)
}

// stripIdentity removes every identity header that the client sent, in any
// spelling, from the headers, from the announced and unannounced trailers, and
// from the lists by which a client could have the real ones dropped as
// hop-by-hop (RFC 9110 section 7.6.1).
func stripIdentity(r *http.Request, names *HeaderNames) {
	StripHeaders(r.Header, names)
	for _, list := range hopByHopLists {
		if lines, ok := r.Header[list]; ok {
			stripList(r.Header, list, lines, names)
		}
	}
	if r.Trailer == nil {
		return
	}
	StripHeaders(r.Trailer, names)
	if r.Body != nil {
		r.Body = &trailerFilter{ReadCloser: r.Body, request: r, names: names}
	}
}

// stripTunnel keeps a client from asking the upstream for a connection on which
// it could send requests of its own behind every gate: over HTTP/2 (RFC 7540
// section 3.2, which RFC 9113 no longer has), or within TLS (RFC 2817). Servers
// may ignore Upgrade; WebSockets pass.
func stripTunnel(r *http.Request) {
	lines, ok := r.Header["Upgrade"]
	if ok && slices.ContainsFunc(lines, namesTunnel) {
		delete(r.Header, "Upgrade")
		delete(r.Header, "Http2-Settings")
	}
}

func namesTunnel(line string) bool {
	for token := range strings.SplitSeq(line, ",") {
		protocol, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(token)), "/")
		switch protocol {
		case "h2c", "h2", "http", "tls":
			return true
		}
	}
	return false
}

var hopByHopLists = []string{"Connection", "Proxy-Connection", "Keep-Alive", "Te"}

func stripList(header http.Header, list string, lines []string, names *HeaderNames) {
	var kept []string
	if !slices.ContainsFunc(lines, func(line string) bool { return listHas(line, names) }) {
		return
	}
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.TrimSpace(token); token != "" && !names.Has(token) {
				kept = append(kept, token)
			}
		}
	}
	if len(kept) == 0 {
		delete(header, list)
		return
	}
	header[list] = []string{strings.Join(kept, ", ")}
}

func listHas(line string, names *HeaderNames) bool {
	for token := range strings.SplitSeq(line, ",") {
		if names.Has(strings.TrimSpace(token)) {
			return true
		}
	}
	return false
}

// StripHeaders removes the headers of these names, in any spelling.
func StripHeaders(header http.Header, names *HeaderNames) {
	for name := range header {
		if names.Has(name) {
			delete(header, name)
		}
	}
}

// trailerFilter cleans the trailers once more when the body ends: that is when
// net/http fills them in, and reverse_proxy copies them right after.
type trailerFilter struct {
	io.ReadCloser
	request *http.Request
	names   *HeaderNames
}

// Read implements io.Reader.
func (f *trailerFilter) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if err != nil {
		StripHeaders(f.request.Trailer, f.names)
	}
	return n, err
}
