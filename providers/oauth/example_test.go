package oauth_test

import (
	"fmt"

	"github.com/caddy-signin/caddy-signin/providers/oauth"
)

// What a person who writes a configuration needs to know of a known provider.
func ExamplePresets() {
	for _, preset := range oauth.Presets() {
		if preset.Name != "auth0" {
			continue
		}
		fmt.Println(preset.Display, "is of kind", preset.Kind)
		fmt.Println("it asks for", preset.Scopes)
		for _, option := range preset.Options {
			fmt.Printf("option %s: %s (required: %t)\n", option.Name, option.Use, option.Required)
		}
	}
	// Output:
	// Auth0 is of kind oidc
	// it asks for [openid email profile]
	// option issuer: such as https://example.eu.auth0.com/ (required: true)
}
