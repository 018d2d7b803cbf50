package response

import (
	"strings"
	"unicode"
)

// Cut shortens a text to so many bytes.
func Cut(s string, most int) string {
	if len(s) > most {
		return s[:most]
	}
	return s
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
