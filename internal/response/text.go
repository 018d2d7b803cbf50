package response

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Cut shortens a text to so many bytes, or fewer where a character would be cut in two.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// Printable leaves out what a terminal obeys instead of showing it.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
}
