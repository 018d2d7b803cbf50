package credentials

import (
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/nearest"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/ldap"
)

// UnmarshalCaddyfile parses:
//
//	credentials {
//		id   <id>
//		name <name>
//		<username> <password_hash> {
//			id     <id>
//			name   <name>
//			email  <address>
//			image  <url>
//			groups <group>...
//		}
//		file <path>
//		ldap <url>... { ... }
//		http <url> { ... }
//	}
//
// A first word that is followed by a hash is a user name, also when it is one
// of the options' names. Users and file go together; ldap and http each stand
// alone: see [ldap.Backend.UnmarshalCaddyfile], [HTTPBackend.UnmarshalCaddyfile].
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	line := d.Token()
	if d.NextArg() {
		return d.Err("credentials takes no arguments: write the users in its block, and `id " + d.Val() + "` to name the provider")
	}
	options := p.options()
	block, table := directive.NewBlock(options), emptyUserTable()
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if block.Has(d.Val()) && !followedByHash(d) {
			if err := block.ReadLine(d); err != nil {
				return err
			}
			continue
		}
		user, err := unmarshalUser(d, options.Names())
		if err != nil {
			return err
		}
		if err := table.add(&user); err != nil {
			return d.Errf("user %s: %w", user.Username, err)
		}
		p.Users = append(p.Users, user)
	}
	written := *p
	written.setDefaults()
	return directive.At(line, providers.Named(written.ID, p.checkBackend()))
}

func (p *Provider) options() directive.Options {
	return directive.Options{
		"id":   directive.One(&p.ID),
		"name": directive.One(&p.Name),
		"file": directive.One(&p.File),
		"ldap": func(d *caddyfile.Dispenser) error {
			p.LDAP = new(ldap.Backend)
			return p.LDAP.UnmarshalCaddyfile(d)
		},
		"http": func(d *caddyfile.Dispenser) error {
			p.HTTP = new(HTTPBackend)
			return p.HTTP.UnmarshalCaddyfile(d)
		},
	}
}

// followedByHash tells a user who is called like an option from the option.
func followedByHash(d *caddyfile.Dispenser) bool {
	if !d.NextArg() {
		return false
	}
	hash := strings.HasPrefix(d.Val(), "$")
	d.Prev()
	return hash
}

// orOption is for a word that may be a misspelt option rather than a user.
func orOption(word string, options []string) string {
	if near := nearest.Names(word, options); len(near) > 0 {
		return " (or did you mean the option " + strings.Join(near, " or ") + "?)"
	}
	return ""
}

func unmarshalUser(d *caddyfile.Dispenser, options []string) (User, error) {
	name, args := d.Val(), d.RemainingArgs()
	user := User{Username: name}
	if strings.HasPrefix(name, "$") {
		return user, d.Err("a hash stands where the user's name belongs: the form is <name> <password_hash>")
	}
	if len(args) != 1 {
		return user, d.Errf("user %s: the form is %s <password_hash>, with the hash that `caddy hash-password` prints%s", name, name, orOption(name, options))
	}
	user.Password = args[0]
	if !directive.IsDynamic(user.Password) {
		if err := checkPasswordHash(user.Password); err != nil {
			return user, d.Errf("user %s: %w%s", name, err, orOption(name, options))
		}
	}
	block := directive.Section{Name: "user " + name}
	if err := block.Read(d, user.options()); err != nil {
		return user, err
	}
	if err := user.check(); err != nil {
		return user, d.Errf("user %s: %w", name, err)
	}
	return user, nil
}

func (u *User) options() directive.Options {
	return directive.Options{
		"id":    directive.OneOrEmpty(&u.ID),
		"name":  directive.OneOrEmpty(&u.Name),
		"email": directive.OneOrEmpty(&u.Email),
		"image": directive.OneOrEmpty(&u.Image),
		"groups": func(d *caddyfile.Dispenser) error { // directive.Some refuses empty ones
			u.Groups = d.RemainingArgs()
			if len(u.Groups) == 0 {
				return d.Err("groups needs values: groups <group>...")
			}
			return nil
		},
	}
}

// UnmarshalCaddyfile parses:
//
//	http <url> {
//		field <name> [<label>] {
//			type         text|password|email
//			autocomplete <token>
//			optional
//		}
//		timeout <duration>
//		insecure_http
//		transport {
//			<as in reverse_proxy's transport http>
//		}
//	}
//
// field may be repeated.
func (h *HTTPBackend) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	line := d.Token()
	if err := directive.One(&h.URL)(d); err != nil {
		return err
	}
	err := directive.Read(d, directive.Options{
		"field":         h.unmarshalField,
		"timeout":       directive.Duration(&h.Timeout, 100*time.Millisecond),
		"insecure_http": directive.Flag(&h.InsecureHTTP),
		"transport":     outgoing.TransportOption(&h.TransportRaw),
	}, "field")
	if err != nil {
		return err
	}
	return directive.At(line, h.check())
}

func (h *HTTPBackend) unmarshalField(d *caddyfile.Dispenser) error {
	var field providers.Field
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return d.Errf("field takes a name and a label: field otp \"One-time code\"")
	}
	field.Name = args[0]
	if len(args) == 2 {
		field.Label = args[1]
	}
	err := directive.Read(d, directive.Options{
		"type":         directive.One(&field.Type),
		"autocomplete": directive.One(&field.Autocomplete),
		"optional":     directive.Flag(&field.Optional),
	})
	if err != nil {
		return err
	}
	if err := checkField(&field); err != nil {
		return d.Errf("field %q: %w", excerpt.Of(field.Name), err)
	}
	h.Fields = append(h.Fields, field)
	return nil
}

var (
	_ caddyfile.Unmarshaler = (*Provider)(nil)
	_ caddyfile.Unmarshaler = (*HTTPBackend)(nil)
)
