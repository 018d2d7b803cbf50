package signin

import "testing"

func TestWildcardsOfRedirect(t *testing.T) {
	for origin, taken := range map[string]bool{
		"https://*.example.org":     true,
		"https://*.corp":            true, // nobody's in the public DNS
		"http://*.localhost:3000":   true,
		"https://*.com":             false,
		"https://*.co.uk":           false,
		"https://*.github.io":       false,
		"https://*.GitHub.io:8443":  false,
		"https://*.alice.github.io": true,
	} {
		if _, err := parseRedirects([]string{origin}); (err == nil) != taken {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
