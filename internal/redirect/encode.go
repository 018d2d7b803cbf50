package redirect

import "strings"

const hexDigits = "0123456789ABCDEF"

// Location returns target as it is written into a Location header: what a URL
// may not hold as it is, and so all that a header may not hold, is
// percent-encoded. That changes no good address for a browser, which does the same.
func Location(target string) string { return escapeBytes(target, "\"<>\\") }

// escapeBytes percent-encodes blanks, control characters, all beyond ASCII, and
// the characters of set.
func escapeBytes(s, set string) string {
	plain := func(c byte) bool { return ' ' < c && c < 0x7f && strings.IndexByte(set, c) < 0 }
	return string(appendEscaped(make([]byte, 0, len(s)), s, plain))
}

// AddQuery returns base with query parameters: pairs are names and values by
// turns, encoded as JavaScript's encodeURIComponent does. A pair with an empty
// value is left out. base may have a query and a fragment already.
func AddQuery(base string, pairs ...string) string {
	address, fragment, hasFragment := strings.Cut(base, "#")
	b := []byte(address)
	separator := byte('?')
	if strings.Contains(address, "?") {
		separator = '&'
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		b = append(b, separator)
		b = appendEscaped(b, pairs[i], isUnreserved)
		b = append(b, '=')
		b = appendEscaped(b, pairs[i+1], isUnreserved)
		separator = '&'
	}
	if hasFragment {
		b = append(b, '#')
		b = append(b, fragment...)
	}
	return string(b)
}

// appendEscaped appends s, percent-encoding the bytes that aren't plain.
func appendEscaped(dst []byte, s string, plain func(byte) bool) []byte {
	for i := range len(s) {
		c := s[i]
		if plain(c) {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// encodedLength returns the length of s encoded by encodeURIComponent.
func encodedLength(s string) int {
	n := len(s)
	for i := range len(s) {
		if !isUnreserved(s[i]) {
			n += len("%2F") - 1
		}
	}
	return n
}

// isUnreserved says whether encodeURIComponent leaves c as it is (ECMA-262,
// section 19.2.6.4).
func isUnreserved(c byte) bool {
	return isLetterOrDigit(c) || strings.IndexByte("-_.!~*'()", c) >= 0
}
