package authjs

import (
	"errors"
	"math/bits"
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
	// Of each part the first value that came and the last.
	first, last [maxChunks]string
	seen        uint32 // bit i: a cookie .i came; bit maxChunks: one without a number
	repeated    bool   // some cookie came more than once
}

// wholeBit marks in Received.seen that a cookie without a number came.
const wholeBit = 1 << maxChunks

// ReadSession collects the session cookies of a request from its Cookie header
// lines, in one pass. Only .0 to .15 are numbers; .00, .16 and -x are not ours to
// read.
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
			r.repeated = r.repeated || r.wholes > 0
			r.whole[r.wholes] = decodeValue(value)
			r.wholes++
		}
		return
	}
	i, ok := partNumber(suffix)
	if !ok {
		return
	}
	r.seen |= 1 << i
	if value == "" {
		return
	}
	r.last[i] = decodeValue(value)
	if r.first[i] == "" {
		r.first[i] = r.last[i]
	} else {
		r.repeated = true
	}
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

// Repeated says that the request brought several cookies of one name: those of the
// host alone and of its domain, or what another application left there.
func (r *Received) Repeated() bool { return r.repeated }

// AppendTokens appends to dst the session tokens that the request may mean, eight at
// the most: its whole values, and its parts joined. Other cookies of the same names
// spoil neither: a set of parts ends before a gap and after the first part that is
// shorter than the first one, and where parts came twice, the first of each is one set
// and the last of each another. It allocates only to join.
func (r *Received) AppendTokens(dst []string) []string {
	dst = append(dst, r.whole[:r.wholes]...)
	if r.first[0] == "" {
		return dst
	}
	dst = appendSets(dst, &r.first)
	if r.repeated && r.first != r.last {
		dst = appendSets(dst, &r.last)
	}
	return dst
}

// appendSets appends the token that parts make, and where more parts follow than it
// should have, the one with those, too.
func appendSets(dst []string, parts *[maxChunks]string) []string {
	run, end := 0, 0
	for run < maxChunks && parts[run] != "" {
		if end == 0 && len(parts[run]) < len(parts[0]) {
			end = run + 1
		}
		run++
	}
	if end > 0 && end < run {
		dst = append(dst, strings.Join(parts[:end], ""))
	}
	return append(dst, strings.Join(parts[:run], ""))
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
