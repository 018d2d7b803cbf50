package redirect_test

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
)

func TestAllowedOriginsAreReadOrRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		"https://partner.example":         true,
		"https://partner.example:8443":    true,
		"http://localhost:3000":           true,
		"http://127.0.0.1:3000":           true,
		"http://[::1]:3000":               true,
		"http://my_app:3000":              true,
		"HTTPS://*.Example.ORG":           true,
		"https://*.example.org:8443":      true,
		"https://*.localhost":             true,
		"https://xn--bcher-kva.example":   true,
		"":                                false,
		"partner.example":                 false,
		"//partner.example":               false,
		"ftp://partner.example":           false,
		"https://":                        false,
		"https://partner.example/":        false,
		"https://partner.example/app":     false,
		"https://partner.example?x":       false,
		"https://partner.example#x":       false,
		"https://user@partner.example":    false,
		"https://partner.example:0":       true,
		"https://partner.example:":        false,
		"https://partner.example:08443":   false,
		"https://partner.example:65536":   false,
		"https://partner.example.":        false,
		"https://partner..example":        false,
		"https://-a.example":              false,
		"https://bücher.example":          false,
		"https://a%2eb.example":           false,
		"https://*":                       false,
		"https://*.":                      false,
		"https://*example.org":            false,
		"https://a.*.example.org":         false,
		"https://*.*.example.org":         false,
		"https://*.my_app.example":        false,
		"https://*.0.0.1":                 false,
		"https://*.127.0.0.1":             false,
		"https://*.[::1]":                 false,
		"http://127.1":                    false,
		"http://2130706433":               false,
		"http://0x7f.0.0.0x1":             false,
		"http://[::1%25eth0]":             false,
		" https://partner.example":        false,
		"https://{env.PARTNER}":           false,
		"https://a.example https://b.org": false,
	}
	for s, want := range cases {
		_, err := redirect.ParseAllowed(s)
		if (err == nil) != want {
			t.Errorf("%q: %v", s, err)
		}
		if err != nil && !strings.Contains(err.Error(), s) {
			t.Errorf("%q isn't named in: %v", s, err)
		}
	}
}

func TestOneBadOriginRefusesTheList(t *testing.T) {
	t.Parallel()
	if allowed, err := redirect.ParseAllowed("https://a.example", "b.example"); err == nil || allowed != nil {
		t.Errorf("%v, %v", allowed, err)
	}
}

func TestAWildcardStandsForWholeLabels(t *testing.T) {
	t.Parallel()
	allowed, err := redirect.ParseAllowed("https://*.example.org:8443")
	if err != nil {
		t.Fatal(err)
	}
	p := redirect.Policy{Origin: app, Allowed: allowed}
	long := strings.Repeat("a", 63)
	cases := map[string]bool{
		"https://a.example.org:8443/":                                true,
		"https://a.b.c.example.org:8443/x":                           true,
		"https://A-1.EXAMPLE.org:8443":                               true,
		"https://" + long + ".example.org:8443/":                     true,
		"https://" + long + "a.example.org:8443/":                    false,
		"https://example.org:8443/":                                  false,
		"https://.example.org:8443/":                                 false,
		"https://aexample.org:8443/":                                 false,
		"https://a..example.org:8443/":                               false,
		"https://a-.example.org:8443/":                               false,
		"https://a_b.example.org:8443/":                              false,
		"https://a.example.org/":                                     false,
		"http://a.example.org:8443/":                                 false,
		"https://a.example.org.evil.example:8443/":                   false,
		"https://" + strings.Repeat("a.", 125) + "example.org:8443/": false,
	}
	for value, want := range cases {
		if _, ok := p.Resolve(value); ok != want {
			t.Errorf("%.60s: %v", value, ok)
		}
	}
}

func FuzzParseAllowedNeverAllowsMoreThanItSays(f *testing.F) {
	f.Add("https://*.example.org")
	f.Add("https://partner.example:8443")
	f.Fuzz(func(t *testing.T, s string) {
		allowed, err := redirect.ParseAllowed(s)
		if err != nil {
			return
		}
		p := redirect.Policy{Origin: app, Allowed: allowed}
		plain := strings.Replace(s, "://*.", "://", 1)
		if _, ok := p.Resolve(plain); ok != (plain == s) {
			t.Errorf("%q: %s is allowed: %v", s, plain, ok)
		}
		if _, ok := p.Resolve("https://evil.invalid"); ok && !strings.HasSuffix(strings.ToLower(s), "invalid") && !strings.HasSuffix(strings.ToLower(s), "invalid:443") {
			t.Errorf("%q allows another host", s)
		}
	})
}
