package signin

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/nearest"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/providers/catalog"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// option reads one line, or block, into a T.
type option[T any] func(d *caddyfile.Dispenser, into *T) error

// options are the words that a block may hold.
type options[T any] map[string]option[T]

// parseOption reads the option at the dispenser's word; an unknown word is an
// error that names the near ones.
func parseOption[T any](d *caddyfile.Dispenser, into *T, known options[T]) error {
	if parse, ok := known[d.Val()]; ok {
		return parse(d, into)
	}
	return unknownOption(d, slices.Sorted(maps.Keys(known)))
}

func unknownOption(d *caddyfile.Dispenser, known []string) error {
	if near := nearest.Names(d.Val(), known); len(near) > 0 {
		return d.Errf("unknown option %q: did you mean %s?", d.Val(), strings.Join(near, " or "))
	}
	return d.Errf("unknown option %q: write one of %s", d.Val(), strings.Join(known, ", "))
}

// parseRealmBlock reads the block that follows, or returns nil when there is
// none:
//
//	url              <origin>
//	cookie_domain    <domain>
//	base_path        <path>
//	secret           <new> [<old>...]
//	dialect          next-auth|authjs
//	upstream_cookies strip|pass
//	store            <store> ...
//	session {
//		strategy         jwt|database
//		max_age          <duration>
//		absolute_max_age <duration>
//		update_age       <duration>
//		idle_timeout     <duration>
//		expose           id|username|groups|provider...
//	}
//	<provider> ...
//	allow            email|group|provider <value>...
//	deny             email|group|provider <value>...
//	redirect         <origin>...
//	identity_headers remote|x-forwarded|x-auth-request|off
//	identity_headers {
//		<header> <value>
//	}
//	username         id|email|login
//	pages {
//		signin|signout|error|verify_request|new_user <path>
//	}
func parseRealmBlock(d *caddyfile.Dispenser) (*Realm, error) {
	var realm *Realm
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if realm == nil {
			realm = new(Realm)
		}
		word := d.Val()
		parse, ok := realmOptions[word]
		if !ok {
			if err := parseProvider(d, realm); err != nil {
				return nil, err
			}
			continue
		}
		if seen[word] && !repeatable[word] {
			return nil, d.Errf("%s is configured twice", word)
		}
		seen[word] = true
		if err := parse(d, realm); err != nil {
			return nil, err
		}
	}
	if realm != nil {
		ids, err := writtenIDs(realm.ProvidersRaw)
		if err == nil {
			err = realm.check(ids, realm.ProvidersRaw)
		}
		if err != nil {
			return nil, d.WrapErr(err)
		}
	}
	return realm, nil
}

var repeatable = map[string]bool{"allow": true, "deny": true, "redirect": true}

var realmOptions = options[Realm]{
	"url": func(d *caddyfile.Dispenser, realm *Realm) error {
		return oneChecked(d, &realm.URL, func(raw string) error {
			_, err := request.ParseOrigin(raw)
			return err
		})
	},
	"base_path": func(d *caddyfile.Dispenser, realm *Realm) error {
		return oneChecked(d, &realm.BasePath, checkBasePath)
	},
	"cookie_domain": func(d *caddyfile.Dispenser, realm *Realm) error {
		return oneChecked(d, &realm.CookieDomain, func(raw string) (err error) {
			realm.CookieDomain, err = request.ParseCookieDomain(raw)
			return err
		})
	},
	"secret": parseSecret,
	"dialect": func(d *caddyfile.Dispenser, realm *Realm) error {
		return oneOf(d, &realm.Dialect, "next-auth", "authjs")
	},
	"upstream_cookies": func(d *caddyfile.Dispenser, realm *Realm) error {
		return oneOf(d, &realm.UpstreamCookies, "strip", "pass")
	},
	"username": func(d *caddyfile.Dispenser, realm *Realm) error {
		return oneOf(d, &realm.Username, "id", "email", "login")
	},
	"redirect": parseRedirect,
	"allow":    func(d *caddyfile.Dispenser, realm *Realm) error { return parseAdmission(d, &realm.Allow) },
	"deny":     func(d *caddyfile.Dispenser, realm *Realm) error { return parseAdmission(d, &realm.Deny) },
	"store":    parseStore,
	"session": func(d *caddyfile.Dispenser, realm *Realm) error {
		if err := parseBlock(d, &realm.Session, sessionOptions); err != nil {
			return err
		}
		if err := realm.Session.check(); err != nil {
			return d.WrapErr(err)
		}
		return nil
	},
	"pages": func(d *caddyfile.Dispenser, realm *Realm) error {
		return parseBlock(d, &realm.Pages, pageOptions)
	},
	"identity_headers": parseIdentityHeaders,
}

