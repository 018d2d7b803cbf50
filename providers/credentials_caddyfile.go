package providers

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/nearest"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
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
// alone: see [LDAPBackend.UnmarshalCaddyfile], [HTTPBackend.UnmarshalCaddyfile].
func (c *Credentials) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	line := d.Token()
	if d.NextArg() {
		return d.Err("credentials takes no arguments: write the users in its block, and `id " + d.Val() + "` to name the provider")
	}
	options, seen := c.options(), make(map[string]bool)
	table := emptyUserTable()
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		parse, known := options[word]
		if known && !followedByHash(d) {
			if seen[word] {
				return d.Errf("%s is written twice", word)
			}
			seen[word] = true
			if err := parse(d); err != nil {
				return err
			}
			continue
		}
		user, err := unmarshalUser(d, slices.Sorted(maps.Keys(options)))
		if err != nil {
			return err
		}
		if err := table.add(&user); err != nil {
			return d.Errf("user %s: %w", user.Username, err)
		}
		c.Users = append(c.Users, user)
	}
	written := *c
	written.setDefaults()
	return atLine(line, written.ID, c.checkBackend())
}

func (c *Credentials) options() map[string]option {
	return map[string]option{
		"id":   oneArg(&c.ID),
		"name": oneArg(&c.Name),
		"file": oneArg(&c.File),
		"ldap": func(d *caddyfile.Dispenser) error {
			c.LDAP = new(LDAPBackend)
			return c.LDAP.UnmarshalCaddyfile(d)
		},
		"http": func(d *caddyfile.Dispenser) error {
			c.HTTP = new(HTTPBackend)
			return c.HTTP.UnmarshalCaddyfile(d)
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
	if !strings.Contains(user.Password, "{") {
		if err := CheckPasswordHash(user.Password); err != nil {
			return user, d.Errf("user %s: %w%s", name, err, orOption(name, options))
		}
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option, values := d.Val(), d.RemainingArgs()
		set, ok := userOptions[option]
		switch {
		case !ok:
			return user, d.Errf("user %s: unknown option %q: write one of id, name, email, image, groups", name, option)
		case len(values) == 0 || (len(values) > 1 && option != "groups"):
			return user, d.Errf("user %s: %s takes one value, in quotes if it has spaces", name, option)
		case seen[option]:
			return user, d.Errf("user %s: %s is written twice", name, option)
		}
		seen[option] = true
		set(&user, values)
	}
	if err := user.check(); err != nil {
		return user, d.Errf("user %s: %w", name, err)
	}
	return user, nil
}

var userOptions = map[string]func(*User, []string){
	"id":     func(u *User, values []string) { u.ID = values[0] },
	"name":   func(u *User, values []string) { u.Name = values[0] },
	"email":  func(u *User, values []string) { u.Email = values[0] },
	"image":  func(u *User, values []string) { u.Image = values[0] },
	"groups": func(u *User, values []string) { u.Groups = append(u.Groups, values...) },
}

// UnmarshalCaddyfile parses:
//
//	ldap <url>... {
//		start_tls
//		bind_dn         <dn>
//		bind_password   <password>
//		base_dn         <dn>
//		user_filter     <filter>
//		group_base_dn   <dn>
//		group_filter    <filter>
//		attributes {
//			id|login|name|email|image|groups|group_name <attribute>...|off
//		}
//		tls_trust_pool  <module> ...
//		tls_server_name <name>
//		timeout         <duration>
//		max_connections <number>
//		insecure_ldap
//	}
func (l *LDAPBackend) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	line := d.Token()
	l.URLs = d.RemainingArgs()
	err := parseBlock(d, map[string]option{
		"start_tls":       flag(&l.StartTLS),
		"bind_dn":         oneArg(&l.BindDN),
		"bind_password":   oneArg(&l.BindPassword),
		"base_dn":         oneArg(&l.BaseDN),
		"user_filter":     oneArg(&l.UserFilter),
		"group_base_dn":   oneArg(&l.GroupBaseDN),
		"group_filter":    oneArg(&l.GroupFilter),
		"attributes":      l.Attributes.unmarshal,
		"tls_trust_pool":  trustPool(&l.TrustPoolRaw),
		"tls_server_name": oneArg(&l.ServerName),
		"timeout":         timeout(&l.Timeout),
		"max_connections": number(&l.MaxConnections, maxLDAPConnections),
		"insecure_ldap":   flag(&l.InsecureLDAP),
	})
	if err != nil {
		return err
	}
	return tokenError(line, l.check())
}

func (a *LDAPAttributes) unmarshal(d *caddyfile.Dispenser) error {
	if d.CountRemainingArgs() > 0 {
		return d.Errf("attributes takes a block: attributes { email mail }")
	}
	return parseBlock(d, map[string]option{
		"id": paths(&a.ID), "login": paths(&a.Login), "name": paths(&a.Name), "email": paths(&a.Email),
		"image": paths(&a.Image), "groups": paths(&a.Groups), "group_name": oneArg(&a.GroupName),
	})
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
	if err := oneArg(&h.URL)(d); err != nil {
		return err
	}
	err := parseBlock(d, map[string]option{
		"field":         h.unmarshalField,
		"timeout":       timeout(&h.Timeout),
		"insecure_http": flag(&h.InsecureHTTP),
		"transport":     transport(&h.TransportRaw),
	}, "field")
	if err != nil {
		return err
	}
	return tokenError(line, h.check())
}

func (h *HTTPBackend) unmarshalField(d *caddyfile.Dispenser) error {
	var field Field
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return d.Errf("field takes a name and a label: field otp \"One-time code\"")
	}
	field.Name = args[0]
	if len(args) == 2 {
		field.Label = args[1]
	}
	err := parseBlock(d, map[string]option{
		"type":         oneArg(&field.Type),
		"autocomplete": oneArg(&field.Autocomplete),
		"optional":     flag(&field.Optional),
	})
	if err != nil {
		return err
	}
	if err := field.check(); err != nil {
		return d.Errf("field %q: %w", excerpt.Of(field.Name), err)
	}
	h.Fields = append(h.Fields, field)
	return nil
}

var (
	_ caddyfile.Unmarshaler = (*Credentials)(nil)
	_ caddyfile.Unmarshaler = (*LDAPBackend)(nil)
	_ caddyfile.Unmarshaler = (*HTTPBackend)(nil)
)
