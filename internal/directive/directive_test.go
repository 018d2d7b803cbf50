package directive

import (
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
	}, "line")
	return got, err
}

func TestABlock(t *testing.T) {
	t.Parallel()
	got, err := parse(t, `x {
		name "A B"
		paths a.b c
		scopes one two
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
	}`)
	want := settings{
		name: "A B", paths: "a.b|c", scopes: []string{"one", "two"}, params: map[string]string{"a": "b", "c": "d=e"},
		own: map[string]string{"region": "eu"}, on: true, number: 7, wait: caddy.Duration(90 * time.Second), inner: "inside", lines: 2,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := parse(t, "x"); err != nil || !reflect.DeepEqual(got, settings{}) {
		t.Errorf("no block: %+v, %v", got, err)
	}
}

func TestMistakesInABlock(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"name a\nname b":       "name is written twice, at Caddyfile:3",
		"scope a":              `unknown option "scope": did you mean scopes?`,
		"zzzzzz":               `unknown option "zzzzzz": write one of inner, line, name,`,
		"name":                 "name needs exactly one value",
		"name a b":             "name needs exactly one value",
		`name ""`:              "name needs exactly one value",
		"scopes":               "scopes needs values",
		`paths ""`:             "paths needs values",
		"params":               "params needs values",
		"params a=b a=c":       `params: "a=c" is not a new <name>=<value>`,
		"params a":             `params: "a" is not a new <name>=<value>`,
		"on off":               `on takes no value: leave "off" out`,
		"number 10":            "number must be a number from 1 to 9",
		"number 0":             "number must be a number from 1 to 9",
		"wait 1ms":             `wait "1ms" must be a duration`,
		"wait soon":            `wait "soon" must be a duration`,
		"inner a":              "inner takes a block, with one of name on each line",
		"inner {\nname a b\n}": "name needs exactly one value",
		"inner {\nnumber 1\n}": `unknown option "number"`,
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
