package signin

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/providers/catalog"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

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
	var block *directive.Block
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if realm == nil {
			realm = new(Realm)
			block = directive.NewBlock(realm.options(), "allow", "deny", "redirect")
		}
		read := block.ReadLine
		if !block.Has(d.Val()) {
			read = realm.readProvider
		}
		if err := read(d); err != nil {
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

// options are what may stand in the realm's block, apart from the providers.
func (rl *Realm) options() directive.Options {
	return directive.Options{
		"url": directive.Checked(&rl.URL, func(raw string) error {
			_, err := request.ParseOrigin(raw)
			return err
		}),
		"base_path": directive.Checked(&rl.BasePath, checkBasePath),
		"cookie_domain": directive.Checked(&rl.CookieDomain, func(raw string) (err error) {
			rl.CookieDomain, err = request.ParseCookieDomain(raw)
			return err
		}),
		"secret":           rl.readSecret,
		"dialect":          directive.OneOf(&rl.Dialect, "next-auth", "authjs"),
		"upstream_cookies": directive.OneOf(&rl.UpstreamCookies, "strip", "pass"),
		"username":         directive.OneOf(&rl.Username, "id", "email", "login"),
		"redirect":         rl.readRedirect,
		"allow":            readAdmission(&rl.Allow),
		"deny":             readAdmission(&rl.Deny),
		"store":            rl.readStore,
		"session":          rl.readSession,
		"pages":            directive.Inner(rl.Pages.options()),
		"identity_headers": rl.readIdentityHeaders,
	}
}

func (s *SessionConfig) options() directive.Options {
	return directive.Options{
		"strategy":         directive.OneOf(&s.Strategy, "jwt", "database"),
		"max_age":          directive.Lifetime(&s.MaxAge),
		"absolute_max_age": directive.Lifetime(&s.AbsoluteMaxAge),
		"update_age":       directive.Lifetime(&s.UpdateAge),
		"idle_timeout":     directive.Lifetime(&s.IdleTimeout),
		"expose":           directive.Some(&s.Expose),
	}
}

func (p *Pages) options() directive.Options {
	return directive.Options{
		"signin":         directive.Checked(&p.SignIn, checkPage),
		"signout":        directive.Checked(&p.SignOut, checkPage),
		"error":          directive.Checked(&p.Error, checkPage),
		"verify_request": directive.Checked(&p.VerifyRequest, checkPage),
		"new_user":       directive.Checked(&p.NewUser, checkPage),
	}
}

// readProvider reads a provider's line.
func (rl *Realm) readProvider(d *caddyfile.Dispenser) error {
	if !catalog.Known(d.Val()) {
		return unknownOption(d, rl)
	}
	raw, err := catalog.Unmarshal(d)
	if err != nil {
		return err
	}
	rl.ProvidersRaw = append(rl.ProvidersRaw, raw)
	return nil
}

func (rl *Realm) readSession(d *caddyfile.Dispenser) error {
	if err := directive.Inner(rl.Session.options())(d); err != nil {
		return err
	}
	if err := rl.Session.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (rl *Realm) readSecret(d *caddyfile.Dispenser) error {
	if err := directive.Some(&rl.Secrets)(d); err != nil {
		return err
	}
	for i, secret := range rl.Secrets {
		if directive.IsDynamic(secret) {
			continue // known when it is provisioned
		}
		if err := keys.CheckSecret(secret); err != nil {
			return d.WrapErr(keys.BadSecret(i, err))
		}
	}
	return nil
}

func (rl *Realm) readRedirect(d *caddyfile.Dispenser) error {
	if err := directive.Some(&rl.Redirect)(d); err != nil {
		return err
	}
	if _, err := parseRedirects(rl.Redirect); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (rl *Realm) readStore(d *caddyfile.Dispenser) error {
	known := moduleNames(sessionstore.Namespace)
	if !d.NextArg() {
		return d.Errf("store needs a name on its line: write one of %s, as in store memory", strings.Join(known, ", "))
	}
	name := d.Val()
	if !slices.Contains(known, name) {
		return d.Errf("unknown store %q%s", name, directive.DidYouMean(name, known))
	}
	mod, err := caddyfile.UnmarshalModule(d, sessionstore.Namespace+"."+name)
	if err != nil {
		return err
	}
	rl.StoreRaw = caddyconfig.JSONModuleObject(mod, "store", name, nil)
	return nil
}

func readAdmission(rules *[]access.Rule) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		option := d.Val()
		if !d.NextArg() {
			return d.Errf("%s needs a rule on its line: %s email|group|provider <value>..., such as %s email *@example.com", option, option, option)
		}
		kind := d.Val()
		if ruleFields[kind] == nil {
			return d.Errf("%s %s: the form is %s email|group|provider <value>..., such as %s email *@example.com",
				option, kind, option, option)
		}
		return ruleOf(kind, rules)(d)
	}
}

func (rl *Realm) readIdentityHeaders(d *caddyfile.Dispenser) error {
	headers := &rl.IdentityHeaders
	if d.NextArg() {
		headers.Set = d.Val()
		if d.NextArg() {
			return d.Errf("identity_headers takes one set, and headers of your own in a block: %q is too much", d.Val())
		}
	}
	if err := directive.Entries(&headers.Headers)(d); err != nil {
		return err
	}
	if headers.Set == "" && len(headers.Headers) == 0 {
		return d.Err("identity_headers needs a set, such as remote, or a block of headers, such as X-Auth-User {http.auth.user.id}")
	}
	if _, err := headers.Plan(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
