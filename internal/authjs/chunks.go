package authjs

import (
	"errors"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxChunks is how many parts a session cookie may have: .0 to .15.
	maxChunks = 16
	// maxSetCookie is the length of a Set-Cookie value that browsers are sure to
	// keep, in bytes.
	maxSetCookie = 4096
	// maxSession is how much a browser may send back for one session, in bytes:
	// many servers refuse a header block of more.
	maxSession = 16 << 10
)

// ErrTooLarge says that a session doesn't fit into cookies of 16 KiB together.
var ErrTooLarge = errors.New("session too large for cookies: it holds more than 16 KiB; store fewer groups or claims in it, or use the database strategy")

// Received is what a request brought of a session: whole values, numbered
// parts, or both. The zero value is a request without any.
type Received struct {
	whole  [maxCandidates]string
	wholes int
	parts  [maxChunks]string
	seen   uint32 // bit i: a cookie .i came; bit maxChunks: one without a number
}

// wholeBit marks in Received.seen that a cookie without a number came.
const wholeBit = 1 << maxChunks

// ReadSession collects the session cookies of a request from its Cookie header
// lines, in one pass. Only .0 to .15 are numbers; .00, .16 and -x are not ours to
// read. Of two parts with one number the first counts.
func (n *Names) ReadSession(lines []string) (r Received) {
	if Oversized(lines) {
		return r
	}
	for _, line := range lines {
		for line != "" {
			var name, value string
			name, value, line = nextCookie(line)
			if rest, ok := strings.CutPrefix(name, n.Session); ok {
				r.add(rest, value)
			}
		}
	}
	return r
}

// add notes a cookie whose name ends in suffix after the session's name.
func (r *Received) add(suffix, value string) {
	if suffix == "" {
		r.seen |= wholeBit
		if value != "" && r.wholes < maxCandidates {
			r.whole[r.wholes] = decodeValue(value)
			r.wholes++
		}
		return
	}
	i, ok := partNumber(suffix)
	if !ok {
		return
	}
	if r.seen&(1<<i) == 0 {
		r.parts[i] = decodeValue(value)
	}
	r.seen |= 1 << i
}

// partNumber reads the ".N" that ends the name of a part: decimal, no leading
// zero, below 16.
func partNumber(suffix string) (int, bool) {
	switch {
	case len(suffix) == 2 && suffix[0] == '.' && '0' <= suffix[1] && suffix[1] <= '9':
		return int(suffix[1] - '0'), true
	case len(suffix) == 3 && suffix[:2] == ".1" && '0' <= suffix[2] && suffix[2] < '0'+maxChunks-10:
		return 10 + int(suffix[2]-'0'), true
	}
	return 0, false
}

// Empty says that the request brought no session cookie at all, good or bad:
// there is nothing to delete.
func (r *Received) Empty() bool { return r.seen == 0 }

// AppendTokens appends to dst the session tokens that the request may mean, the
// likeliest first, four at the most: its whole values, or, when it has none, its
// parts joined. Parts are never mixed with a whole value, and parts with a gap
// are no token. It allocates only to join.
func (r *Received) AppendTokens(dst []string) []string {
	if r.wholes > 0 {
		return append(dst, r.whole[:r.wholes]...)
	}
	count := bits.Len32(r.seen &^ wholeBit)
	if count == 0 || slices.Contains(r.parts[:count], "") {
		return dst
	}
	return append(dst, strings.Join(r.parts[:count], ""))
}

// SessionCookies returns the cookies that give the browser this session token:
// one cookie or, when it is longer than the dialect's limit, numbered parts,
// and after them the deletion of every received cookie that isn't written anew.
// Domain and Expires are taken from attrs. token consists of characters that
// cookies carry unencoded, as session tokens of both strategies do. A token
// that doesn't fit is refused with [ErrTooLarge]: no half a session is written.
func (n *Names) SessionCookies(token string, attrs Cookie, got *Received) ([]Cookie, error) {
	attrs.Secure = n.Secure
	values := split(token, n.chunkSize(attrs))
	if len(values) > maxChunks || sentBack(n.Session, values) > maxSession {
		return nil, ErrTooLarge
	}
	cookies := make([]Cookie, len(values), len(values)+bits.OnesCount32(got.seen))
	for i, value := range values {
		cookies[i] = attrs
		cookies[i].Name, cookies[i].Value = partName(n.Session, i), value
	}
	written := uint32(1)<<len(values) - 1
	if len(values) == 1 {
		cookies[0].Name, written = n.Session, wholeBit
	}
	return n.appendDeletions(cookies, attrs, got.seen&^written), nil
}

// ClearSession returns the deletion of every session cookie that the request
// brought, parts included. Domain is taken from attrs.
func (n *Names) ClearSession(attrs Cookie, got *Received) []Cookie {
	attrs.Secure = n.Secure
	return n.appendDeletions(nil, attrs, got.seen)
}

// appendDeletions appends the deletion of the cookies in the set (see Received.seen).
func (n *Names) appendDeletions(dst []Cookie, attrs Cookie, set uint32) []Cookie {
	if set&wholeBit != 0 {
		dst = append(dst, attrs.deletion(n.Session))
	}
	for i := range maxChunks {
		if set&(1<<i) != 0 {
			dst = append(dst, attrs.deletion(partName(n.Session, i)))
		}
	}
	return dst
}

// chunkSize returns how many bytes of a session go into one cookie: the
// dialect's number, or fewer when a long domain leaves less room.
func (n *Names) chunkSize(attrs Cookie) int {
	attrs.Name, attrs.Value = partName(n.Session, maxChunks-1), ""
	return max(1, min(n.dialect.chunkSize, maxSetCookie-len(attrs.String())))
}

// split cuts s into pieces of size bytes; an empty s is one empty piece.
func split(s string, size int) []string {
	pieces := make([]string, 0, len(s)/size+1)
	for len(s) > size {
		pieces = append(pieces, s[:size])
		s = s[size:]
	}
	return append(pieces, s)
}

// sentBack returns how many bytes these values take in a Cookie header.
func sentBack(name string, values []string) int {
	total := 0
	for _, value := range values {
		total += len(name) + len(".0=; ") + len(value)
	}
	return total
}

// partName returns the name of the session cookie's part i.
func partName(session string, i int) string {
	return session + "." + strconv.Itoa(i)
}
