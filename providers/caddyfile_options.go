package providers

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
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
		*fields[i] = arg
	}
	return nil
}

// option reads one line of a provider's block, the dispenser being at its name.
type option func(d *caddyfile.Dispenser) error

func (c *ClientConfig) options() map[string]option {
	options := map[string]option{
		"id":                                    oneArg(&c.ID),
		"name":                                  oneArg(&c.Name),
		"client_id":                             oneArg(&c.ClientID),
		"client_secret":                         oneArg(&c.ClientSecret),
		"client_auth":                           oneArg(&c.ClientAuth),
		"private_key":                           oneArg(&c.PrivateKey),
		"key_id":                                oneArg(&c.KeyID),
		"token_endpoint_auth_signing_alg":       oneArg(&c.TokenEndpointAuthSigningAlg),
		"client_assertion_audience":             oneArg(&c.ClientAssertionAudience),
		"issuer":                                oneArg(&c.Issuer),
		"authorization_endpoint":                oneArg(&c.AuthorizationEndpoint),
		"token_endpoint":                        oneArg(&c.TokenEndpoint),
		"userinfo_endpoint":                     oneArg(&c.UserinfoEndpoint),
		"pushed_authorization_request_endpoint": oneArg(&c.PushedAuthorizationRequestEndpoint),
		"scopes":                                someArgs(&c.Scopes),
		"scope_separator":                       oneArg(&c.ScopeSeparator),
		"scope_names":                           pairs(&c.ScopeNames),
		"empty_scope":                           flag(&c.EmptyScope),
		"params":                                pairs(&c.Params),
		"allow_params":                          someArgs(&c.AllowParams),
		"attests":                               pairs(&c.Attests),
		"param_names":                           pairs(&c.ParamNames),
		"token_params":                          pairs(&c.TokenParams),
		"token_type_optional":                   flag(&c.TokenTypeOptional),
		"userinfo_method":                       oneArg(&c.UserinfoMethod),
		"userinfo_params":                       pairs(&c.UserinfoParams),
		"userinfo_headers":                      pairs(&c.UserinfoHeaders),
		"userinfo_body":                         oneArg(&c.UserinfoBody),
		"checks":                                someArgs(&c.Checks),
		"profile":                               c.Profile.unmarshal,
		"insecure_http":                         flag(&c.InsecureHTTP),
		"transport":                             transport(&c.TransportRaw),
	}
	row, _ := lookUp(c.Preset)
	for _, own := range row.options {
		options[own.name] = c.ownOption
	}
	return options
}

// ownOption reads an option that only this preset has.
func (c *ClientConfig) ownOption(d *caddyfile.Dispenser) error {
	var value string
	name := d.Val()
	if err := oneArg(&value)(d); err != nil {
		return err
	}
	if c.Options == nil {
		c.Options = make(map[string]string)
	}
	c.Options[name] = value
	return nil
}

// parseBlock reads a block, each option at most once but for the repeatable.
func parseBlock(d *caddyfile.Dispenser, options map[string]option, repeatable ...string) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		parse, known := options[name]
		switch {
		case !known:
			return d.Errf("unknown option %q%s", name, didYouMean(name, slices.Sorted(maps.Keys(options))))
		case seen[name] && !slices.Contains(repeatable, name):
			return d.Errf("%s is written twice", name)
		}
		seen[name] = true
		if err := parse(d); err != nil {
			return err
		}
	}
	return nil
}

func (m *ProfileMap) unmarshal(d *caddyfile.Dispenser) error {
	if d.CountRemainingArgs() > 0 {
		return d.Errf("profile takes a block: profile { groups roles }")
	}
	return parseBlock(d, map[string]option{
		"id": paths(&m.ID), "name": paths(&m.Name), "email": paths(&m.Email),
		"email_verified": paths(&m.EmailVerified), "image": paths(&m.Image), "groups": paths(&m.Groups),
	})
}