var sessionOptions = options[SessionConfig]{
	"strategy":         func(d *caddyfile.Dispenser, s *SessionConfig) error { return oneOf(d, &s.Strategy, "jwt", "database") },
	"max_age":          func(d *caddyfile.Dispenser, s *SessionConfig) error { return duration(d, &s.MaxAge) },
	"absolute_max_age": func(d *caddyfile.Dispenser, s *SessionConfig) error { return duration(d, &s.AbsoluteMaxAge) },
	"update_age":       func(d *caddyfile.Dispenser, s *SessionConfig) error { return duration(d, &s.UpdateAge) },
	"idle_timeout":     func(d *caddyfile.Dispenser, s *SessionConfig) error { return duration(d, &s.IdleTimeout) },
	"expose":           func(d *caddyfile.Dispenser, s *SessionConfig) error { return someArgs(d, &s.Expose) },
}

var pageOptions = options[Pages]{
	"signin":         func(d *caddyfile.Dispenser, p *Pages) error { return oneChecked(d, &p.SignIn, checkPage) },
	"signout":        func(d *caddyfile.Dispenser, p *Pages) error { return oneChecked(d, &p.SignOut, checkPage) },
	"error":          func(d *caddyfile.Dispenser, p *Pages) error { return oneChecked(d, &p.Error, checkPage) },
	"verify_request": func(d *caddyfile.Dispenser, p *Pages) error { return oneChecked(d, &p.VerifyRequest, checkPage) },
	"new_user":       func(d *caddyfile.Dispenser, p *Pages) error { return oneChecked(d, &p.NewUser, checkPage) },
}

// parseProvider reads a provider's line; a word that is neither an option nor
// a provider is told with the near ones of both.
func parseProvider(d *caddyfile.Dispenser, realm *Realm) error {
	if !catalog.Known(d.Val()) {
		known := slices.Sorted(maps.Keys(realmOptions))
		for block, inside := range map[string][]string{
			"session": slices.Sorted(maps.Keys(sessionOptions)), "pages": slices.Sorted(maps.Keys(pageOptions)),
		} {
			if slices.Contains(inside, d.Val()) {
				return d.Errf("%s stands inside %s { … }", d.Val(), block)
			}
		}
		if len(nearest.Names(d.Val(), catalog.Keywords())) == 0 { // too many to list
			return unknownOption(d, append(known, "a provider of docs/providers.md"))
		}
		return unknownOption(d, slices.Concat(known, catalog.Keywords()))
	}
	raw, err := catalog.Unmarshal(d)
	if err != nil {
		return err
	}
	realm.ProvidersRaw = append(realm.ProvidersRaw, raw)
	return nil
}

func parseSecret(d *caddyfile.Dispenser, realm *Realm) error {
	if err := someArgs(d, &realm.Secrets); err != nil {
		return err
	}
	for i, secret := range realm.Secrets {
		if strings.Contains(secret, "{") {
			continue // a placeholder: known when it is provisioned
		}
		if err := keys.CheckSecret(secret); err != nil {
			return d.WrapErr(keys.BadSecret(i, err))
		}
	}
	return nil
}

