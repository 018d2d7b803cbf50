package providers

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/nearest"
)

// UnmarshalProvider reads the provider whose keyword the dispenser is at, with
// its arguments and block, and returns it as the JSON of a guest module, its
// name under "provider". The keyword names a guest module of [Namespace] or a
// preset. A guest module reads its own line: UnmarshalCaddyfile gets a dispenser
// before the keyword.
func UnmarshalProvider(d *caddyfile.Dispenser) (json.RawMessage, error) {
	keyword := d.Val()
	module := keyword
	if row, ok := lookUp(keyword); ok {
		module = row.kind
	}
	if sendsMail(keyword) {
		module = "email"
	}
	if !slices.Contains(Keywords(), keyword) {
		if hint, ok := notYet[keyword]; ok {
			return nil, d.Errf("%s", hint)
		}
		return nil, d.Errf("unknown provider %q%s", keyword, providersHint(keyword))
	}
	provider, err := caddyfile.UnmarshalModule(d, Namespace+"."+module)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(provider, "provider", module, nil), nil
}

// sendsMail says that a keyword is another one of the provider email.
func sendsMail(keyword string) bool {
	_, isService := mailServices[keyword]
	return isService || keyword == mailNodemailer
}

// Known says that a keyword is a provider's, so that UnmarshalProvider reads it
// or says what to write instead.
func Known(keyword string) bool {
	_, known := notYet[keyword]
	return known || slices.Contains(Keywords(), keyword)
}

// Keywords returns the names of all providers that a Caddyfile can name, sorted:
// guest modules, presets and mail services.
func Keywords() []string {
	names := append(PresetNames(), mailNodemailer)
	names = append(names, MailServiceNames()...)
	for _, module := range caddy.GetModules(Namespace) {
		names = append(names, module.ID.Name())
	}
	slices.Sort(names)
	return names
}

// providersHint lists the near names, or what is not a preset: those are many.
func providersHint(keyword string) string {
	if near := nearest.Names(keyword, Keywords()); len(near) > 0 {
		return didYouMean(keyword, near)
	}
	var kinds []string
	for _, module := range caddy.GetModules(Namespace) {
		kinds = append(kinds, module.ID.Name())
	}
	return fmt.Sprintf(": write one of %s, or one of the %d names in docs/providers.md", strings.Join(kinds, ", "), len(PresetNames()))
}

func didYouMean(name string, known []string) string {
	if near := nearest.Names(name, known); len(near) > 0 {
		return ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return ": write one of " + strings.Join(known, ", ")
}

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
	options["id_token_signed_response_alg"] = oneArg(&p.IDTokenSignedResponseAlg)
	options["trusted_audiences"] = someArgs(&p.TrustedAudiences)
	options["issuer_template"] = oneArg(&p.IssuerTemplate)
	options["discovery_endpoint"] = oneArg(&p.DiscoveryEndpoint)
	options["discovery_params"] = pairs(&p.DiscoveryParams)
	options["userinfo_signed_response_alg"] = oneArg(&p.UserinfoSignedResponseAlg)
	if err := parseBlock(d, options); err != nil {
		return err
	}
	written := p.withDefaults(kindOIDC)
	return atLine(line, written.ID, p.check(&written))
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
	options["email_endpoint"] = oneArg(&p.EmailEndpoint)
	if err := parseBlock(d, options); err != nil {
		return err
	}
	written := p.withDefaults(kindOAuth2)
	return atLine(line, written.ID, p.check(&written, p.EmailEndpoint))
}

// atLine adds the provider, and the file and line of its keyword, to what a
// check found.
func atLine(keyword caddyfile.Token, id string, err error) error {
	if err == nil {
		return nil
	}
	return tokenError(keyword, fmt.Errorf("provider %q: %w", id, err))
}

// tokenError adds the file and line of a token to what a check found.
func tokenError(token caddyfile.Token, err error) error {
	if err == nil {
		return nil
	}
	d := caddyfile.NewDispenser([]caddyfile.Token{token})
	d.Next()
	return d.WrapErr(err)
}

var (
	_ caddyfile.Unmarshaler = (*OIDC)(nil)
	_ caddyfile.Unmarshaler = (*OAuth2)(nil)
)