func oneArg(field *string) option {
	return func(d *caddyfile.Dispenser) error {
		name, args := d.Val(), d.RemainingArgs()
		switch {
		case len(args) != 1 || args[0] == "":
			return d.Errf("%s needs exactly one value, in quotes if it has spaces: %s <value>", name, name)
		case *field != "":
			return d.Errf("%s is written twice: it stands in the arguments already", name)
		}
		*field = args[0]
		return nil
	}
}

func someArgs(field *[]string) option {
	return func(d *caddyfile.Dispenser) error {
		name, args := d.Val(), d.RemainingArgs()
		if len(args) == 0 || slices.Contains(args, "") {
			return d.Errf("%s needs values: %s <value...>", name, name)
		}
		*field = args
		return nil
	}
}

// paths reads alternatives, the first of them first.
func paths(field *string) option {
	return func(d *caddyfile.Dispenser) error {
		var alternatives []string
		if err := someArgs(&alternatives)(d); err != nil {
			return err
		}
		*field = strings.Join(alternatives, "|")
		return nil
	}
}

func pairs(field *map[string]string) option {
	return func(d *caddyfile.Dispenser) error {
		name, args := d.Val(), d.RemainingArgs()
		*field = make(map[string]string, len(args))
		for _, arg := range args {
			key, value, ok := strings.Cut(arg, "=")
			if _, twice := (*field)[key]; !ok || key == "" || twice {
				return d.Errf("%s: %q is not a new <name>=<value>", name, arg)
			}
			(*field)[key] = value
		}
		if len(args) == 0 {
			return d.Errf("%s needs values: %s <name>=<value>...", name, name)
		}
		return nil
	}
}

func flag(field *bool) option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if d.NextArg() {
			return d.Errf("%s takes no value: leave %q out", name, d.Val())
		}
		*field = true
		return nil
	}
}

func transport(field *json.RawMessage) option {
	return func(d *caddyfile.Dispenser) error {
		segment := d.NextSegment()
		if len(segment) < 2 || segment[1].Text != "{" {
			return d.Errf("transport takes a block, as in: transport { tls_trust_pool file /etc/ssl/corp.pem }")
		}
		var settings reverseproxy.HTTPTransport
		if err := settings.UnmarshalCaddyfile(caddyfile.NewDispenser(segment)); err != nil {
			return err
		}
		*field = caddyconfig.JSONModuleObject(settings, "protocol", "http", nil)
		return nil
	}
}

func timeout(field *caddy.Duration) option {
	return func(d *caddyfile.Dispenser) error {
		var written string
		if err := oneArg(&written)(d); err != nil {
			return err
		}
		value, err := caddy.ParseDuration(written)
		if err != nil || value < 100*time.Millisecond {
			return d.Errf("timeout %q must be a duration such as 5s", written)
		}
		*field = caddy.Duration(value)
		return nil
	}
}

func number(field *int, most int) option {
	return func(d *caddyfile.Dispenser) error {
		name, written := d.Val(), ""
		if err := oneArg(&written)(d); err != nil {
			return err
		}
		value, err := strconv.Atoi(written)
		if err != nil || value < 1 || value > most {
			return d.Errf("%s must be a number from 1 to %d, got %q", name, most, written)
		}
		*field = value
		return nil
	}
}

// trustPool reads what reverse_proxy's tls_trust_pool reads.
func trustPool(field *json.RawMessage) option {
	return func(d *caddyfile.Dispenser) error {
		const namespace = "tls.ca_pool.source"
		if !d.NextArg() {
			return d.Errf("tls_trust_pool takes a source, as in: tls_trust_pool file /etc/ssl/corp.pem")
		}
		name := d.Val()
		if _, err := caddy.GetModule(namespace + "." + name); err != nil {
			var known []string
			for _, module := range caddy.GetModules(namespace) {
				known = append(known, module.ID.Name())
			}
			return d.Errf("unknown source of tls_trust_pool %q%s", name, didYouMean(name, known))
		}
		pool, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
		if err != nil {
			return err //nolint:wrapcheck // it names file and line already
		}
		*field = caddyconfig.JSONModuleObject(pool, "provider", name, nil)
		return nil
	}
}
