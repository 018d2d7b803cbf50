package main

import (
	"os"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/oauth"
)

func TestThePagesAreMadeFromTheTable(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]func(written string) (string, error){
		providersPage:     func(string) (string, error) { return page(), nil },
		compatibilityPage: fill,
	} {
		written, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := made(string(written)); err != nil || string(written) != want {
			t.Errorf("docs/%s is not what the table says (%v): run go generate ./providers", name, err)
		}
	}
}

func TestThePagesNameEveryPresetOnce(t *testing.T) {
	t.Parallel()
	table, _, _ := strings.Cut(page(), "## To know")
	for what, text := range map[string]string{"the table": table[strings.Index(table, "|---"):], "the differences": differences()} {
		for _, name := range oauth.PresetNames() {
			if got := strings.Count(text, "`"+name+"`"); got != 1 {
				t.Errorf("%s stands %d times in %s", name, got, what)
			}
		}
	}
}

func TestEveryProviderSaysWhatDiffers(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(differences()) {
		if strings.HasPrefix(line, "| `") && strings.HasSuffix(line, "|  |\n") {
			t.Errorf("nothing is said in %s", line)
		}
	}
}

// Markdown would take a bar for the end of a cell.
func TestNoCellHoldsABar(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(page() + differences()) {
		if bars := strings.Count(line, "|"); strings.HasPrefix(line, "|") && bars != 7 && bars != 3 {
			t.Errorf("%d bars in %s", bars, line)
		}
	}
}
