package signin

import (
	"encoding/json"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
)

func TestModuleNames(t *testing.T) {
	const all = "credentials, email, oauth2, oidc"
	for raw, want := range map[string]string{
		`{"provider":"oidc","client_secret":"x"}`: "",
		`{"client_secret":"s3same"}`:              `it doesn't say what it is: write "provider" with one of ` + all,
		`{"provider":7,"client_secret":"s3same"}`: `it doesn't say what it is: write "provider" with one of ` + all,
		`null`:                  `it doesn't say what it is: write "provider" with one of ` + all,
		`{"provider":"google"}`: `provider "google" is not known: write one of ` + all,
	} {
		got := ""
		if err := checkModuleName(json.RawMessage(raw), "provider", providers.Namespace); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}
