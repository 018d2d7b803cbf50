package directive

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

type settings struct {
	name, paths string
	scopes      []string
	params, own map[string]string
	on          bool
	number      int
	wait        caddy.Duration
	inner       string
	lines       int
	mode, empty string
	even        string
	lives       caddy.Duration
	size        int64
	entries     map[string]string
	section     string
}

func parse(t *testing.T, text string) (settings, error) {
	t.Helper()
	tokens, err := caddyfile.Tokenize([]byte(text), "Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	d := caddyfile.NewDispenser(tokens)
	d.Next()
	var got settings
	err = Read(d, Options{
		"name": One(&got.name), "paths": Alternatives(&got.paths), "scopes": Some(&got.scopes),
		"params": Pairs(&got.params), "region": Entry(&got.own), "on": Flag(&got.on),
		"number": Number(&got.number, 9), "wait": Duration(&got.wait, time.Second),
		"inner": Inner(Options{"name": One(&got.inner)}),
		"line":  func(*caddyfile.Dispenser) error { got.lines++; return nil },
		"mode":  OneOf(&got.mode, "fast", "safe"), "empty": OneOrEmpty(&got.empty),
		"even": Checked(&got.even, func(value string) error {
			if len(value)%2 != 0 {
				return errors.New("even is odd")
			}
			return nil
		}),
		"lives": Lifetime(&got.lives), "size": Size(&got.size, 1<<20, "64MiB"), "entries": Entries(&got.entries),
		"section": Section{Name: "part", Unknown: "%q is not known: write nothing"}.Inner(Options{"name": One(&got.section)}),
	}, "line", "scopes")
	return got, err
}

func TestABlock(t *testing.T) {
	t.Parallel()
	got, err := parse(t, `x {
		name "A B"
		paths a.b c
		scopes one two
		scopes three
		params a=b c=d=e
		region eu
		on
		number 7
		wait 90s
		inner {
			name inside
		}
		line
		line
		mode safe
		empty ""
		even four
		lives 30d
		size 2MiB
		entries {
			A b
			C d
		}
		section {
			name within
		}
	}`)
	want := settings{
		name: "A B", paths: "a.b|c", scopes: []string{"one", "two", "three"}, params: map[string]string{"a": "b", "c": "d=e"},
		own: map[string]string{"region": "eu"}, on: true, number: 7, wait: caddy.Duration(90 * time.Second), inner: "inside", lines: 2,
		mode: "safe", even: "four", lives: caddy.Duration(30 * 24 * time.Hour), size: 2 << 20, entries: map[string]string{"A": "b", "C": "d"}, section: "within",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := parse(t, "x {\neven \"\"\n}"); err != nil {
		t.Errorf("an empty value that the check takes: %v", err)
	}
	if got, err := parse(t, "x"); err != nil || !reflect.DeepEqual(got, settings{}) {
		t.Errorf("no block: %+v, %v", got, err)
	}
}

func TestMistakesInABlock(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"name a\nname b":         "name is written twice, at Caddyfile:3",
		"scope a":                `unknown option "scope": did you mean scopes?`,
		"zzzzzz":                 `unknown option "zzzzzz": write one of empty, entries, even, inner, line, lives, mode, name,`,
		"name":                   "name needs exactly one value",
		"name a b":               "name needs exactly one value",
		`name ""`:                "name needs exactly one value",
		"scopes":                 "scopes needs values",
		`paths ""`:               "paths needs values",
		"params":                 "params needs values",
		"params a=b a=c":         `params: "a=c" is not a new <name>=<value>`,
		"params a":               `params: "a" is not a new <name>=<value>`,
		"on off":                 `on takes no value: leave "off" out`,
		"number 10":              "number must be a number from 1 to 9",
		"number 0":               "number must be a number from 1 to 9",
		"wait 1ms":               `wait "1ms" must be a duration`,
		"wait soon":              `wait "soon" must be a duration`,
		"mode fats":              `mode "fats" is not known: write fast or safe`,
		`mode ""`:                `mode "" is not known: write fast or safe`,
		"mode":                   "mode needs exactly one value",
		"mode fast safe":         "mode needs exactly one value",
		"empty":                  "empty needs exactly one value",
		"even odd":               "even is odd",
		"even":                   "even needs exactly one value",
		"even of two":            "even needs exactly one value",
		"lives 30 days":          `lives "30 days" must be a duration of a second or more`,
		"lives 1ms":              `lives "1ms" must be a duration of a second or more`,
		"size 1kB":               `size "1kB" is not a size of 1MiB or more: write a number and a unit, such as 64MiB`,
		"size":                   "size needs one value, such as 64MiB",
		"size 9EiB":              "is not a size of",
		"entries {\na b\na c\n}": "a is written twice",
		"entries {\na\n}":        "a needs exactly one value",
		"section {\nzzz\n}":      `part: "zzz" is not known: write nothing`,
		"section {\nnam a\n}":    `part: unknown option "nam": did you mean name?`,
		"section {\nname\n}":     "part: name needs exactly one value",
		"inner a":                "inner takes a block, with one of name on each line",
		"inner {\nname a b\n}":   "name needs exactly one value",
		"inner {\nnumber 1\n}":   `unknown option "number"`,
	} {
		_, err := parse(t, "x {\n"+text+"\n}")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	t.Setenv("DIRECTIVE_TEST", "value")
	p := Placeholders{Later: regexp.MustCompile(`\{later\}`)}
	for written, want := range map[string]string{
		"":                                 "",
		"plain":                            "plain",
		"a {env.DIRECTIVE_TEST} {later}":   "a value {later}",
		`\{env.DIRECTIVE_TEST\}`:           "{env.DIRECTIVE_TEST}",
		"{env.NO_SUCH}":                    "error: {env.NO_SUCH} is empty or can't be read",
		"s{half a secret}":                 "error: a placeholder in it is unknown, empty or can't be read",
		"{env.DIRECTIVE_TEST}{env.NO_ONE}": "error: a placeholder in it is unknown, empty or can't be read",
	} {
		got := written
		err := p.Expand("field", &got)
		if problem, fails := strings.CutPrefix(want, "error"); fails {
			if err == nil || !strings.Contains(err.Error(), "field"+problem) || strings.Contains(err.Error(), "secret") || got != written {
				t.Errorf("%q: %q, %v", written, got, err)
			}
		} else if err != nil || got != want {
			t.Errorf("%q: %q, %v", written, got, err)
		}
	}
	written := map[string]string{"a": "{env.DIRECTIVE_TEST}"}
	values := written
	if err := ExpandMap("params", &values); err != nil || values["a"] != "value" || written["a"] == "value" {
		t.Errorf("%v, %v, %v", values, written, err)
	}
	values = map[string]string{"a": "{env.NO_SUCH}"}
	if err := ExpandMap("params", &values); err == nil || !strings.Contains(err.Error(), "params a: {env.NO_SUCH}") {
		t.Error(err)
	}
	if p.IsDynamic("{later}") || !p.IsDynamic("{env.A}") || !IsDynamic("{later}") || IsDynamic("x") {
		t.Error("what is dynamic is not what holds a placeholder that is expanded when it is loaded")
	}
}
