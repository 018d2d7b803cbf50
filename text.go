package signin

import (
	"strings"
	"unicode"
)

// cut shortens a text to so many bytes.
func cut(s string, most int) string {
	if len(s) > most {
		return s[:most]
	}
	return s
}

// printable leaves out what a terminal obeys instead of showing it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
}
