package main

import (
	"os"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
)

func TestTheProvidersPageIsMadeFromTheTable(t *testing.T) {
	written, err := os.ReadFile("../../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != page() {
		t.Error("docs/providers.md is not what the table says: run go generate ./providers")
	}
}

func TestThePageNamesEveryPresetOnce(t *testing.T) {
	table, _, _ := strings.Cut(page(), "## What differs")
	for _, name := range providers.PresetNames() {
		if got := strings.Count(table[strings.Index(table, "|---"):], "`"+name+"`"); got != 1 {
			t.Errorf("%s stands %d times in the table", name, got)
		}
	}
}

// Markdown would take a bar for the end of a cell.
func TestNoCellHoldsABar(t *testing.T) {
	for line := range strings.Lines(page()) {
		if bars := strings.Count(line, "|"); strings.HasPrefix(line, "|") && bars != 7 && bars != 4 {
			t.Errorf("%d bars in %s", bars, line)
		}
	}
}
