package request

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// BadTarget says why a request target is refused: for what in it a path matcher,
// a proxy and an upstream may read in different ways, in the request as the
// client sent it or as it is after rewrites. Empty means that it is fine: the
// path begins with exactly one slash and has no dot segments, however they are
// spelt. An empty path, as in "GET http://example.com HTTP/1.1", is made "/",
// for that is how it is sent on (RFC 9110 section 4.2.3).
//
// Encoded slashes, parameters and doubled slashes further in pass: real APIs
// need them, and path matchers see the decoded path.
func BadTarget(r *http.Request) string {
	line := r.RequestURI
	if asked, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && asked.URL != nil {
		if reason := badMethod(asked.Method, r); reason != "" {
			return reason
		}
		// Where the path is still the one asked for, once is enough.
		if asked.URL.Path != r.URL.Path {
			if reason := badURL(asked.URL); reason != "" {
				return reason
			}
		}
		line = asked.RequestURI
	}
	if reason := badMethod(r.Method, r); reason != "" {
		return reason
	}
	if reason := badLine(line, r.ProtoMajor); reason != "" {
		return reason
	}
	if reason := badURL(r.URL); reason != "" {
		return reason
	}
	if r.URL.Path == "" {
		r.URL.Path, r.URL.RawPath = "/", ""
	}
	return ""
}

// badMethod refuses CONNECT, which asks for a tunnel and has no path (RFC 9110
// section 9.3.6), unless it opens a WebSocket over HTTP/2 (RFC 8441) or HTTP/3
// (RFC 9220), which has one.
func badMethod(method string, r *http.Request) string {
	if method == http.MethodConnect && !isWebSocketConnect(r) {
		return "the method is CONNECT"
	}
	return ""
}

// HasLowerCase reports of a method that matchers may read it otherwise than an
// upstream: methods have their case (RFC 9110 section 9.1), but Caddy sends them
// to FastCGI in capitals.
func HasLowerCase(method string) bool {
	return strings.ContainsFunc(method, unicode.IsLower)
}

// isWebSocketConnect reports the extended CONNECT that reverse_proxy passes on
// as a WebSocket: net/http puts the protocol into the header, quic-go into Proto.
func isWebSocketConnect(r *http.Request) bool {
	switch r.ProtoMajor {
	case 2:
		return r.Header.Get(":protocol") == "websocket"
	case 3:
		return r.Proto == "websocket"
	}
	return false
}

// badLine refuses a target as it was sent that holds what none may hold (RFC 9112
// section 3.2), but which HTTP/2 and net/http let pass, into the query at least.
// It is empty where a handler made the request.
func badLine(target string, protoMajor int) string {
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == '#' || c == 0x7f {
			return "the target holds a blank, a control character or a number sign"
		}
	}
	if protoMajor >= 2 && target != "" && target[0] != '/' {
		return "the target does not begin with a slash" // RFC 9113 section 8.3.1
	}
	return ""
}

// badURL refuses a target that is not a path, or not an absolute http or https
// URL with a host and without user information (RFC 9110 sections 4.2.1 and 4.2.4).
func badURL(u *url.URL) string {
	switch {
	case u.Opaque != "":
		return "the target is an opaque URL"
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		return "the target is a URL of another scheme"
	case u.Scheme != "" && u.Host == "":
		return "the target is a URL without a host"
	case u.User != nil:
		return "the target holds user information"
	case u.Path == "":
		return ""
	default:
		return badPath(u.Path)
	}
}

// badPath refuses a decoded path.
func badPath(path string) string {
	if path[0] != '/' {
		return "the path does not begin with a slash"
	}
	if strings.HasPrefix(path, "//") {
		return "the path begins with two slashes" // a URL parser takes what follows for a host
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c < ' ' || c == 0x7f:
			return "the path holds a control character" // URL parsers and patterns drop some of them
		case c == '\\':
			return "the path holds a backslash"
		}
	}
	if !utf8.ValidString(path) {
		return "the path is not valid UTF-8"
	}
	return badSegments(path[1:])
}

// badSegments refuses dot segments, and what servlet containers make of
// parameters, which they drop first: to them /open/..;/guarded is /guarded, and
// so is /;x/guarded.
func badSegments(path string) string {
	for more := true; more; {
		var segment string
		segment, path, more = strings.Cut(path, "/")
		name, _, _ := strings.Cut(segment, ";")
		switch {
		case name == "." || name == "..":
			return "the path holds a dot segment"
		case name == "" && segment != "" && more:
			return "the path holds a segment of parameters alone"
		}
	}
	return ""
}
