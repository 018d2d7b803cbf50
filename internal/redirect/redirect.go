// Package redirect decides where a browser may be sent after a sign-in, a
// sign-out or a gate: the rules for callbackUrl. They are stricter than
// NextAuth.js's where its own let a browser read an address otherwise than the
// server did. All functions are pure.
package redirect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxLength is the longest return address, origin included, in bytes.
	MaxLength = 2048
	// maxEncoded is the longest return address in a cookie, percent-encoded: name
	// and attributes included, the cookie then stays below 4096 bytes.
	maxEncoded = 3750
)

// Policy says which return addresses are good. It is a small value, made where
// the public origin of a request is known.
type Policy struct {
	// Origin is the public origin, such as "https://app.example.com": scheme, host
	// and port, no slash at the end. Paths are resolved against it, and what is
	// refused falls back to it.
	Origin string
	// Allowed are further origins. Default: none.
	Allowed Allowed
}

// Resolve returns the address that a callbackUrl means: a path on Origin, or an
// absolute URL, verbatim, whose origin is Origin or allowed. It refuses everything
// else (CWE-601) and then returns Origin and false:
//
//   - text that isn't UTF-8, control characters, a backslash, white space at
//     either end, and more than 2048 bytes: browsers read such addresses in their
//     own ways (WHATWG URL, section 4.4), or cookies don't hold them;
//   - other schemes, hosts and ports, user information, and every form of an
//     absolute URL but http://host and https://host;
//   - a path that begins with two slashes, encoded ones and backslashes counted,
//     before or after dot segments are removed: taken alone it would name
//     another host.
//
// Scheme and host are compared without case, and a default port equals none.
func (p Policy) Resolve(value string) (target string, ok bool) {
	target = value
	if strings.HasPrefix(value, "/") {
		target = p.Origin + value
	}
	if !p.allows(target) {
		return p.Origin, false
	}
	return target, true
}

// allows says whether a browser may be sent to an absolute URL.
func (p Policy) allows(target string) bool {
	if len(target) > MaxLength || !isClean(target) || encodedLength(target) > maxEncoded {
		return false
	}
	asked, path, ok := split(target)
	if !ok || !isSafePath(path) {
		return false
	}
	if own, rest, ok := split(p.Origin); ok && rest == "" && asked.equal(own) {
		return true
	}
	return p.Allowed.match(asked)
}

// FromRequest returns the address of the request that a gate turned away, from
// the path and the query of its original target, both as they were sent.
// Slashes at the beginning become one; what Resolve refuses becomes Origin.
func (p Policy) FromRequest(rawPath, rawQuery string) string {
	// In a request's target a number sign is data: nothing follows as a fragment.
	target := "/" + escapeBytes(strings.TrimLeft(rawPath, "/"), "?#")
	if rawQuery != "" {
		target += "?" + escapeBytes(rawQuery, "#")
	}
	target, _ = p.Resolve(Location(target))
	return target
}

// isClean says that browsers take s as it stands: they drop control characters
// and blanks at the ends, and turn backslashes around.
func isClean(s string) bool {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.Contains(s, `\`) {
		return false
	}
	return strings.TrimFunc(s, isBlank) == s
}

// isBlank says whether r is white space, the byte order mark included.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\uFEFF' }
