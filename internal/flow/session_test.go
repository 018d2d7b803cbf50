package flow

import (
	"strings"
	"testing"
)

func TestUserAgentsAreFitForATerminal(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Mozilla/5.0 (X11)":            "Mozilla/5.0 (X11)",
		"a\x1b[31mb\x00\r\nc\u202e":    "a[31mbc",
		"\xff\xfe":                     "",
		strings.Repeat("x", 119) + "é": strings.Repeat("x", 119),
	} {
		if got := agentOf(header); got != want {
			t.Errorf("%q becomes %q, want %q", header, got, want)
		}
	}
}
