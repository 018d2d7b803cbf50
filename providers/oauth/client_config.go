// Package oauth signs people in at identity providers, by OpenID Connect or plain OAuth
// 2.0.
//
// A [ClientConfig] is what an operator writes, with what the preset and the kind give
// for all that is left out. The client that is made of it sends the browser away with an
// authorization request, which it may push to the provider beforehand; of the callback
// it takes the code, exchanges it for tokens, verifies the ID token with the issuer's
// keys or asks the userinfo endpoint, and has package profile turn the claims into an
// account. What restricts who comes in is compared with what the provider attests.
package oauth

import (
	"encoding/json"

	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// ClientConfig is what oidc and oauth2 providers have in common: the
// registration as a client at the provider (RFC 6749 section 2), and what to
// ask there. Endpoint names are those of RFC 8414.
//
// client_id, client_secret, private_key, key_id, issuer, the endpoints and the
// values of options, params, token_params, userinfo_params and userinfo_headers
// may hold placeholders such as {env.GOOGLE_SECRET} or
// {file./run/secrets/google}, which are resolved when the configuration is
// loaded and don't show in it. A brace that is part of the value is written \{.
//
// What is sent to the userinfo endpoint may also hold {access_token},
// {client_id} and {token_response.<path>}, a value of the token endpoint's
// answer. The access token stands in the Authorization header unless
// {access_token} puts it elsewhere.
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

	// Values that the preset asks for, such as the tenant_id of azure-ad, by
	// name. docs/providers.md lists each preset's. Default: the preset's.
	Options map[string]string `json:"options,omitempty"`

	// The client identifier that the provider issued. Default: none, required.
	ClientID string `json:"client_id,omitempty"`

	// The client secret. Default: none, required unless client_auth is none or
	// private_key_jwt.
	ClientSecret string `json:"client_secret,omitempty"`

	// How the client proves itself at the token endpoint (RFC 7591 section 2,
	// OpenID Connect Core 9): client_secret_basic, client_secret_post,
	// client_secret_jwt, private_key_jwt or none. Default: the preset's; without
	// a preset client_secret_basic.
	ClientAuth string `json:"client_auth,omitempty"`

	// The private key of private_key_jwt, or of a preset whose client secret is
	// a signed token: PEM (PKCS #8, PKCS #1 or SEC 1), RSA of 2048 bits or more,
	// EC or Ed25519. Default: none.
	PrivateKey string `json:"private_key,omitempty"`

	// The id under which the provider knows the private key, sent as kid.
	// Default: none.
	KeyID string `json:"key_id,omitempty"`

	// The algorithm of the client's signature (RFC 8414 section 2). Default:
	// RS256, EdDSA, or ES256, ES384, ES512, as the key demands; HS256 for
	// client_secret_jwt.
	TokenEndpointAuthSigningAlg string `json:"token_endpoint_auth_signing_alg,omitempty"`

	// The aud of the client's assertion (RFC 7523 section 3). Default: the
	// preset's; else the issuer for oidc and the token endpoint for oauth2.
	ClientAssertionAudience string `json:"client_assertion_audience,omitempty"`

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

	// Where the authorization request is sent beforehand, so that its parameters
	// don't go through the browser (RFC 9126): a URL, "discovered" or "off".
	// Default: the discovered one where the provider requires it, or where there is
	// one and a parameter restricts who comes in or asks for claims; else off.
	PushedAuthorizationRequestEndpoint string `json:"pushed_authorization_request_endpoint,omitempty"`

	// The scopes to ask for. Default: the preset's; without a preset openid,
	// email, profile for oidc, and none for oauth2.
	Scopes []string `json:"scopes,omitempty"`

	// What stands between scopes. Default: the preset's; else a space, as RFC
	// 6749 section 3.3 has it.
	ScopeSeparator string `json:"scope_separator,omitempty"`

	// What the provider calls a scope in its token answer where it calls it
	// otherwise there, by the name under which it is asked for; alternatives are
	// separated by "|". A sign-in whose token answer grants less than was asked
	// for is refused. "off" is for a scope that the provider never lists.
	// Default: the preset's.
	ScopeNames map[string]string `json:"scope_names,omitempty"`

	// Send an empty scope parameter where there are no scopes, for providers that
	// insist on one. Default: the preset's; else false, no such parameter.
	EmptyScope bool `json:"empty_scope,omitempty"`

	// Further parameters of every authorization request. Scripts can't change them,
	// but visitors can, in the address bar: see attests. An empty value takes one
	// of the preset's out.
	// Default: the preset's.
	Params map[string]string `json:"params,omitempty"`

	// Where the provider attests what a parameter asks for, by the parameter's name:
	// the path of a claim, of a member of the profile, or, behind token_response,
	// of the token endpoint's answer. Nobody is let in about whom it says something
	// else, or nothing. Default: the preset's; else, for oidc, acr for acr_values,
	// auth_time for max_age, hd for hd, and the values of the parameter claims.
	Attests map[string]string `json:"attests,omitempty"`

	// Other names for client_id, client_secret and code, for providers that call
	// them otherwise. Default: the preset's.
	ParamNames map[string]string `json:"param_names,omitempty"`

	// Further parameters of the token request. Default: the preset's.
	TokenParams map[string]string `json:"token_params,omitempty"`

	// Accept a token answer without token_type, which RFC 6749 section 5.1
	// requires, as a bearer token's. Default: the preset's; else false.
	TokenTypeOptional bool `json:"token_type_optional,omitempty"`

	// GET or POST. Default: the preset's; else GET, or POST with userinfo_body.
	UserinfoMethod string `json:"userinfo_method,omitempty"`

	// Further query parameters of the userinfo request. Default: the preset's.
	UserinfoParams map[string]string `json:"userinfo_params,omitempty"`

	// Further headers of the userinfo request. Default: the preset's.
	UserinfoHeaders map[string]string `json:"userinfo_headers,omitempty"`

	// The JSON body of the userinfo request, sent as it is. Default: the
	// preset's; else none.
	UserinfoBody string `json:"userinfo_body,omitempty"`

	// Parameters that signIn() may add to the authorization request although they
	// change what the token is good for, such as audience or claims. Default: none.
	AllowParams []string `json:"allow_params,omitempty"`

	// Parameters that signIn() may not add, besides those that choose where the
	// answer goes or whose it is, which it never may. Default: none.
	DenyParams []string `json:"deny_params,omitempty"`

	// What binds the callback to this browser and this request: pkce (RFC 7636,
	// S256), state, and for oidc nonce. state can't be left out; leaving another
	// one out logs a warning. Default: all of them.
	Checks []string `json:"checks,omitempty"`

	// Where in the provider's claims the parts of a profile stand.
	// Default: the preset's; without a preset the standard claims.
	Profile profile.Map `json:"profile,omitzero"`

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
