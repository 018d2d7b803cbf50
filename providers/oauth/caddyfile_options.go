package oauth

import (
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
)

// positional reads the arguments of a line into fields, in their order: all of
// them, all but the last two (client_id and client_secret, which then stand in
// the block), or, where an issuer could be, the id alone. A preset's line has
// only the last two.
func (c *ClientConfig) positional(d *caddyfile.Dispenser, usage string, fields ...*string) error {
	credentials := fields[len(fields)-2:]
	if _, ok := lookUp(d.Val()); ok {
		c.Preset, fields = d.Val(), credentials
		usage = c.Preset + " [<client_id> <client_secret>] [{ ... }]"
	}
	args := d.RemainingArgs()
	withoutCredentials := len(fields) - len(credentials)
	switch {
	case slices.Contains(args, ""):
		return d.Errf("an argument is empty: write %s, and {env.NAME} rather than {$NAME}", usage)
	case len(args) == len(fields), len(args) == withoutCredentials, len(args) == 1 && withoutCredentials > 1:
	default:
		return d.Errf("%d arguments: write %s", len(args), usage)
	}
	for i, arg := range args {
		if name, _, ok := strings.Cut(arg, "="); ok && positionalNames[name] {
			return d.Errf("%s= is not how a value is written: write the value alone, as in %s", name, usage)
		}
		if shellVariable.MatchString(arg) {
			return d.Errf("%s is not filled in: write {env.%s}", arg, arg[1:])
		}
		*fields[i] = arg
	}
	return nil
}

// positionalNames are what people write before the values of a provider's line.
var positionalNames = set("id", "issuer", "client_id", "client_secret", "secret")

// shellVariable is a variable of the environment as a shell or Docker Compose has it.
var shellVariable = regexp.MustCompile(`^\$[A-Z_][A-Z0-9_]*$`)

func (c *ClientConfig) options() directive.Options {
	options := directive.Options{
		"id":                                    directive.One(&c.ID),
		"name":                                  directive.One(&c.Name),
		"client_id":                             directive.One(&c.ClientID),
		"client_secret":                         directive.One(&c.ClientSecret),
		"client_auth":                           directive.One(&c.ClientAuth),
		"private_key":                           directive.One(&c.PrivateKey),
		"key_id":                                directive.One(&c.KeyID),
		"token_endpoint_auth_signing_alg":       directive.One(&c.TokenEndpointAuthSigningAlg),
		"client_assertion_audience":             directive.One(&c.ClientAssertionAudience),
		"issuer":                                directive.One(&c.Issuer),
		"authorization_endpoint":                directive.One(&c.AuthorizationEndpoint),
		"token_endpoint":                        directive.One(&c.TokenEndpoint),
		"userinfo_endpoint":                     directive.One(&c.UserinfoEndpoint),
		"pushed_authorization_request_endpoint": directive.One(&c.PushedAuthorizationRequestEndpoint),
		"scopes":                                directive.Some(&c.Scopes),
		"scope_separator":                       directive.One(&c.ScopeSeparator),
		"scope_names":                           directive.Pairs(&c.ScopeNames),
		"empty_scope":                           directive.Flag(&c.EmptyScope),
		"params":                                directive.Pairs(&c.Params),
		"allow_params":                          directive.Some(&c.AllowParams),
		"deny_params":                           directive.Some(&c.DenyParams),
		"attests":                               directive.Pairs(&c.Attests),
		"param_names":                           directive.Pairs(&c.ParamNames),
		"token_params":                          directive.Pairs(&c.TokenParams),
		"token_type_optional":                   directive.Flag(&c.TokenTypeOptional),
		"userinfo_method":                       directive.One(&c.UserinfoMethod),
		"userinfo_params":                       directive.Pairs(&c.UserinfoParams),
		"userinfo_headers":                      directive.Pairs(&c.UserinfoHeaders),
		"userinfo_body":                         directive.One(&c.UserinfoBody),
		"checks":                                directive.Some(&c.Checks),
		"profile":                               c.Profile.Unmarshal,
		"insecure_http":                         directive.Flag(&c.InsecureHTTP),
		"transport":                             outgoing.TransportOption(&c.TransportRaw),
	}
	row, _ := lookUp(c.Preset)
	for _, own := range row.Options {
		options[own.Name] = directive.Entry(&c.Options)
	}
	return options
}