func parseRedirect(d *caddyfile.Dispenser, realm *Realm) error {
	if err := someArgs(d, &realm.Redirect); err != nil {
		return err
	}
	if _, err := parseRedirects(realm.Redirect); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func parseStore(d *caddyfile.Dispenser, realm *Realm) error {
	known := moduleNames(sessionstore.Namespace)
	if !d.NextArg() {
		return d.Errf("store needs a name on its line: write one of %s, as in store memory", strings.Join(known, ", "))
	}
	name := d.Val()
	if !slices.Contains(known, name) {
		return d.Errf("unknown store %q: write one of %s", name, strings.Join(known, ", "))
	}
	id := sessionstore.Namespace + "." + name
	mod, err := caddyfile.UnmarshalModule(d, id)
	if err != nil {
		return err
	}
	realm.StoreRaw = caddyconfig.JSONModuleObject(mod, "store", name, nil)
	return nil
}

var admissionKinds = map[string]func(*access.Rule) *[]string{
	"email":    func(rule *access.Rule) *[]string { return &rule.Email },
	"group":    func(rule *access.Rule) *[]string { return &rule.Group },
	"provider": func(rule *access.Rule) *[]string { return &rule.Provider },
}

func parseAdmission(d *caddyfile.Dispenser, rules *[]access.Rule) error {
	option := d.Val()
	if !d.NextArg() {
		return d.Errf("%s needs a rule on its line: %s email|group|provider <value>..., such as %s email *@example.com", option, option, option)
	}
	field, ok := admissionKinds[d.Val()]
	if !ok {
		return d.Errf("%s %s: the form is %s email|group|provider <value>..., such as %s email *@example.com",
			option, d.Val(), option, option)
	}
	rule, err := parseRule(d, field)
	if err != nil {
		return err
	}
	*rules = append(*rules, rule)
	return nil
}

func parseIdentityHeaders(d *caddyfile.Dispenser, realm *Realm) error {
	headers := &realm.IdentityHeaders
	if d.NextArg() {
		headers.Set = d.Val()
		if d.NextArg() {
			return d.Errf("identity_headers takes one set, and headers of your own in a block: %q is too much", d.Val())
		}
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		var value string
		if err := oneArg(d, &value); err != nil {
			return err
		}
		if headers.Headers == nil {
			headers.Headers = make(map[string]string)
		}
		if _, exists := headers.Headers[name]; exists {
			return d.Errf("%s is configured twice", name)
		}
		headers.Headers[name] = value
	}
	if headers.Set == "" && len(headers.Headers) == 0 {
		return d.Err("identity_headers needs a set, such as remote, or a block of headers, such as X-Auth-User {http.auth.user.id}")
	}
	if _, err := headers.Plan(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func parseBlock[T any](d *caddyfile.Dispenser, into *T, known options[T]) error {
	if option := d.Val(); d.NextArg() {
		return d.Errf("%s takes a block, with one of %s on each line", option, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if seen[d.Val()] {
			return d.Errf("%s is configured twice", d.Val())
		}
		seen[d.Val()] = true
		if err := parseOption(d, into, known); err != nil {
			return err
		}
	}
	return nil
}

func oneArg(d *caddyfile.Dispenser, into *string) error {
	option, values := d.Val(), d.RemainingArgs()
	if len(values) != 1 {
		return d.Errf("%s needs exactly one value, in quotes if it has spaces: %s <value>", option, option)
	}
	*into = values[0]
	return nil
}

// oneChecked reads one value and checks it as provisioning will, so that the
// message has file and line.
func oneChecked(d *caddyfile.Dispenser, into *string, check func(string) error) error {
	if err := oneArg(d, into); err != nil {
		return err
	}
	if err := check(*into); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func someArgs(d *caddyfile.Dispenser, into *[]string) error {
	option, values := d.Val(), d.RemainingArgs()
	if len(values) == 0 {
		return d.Errf("%s needs values: %s <value>...", option, option)
	}
	*into = append(*into, values...)
	return nil
}

func oneOf(d *caddyfile.Dispenser, into *string, allowed ...string) error {
	option := d.Val()
	if err := oneArg(d, into); err != nil {
		return err
	}
	if !slices.Contains(allowed, *into) {
		return d.Errf("%s %q is not known: write %s", option, *into, strings.Join(allowed, " or "))
	}
	return nil
}

func duration(d *caddyfile.Dispenser, into *caddy.Duration) error {
	option := d.Val()
	text := strings.Join(d.RemainingArgs(), " ")
	value, err := caddy.ParseDuration(text)
	if err != nil || value < time.Second {
		return d.Errf("%s %q must be a duration of a second or more, such as 30d or 8h", option, text)
	}
	*into = caddy.Duration(value)
	return nil
}
