package oauth

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/providers"
)

// UnmarshalCaddyfile reads a provider line. Syntax:
//
//	oidc <id> <issuer> [<client_id> <client_secret>] [{
//		id_token_signed_response_alg <alg>
//		trusted_audiences            <audience...>
//		issuer_template              <url with {tenantid}>
//		discovery_endpoint           <url>
//		discovery_params             <name>=<value>...
//		userinfo_signed_response_alg <alg>
//		<options of every client>
//	}]
//	<preset> [<client_id> <client_secret>] [{ ... }]
//
// The id is the default name too. Beside the options of every client, a preset
// has those that its row in the table asks for. The options of every client:
//
//	id                        <id>
//	name                      <name>
//	client_id                 <client_id>
//	client_secret             <client_secret>
//	client_auth               client_secret_basic|client_secret_post|client_secret_jwt|private_key_jwt|none
//	private_key               <pem>
//	key_id                    <kid>
//	token_endpoint_auth_signing_alg <alg>
//	client_assertion_audience <audience>
//	issuer                    <url>
//	authorization_endpoint    <url>
//	token_endpoint            <url>
//	userinfo_endpoint         <url>|off
//	pushed_authorization_request_endpoint <url>|discovered|off
//	scopes                    <scope...>
//	scope_separator           <text>
//	empty_scope
//	params                    <name>=<value>...
//	allow_params              <name...>
//	deny_params               <name...>
//	attests                   <name>=<path>...
//	param_names               <name>=<other>...
//	token_params              <name>=<value>...
//	token_type_optional
//	userinfo_method           GET|POST
//	userinfo_params           <name>=<value>...
//	userinfo_headers          <name>=<value>...
//	userinfo_body             <json>
//	checks                    pkce|state|nonce...
//	profile {
//		id|name|email|email_verified|image|groups <path...>|off
//	}
//	insecure_http
//	transport {
//		<as in reverse_proxy's transport http>
//	}
func (p *OIDC) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	line := d.Token()
	const usage = "oidc <id> <issuer> [<client_id> <client_secret>] [{ ... }]"
	if err := p.positional(d, usage, &p.ID, &p.Issuer, &p.ClientID, &p.ClientSecret); err != nil {
		return err
	}
	if strings.Contains(p.ID, "://") {
		return d.Errf("the issuer stands where the id belongs: write %s", usage)
	}
	options := p.options()
	options["id_token_signed_response_alg"] = directive.One(&p.IDTokenSignedResponseAlg)
	options["trusted_audiences"] = directive.Some(&p.TrustedAudiences)
	options["issuer_template"] = directive.One(&p.IssuerTemplate)
	options["discovery_endpoint"] = directive.One(&p.DiscoveryEndpoint)
	options["discovery_params"] = directive.Pairs(&p.DiscoveryParams)
	options["userinfo_signed_response_alg"] = directive.One(&p.UserinfoSignedResponseAlg)
	if err := directive.Read(d, options); err != nil {
		return err
	}
	written := p.withDefaults(kindOIDC)
	return directive.At(line, providers.Named(written.ID, p.check(&written)))
}

// UnmarshalCaddyfile reads a provider line. Syntax:
//
//	oauth2 <id> [<client_id> <client_secret>] {
//		email_endpoint <url>|off
//		<options of every client, see [OIDC.UnmarshalCaddyfile]>
//	}
//	<preset> [<client_id> <client_secret>] [{ ... }]
func (p *OAuth2) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	line := d.Token()
	if err := p.positional(d, "oauth2 <id> [<client_id> <client_secret>] { ... }",
		&p.ID, &p.ClientID, &p.ClientSecret); err != nil {
		return err
	}
	options := p.options()
	options["email_endpoint"] = directive.One(&p.EmailEndpoint)
	if err := directive.Read(d, options); err != nil {
		return err
	}
	written := p.withDefaults(kindOAuth2)
	return directive.At(line, providers.Named(written.ID, p.check(&written, p.EmailEndpoint)))
}

var (
	_ caddyfile.Unmarshaler = (*OIDC)(nil)
	_ caddyfile.Unmarshaler = (*OAuth2)(nil)
)
