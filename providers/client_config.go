package providers

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/caddyserver/caddy/v2"
)

// ClientConfig is what oidc and oauth2 providers have in common: the
// registration as a client at the provider (RFC 6749 section 2), and what to
// ask there. Endpoint names are those of RFC 8414.
//
// client_id, client_secret, issuer, the endpoints and the values of params may
// hold placeholders such as {env.GOOGLE_SECRET} or {file./run/secrets/google},
// which are resolved when the configuration is loaded and don't show in it. A
// brace that is part of the value is written \{.
type ClientConfig struct {
	// The provider's id: the last segment of its signin and callback paths, and
	// the first part of its users' ids, so it must not change later.
	// Default: the preset's name; required without a preset.
	ID string `json:"id,omitempty"`

	// What people read on the sign-in button. Default: the preset's display
	// name; without a preset the id.
	Name string `json:"name,omitempty"`

	// The name of a known provider whose row in the table gives everything that
	// isn't set here. Default: none.
	Preset string `json:"preset,omitempty"`

	// The client identifier that the provider issued. Default: none, required.
	ClientID string `json:"client_id,omitempty"`

	// The client secret. Default: none, required unless client_auth is none.
	ClientSecret string `json:"client_secret,omitempty"`

	// How the client proves itself at the token endpoint (RFC 7591 section 2):
	// client_secret_basic, client_secret_post or none.
	// Default: client_secret_basic.
	ClientAuth string `json:"client_auth,omitempty"`

	// The issuer identifier, compared byte for byte. An oidc provider finds all
	// else through it (OpenID Connect Discovery 1.0); an oauth2 provider only
	// compares it with the iss parameter of the callback (RFC 9207).
	// Default: the preset's; required for oidc without a preset.
	Issuer string `json:"issuer,omitempty"`

	// Where the browser is sent. Default: the discovered or the preset's.
	AuthorizationEndpoint string `json:"authorization_endpoint,omitempty"`

	// Where the code is exchanged. Default: the discovered or the preset's.
	TokenEndpoint string `json:"token_endpoint,omitempty"`

	// Where the profile is read. An oidc provider asks it only for what the ID
	// token lacks, and never when this is "off". Default: the discovered or the
	// preset's.
	UserinfoEndpoint string `json:"userinfo_endpoint,omitempty"`

	// The scopes to ask for. Default: the preset's; without a preset openid,
	// email, profile for oidc, and none for oauth2.
	Scopes []string `json:"scopes,omitempty"`

	// Further parameters of every authorization request. The browser can't
	// change them. Default: the preset's.
	Params map[string]string `json:"params,omitempty"`

	// Parameters that signIn() may add to the authorization request, besides
	// prompt, login_hint, ui_locales, max_age, acr_values and screen_hint.
	// Default: none.
	AllowParams []string `json:"allow_params,omitempty"`

	// What binds the callback to this browser and this request: pkce (RFC 7636,
	// S256), state, and for oidc nonce. state can't be left out; leaving another
	// one out logs a warning. Default: all of them.
	Checks []string `json:"checks,omitempty"`

	// Where in the provider's claims the parts of a profile stand.
	// Default: the preset's; without a preset the standard claims.
	Profile ProfileMap `json:"profile,omitzero"`

	// Permit plain http to hosts other than this machine. Whoever sits on the
	// way can then sign in as anyone. Default: false.
	InsecureHTTP bool `json:"insecure_http,omitempty"`

	// How to connect to the provider: the settings of reverse_proxy's http
	// transport (TLS trust, network_proxy, dial_timeout, ...). The environment's
	// HTTP_PROXY is not used; name a proxy here. Default: verified TLS, no proxy.
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`
}

// The two kinds of provider that a ClientConfig can be of: names of guest modules.
const (
	kindOIDC   = "oidc"
	kindOAuth2 = "oauth2"
)

const (
	checkPKCE  = "pkce"
	checkState = "state"
	checkNonce = "nonce"
)

// off switches an endpoint or a part of the profile off.
const off = "off"

// withDefaults returns what holds for a provider of this kind: first what is
// set in c, then the preset's row, then the kind's own defaults. Lists and maps
// are replaced, not merged.
func (c ClientConfig) withDefaults(kind string) ClientConfig {
	row, hasRow := presets[c.Preset]
	defaults := kindDefaults[kind]
	if hasRow {
		defaults.Profile = row.profile
		defaults.Scopes = row.scopes
		if !row.selfHosted(c) {
			setDefault(&c.Issuer, row.issuer)
			setDefault(&c.AuthorizationEndpoint, row.authorizationEndpoint)
			setDefault(&c.TokenEndpoint, row.tokenEndpoint)
			setDefault(&c.UserinfoEndpoint, row.userinfoEndpoint)
		}
		setDefault(&c.ID, c.Preset)
		setDefault(&c.Name, row.name)
		setDefault(&c.ClientAuth, row.clientAuth)
		if c.Params == nil {
			c.Params = row.params
		}
		if c.Checks == nil {
			c.Checks = row.checks
		}
	}
	setDefault(&c.Name, c.ID)
	setDefault(&c.ClientAuth, defaults.ClientAuth)
	if c.Scopes == nil {
		c.Scopes = defaults.Scopes
	}
	if c.Checks == nil {
		c.Checks = defaults.Checks
	}
	c.Profile = c.Profile.or(defaults.Profile)
	return c
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

var kindDefaults = map[string]ClientConfig{
	kindOIDC: {
		ClientAuth: "client_secret_basic",
		Scopes:     []string{"openid", "email", "profile"},
		Checks:     []string{checkPKCE, checkState, checkNonce},
		Profile: ProfileMap{
			ID: "sub", Name: "name|nickname|preferred_username",
			Email: "email", Image: "picture", Groups: "groups",
		},
	},
	kindOAuth2: {
		ClientAuth: "client_secret_basic",
		Checks:     []string{checkPKCE, checkState},
		Profile: ProfileMap{
			ID: "id|sub", Name: "name|nickname|preferred_username",
			Email: "email", Image: "picture|avatar_url", Groups: "groups",
		},
	},
}

// expand resolves the placeholders of the fields that may hold them.
func (c ClientConfig) expand() (ClientConfig, error) {
	for _, field := range []struct {
		name  string
		value *string
	}{
		{"client_id", &c.ClientID},
		{"client_secret", &c.ClientSecret},
		{"issuer", &c.Issuer},
		{"authorization_endpoint", &c.AuthorizationEndpoint},
		{"token_endpoint", &c.TokenEndpoint},
		{"userinfo_endpoint", &c.UserinfoEndpoint},
	} {
		if err := expand(field.name, field.value); err != nil {
			return c, err
		}
	}
	c.Params = maps.Clone(c.Params)
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		value := c.Params[name]
		if err := expand("params "+name, &value); err != nil {
			return c, err
		}
		c.Params[name] = value
	}
	return c, nil
}

var lonePlaceholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// expand resolves placeholders in a field. Caddy's own error would quote what
// stands between two braces, which may be half a secret.
func expand(name string, field *string) error {
	value, err := caddy.NewReplacer().ReplaceOrErr(*field, true, true)
	switch {
	case err == nil:
		*field = value
		return nil
	case lonePlaceholder.MatchString(*field):
		return fmt.Errorf("%s: %s is empty or can't be read", name, *field)
	default:
		return fmt.Errorf("%s: a placeholder in it is unknown, empty or can't be read; write \\{ for a brace that belongs to the value", name)
	}
}
