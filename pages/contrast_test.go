package pages

import (
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// pairs are the colours that touch each other: what is drawn, on what, and the
// least contrast (WCAG 2.2, 1.4.3 for text, 1.4.11 for edges and focus).
var pairs = []struct {
	drawn, on string
	least     float64
}{
	{"ink", "card", 4.5},
	{"ink", "ground", 4.5}, // a button under the pointer
	{"muted", "card", 4.5},
	{"muted", "ground", 4.5}, // the footer
	{"on-accent", "accent", 4.5},
	{"on-accent", "accent-hover", 4.5},
	{"alert-ink", "alert-ground", 4.5},
	{"note-ink", "note-ground", 4.5},
	{"accent", "card", 3},
	{"edge", "card", 3},
	{"edge", "ground", 3},
	{"focus", "card", 3},
	{"focus", "ground", 3},
	{"alert-edge", "card", 3},
	{"note-edge", "card", 3},
}

var (
	rootBlock = regexp.MustCompile(`:root \{([^}]*)\}`)
	property  = regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
)

func TestColoursKeepTheirContrastInBothThemes(t *testing.T) {
	t.Parallel()
	blocks := rootBlock.FindAllStringSubmatch(styleSource, -1)
	light, dark := colours(blocks[0][1]), colours(blocks[1][1])
	if !strings.Contains(styleSource, "prefers-color-scheme: dark") {
		t.Fatal("no dark theme")
	}
	for theme, palette := range map[string]map[string]float64{"light": light, "dark": dark} {
		for _, pair := range pairs {
			drawn, ok := palette[pair.drawn]
			on, found := palette[pair.on]
			if !ok || !found {
				t.Errorf("%s: no colour %s or %s", theme, pair.drawn, pair.on)
				continue
			}
			if got := contrast(drawn, on); got < pair.least {
				t.Errorf("%s: %s on %s is %.2f, less than %.1f", theme, pair.drawn, pair.on, got, pair.least)
			}
		}
	}
}

func TestThemesSetTheSameColours(t *testing.T) {
	t.Parallel()
	blocks := rootBlock.FindAllStringSubmatch(styleSource, -1)
	light, dark := colours(blocks[0][1]), colours(blocks[1][1])
	if !maps.EqualFunc(light, dark, func(float64, float64) bool { return true }) {
		t.Error("a colour is missing from one theme")
	}
	rest := rootBlock.ReplaceAllString(styleSource, "")
	if literal := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|rgba?\(`).FindString(rest); literal != "" {
		t.Errorf("%s is a colour that no theme can set", literal)
	}
	for _, used := range regexp.MustCompile(`var\(--([a-z-]+)\)`).FindAllStringSubmatch(styleSource, -1) {
		if _, ok := light[used[1]]; !ok {
			t.Errorf("%s is not set", used[1])
		}
	}
}

// colours are the relative luminances of a theme's properties.
func colours(block string) map[string]float64 {
	palette := make(map[string]float64)
	for _, m := range property.FindAllStringSubmatch(block, -1) {
		palette[m[1]] = luminance(m[2])
	}
	return palette
}

// luminance is WCAG's relative luminance of #rrggbb.
func luminance(hex string) float64 {
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(a, b float64) float64 {
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}
