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
	if row, ok := presets[keyword]; ok {
		module = row.kind
	}
	if !Known(keyword) {
		return nil, d.Errf("unknown provider %q%s", keyword, didYouMean(keyword, Keywords()))
	}
	provider, err := caddyfile.UnmarshalModule(d, Namespace+"."+module)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(provider, "provider", module, nil), nil
}

// Known says that UnmarshalProvider reads a provider with this keyword.
func Known(keyword string) bool { return slices.Contains(Keywords(), keyword) }

// Keywords returns the names of all providers that a Caddyfile can name, sorted:
// guest modules and presets.
func Keywords() []string {
	names := PresetNames()
	for _, module := range caddy.GetModules(Namespace) {
		names = append(names, module.ID.Name())
	}
	slices.Sort(names)
	return names
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
//		<options of every client>
//	}]
//	<preset> [<client_id> <client_secret>] [{ ... }]
//
// The id is the default name too. The options of every client:
//
//	id                     <id>
//	name                   <name>
//	client_id              <client_id>
//	client_secret          <client_secret>
//	client_auth            client_secret_basic|client_secret_post|none
//	issuer                 <url>
//	authorization_endpoint <url>
//	token_endpoint         <url>
//	userinfo_endpoint      <url>|off
//	scopes                 <scope...>
//	params                 <name>=<value>...
//	allow_params           <name...>
//	checks                 pkce|state|nonce...
//	profile {
//		id|name|email|image|groups <path...>|off
//	}
//	insecure_http
//	transport {
//		<as in reverse_proxy's transport http>
//	}
func (p *OIDC) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	line := d.Token()
	if err := p.positional(d, "oidc <id> <issuer> [<client_id> <client_secret>] [{ ... }]",
		&p.ID, &p.Issuer, &p.ClientID, &p.ClientSecret); err != nil {
		return err
	}
	options := p.options()
	options["id_token_signed_response_alg"] = oneArg(&p.IDTokenSignedResponseAlg)
	options["trusted_audiences"] = someArgs(&p.TrustedAudiences)
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
