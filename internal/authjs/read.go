package authjs

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxHeader is how much of Cookie headers is read, in bytes, all lines together.
	maxHeader = 64 << 10
	// maxCandidates is how many values of one cookie name are looked at. A sibling
	// host or an earlier configuration can leave a second cookie of the same name.
	maxCandidates = 4
	// maxPending is how many pending sign-ins of one browser are looked at.
	maxPending = 32
)

// Oversized says that the Cookie header lines are longer than 64 KiB together.
// No cookie is read from such a request.
func Oversized(lines []string) bool {
	total := 0
	for _, line := range lines {
		total += len(line)
	}
	return total > maxHeader
}

// AppendValues appends to dst the values of the cookie name in the Cookie
// header lines, in the order received, four at the most, percent-decoded. Empty
// values count as absent. It doesn't allocate when dst has room and the values
// hold no percent sign.
func AppendValues(dst, lines []string, name string) []string {
	if Oversized(lines) {
		return dst
	}
	found := 0
	for _, line := range lines {
		for line != "" && found < maxCandidates {
			var got, value string
			got, value, line = nextCookie(line)
			if got == name && value != "" {
				dst = append(dst, decodeValue(value))
				found++
			}
		}
	}
	return dst
}

// AppendPending appends to dst the pending sign-ins that the Cookie header
// lines bring: Name and Value only, in the order received, 32 at the most.
// Browsers send the oldest first (RFC 6265, section 5.4).
func (n *Names) AppendPending(dst []Cookie, lines []string) []Cookie {
	if Oversized(lines) {
		return dst
	}
	found := 0
	for _, line := range lines {
		for line != "" && found < maxPending {
			var name, value string
			name, value, line = nextCookie(line)
			if n.isPending(name) {
				dst = append(dst, Cookie{Name: name, Value: decodeValue(value)})
				found++
			}
		}
	}
	return dst
}

// nextCookie splits the first cookie off a Cookie header line. The name is empty
// for a piece without "=". Blanks around name and value, and one pair of double
// quotes around the value, don't belong to them.
func nextCookie(line string) (name, value, rest string) {
	piece, rest, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(piece, "=")
	if !found {
		return "", "", rest
	}
	value = trimBlanks(value)
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	return trimBlanks(name), value, rest
}

// trimBlanks removes the spaces and tabs around s.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// decodeValue undoes percent-encoding as JavaScript's decodeURIComponent does.
// What isn't well-formed, or doesn't decode to UTF-8, is left as it came.
func decodeValue(s string) string {
	first := strings.IndexByte(s, '%')
	if first < 0 {
		return s
	}
	out := make([]byte, first, len(s))
	copy(out, s)
	for i := first; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return s
			}
			high, low := fromHex(s[i+1]), fromHex(s[i+2])
			if high < 0 || low < 0 {
				return s
			}
			c = byte(high<<4 | low)
			i += 2
		}
		out = append(out, c)
	}
	if !utf8.Valid(out) {
		return s
	}
	return string(out)
}

// fromHex returns the value of a hex digit of either case, or -1.
func fromHex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
