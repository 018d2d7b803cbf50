package providers

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
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
//	}
//
// A first word that is followed by a hash is a user name, also when it is one
// of the options' names.
func (c *Credentials) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.Err("credentials takes no arguments: write the users in its block, and `id " + d.Val() + "` to name the provider")
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, args := d.Val(), d.RemainingArgs()
		if set, ok := credentialsOptions[word]; ok && (len(args) == 0 || !looksLikeHash(args[0])) {
			if len(args) != 1 || args[0] == "" {
				return d.Errf("%s takes one value", word)
			}
			set(c, args[0])
			continue
		}
		user, err := unmarshalUser(d, word, args)
		if err != nil {
			return err
		}
		c.Users = append(c.Users, user)
	}
	return nil
}

var credentialsOptions = map[string]func(*Credentials, string){
	"id":   func(c *Credentials, value string) { c.ID = value },
	"name": func(c *Credentials, value string) { c.Name = value },
}

func looksLikeHash(value string) bool {
	return strings.HasPrefix(value, "$") || strings.HasPrefix(value, "{")
}

func unmarshalUser(d *caddyfile.Dispenser, name string, args []string) (User, error) {
	user := User{Username: name}
	if len(args) != 1 {
		return user, d.Errf("user %s: the form is %s <password_hash>, with the hash that `caddy hash-password` prints", name, name)
	}
	user.Password = args[0]
	if !strings.Contains(user.Password, "{") {
		if err := CheckPasswordHash(user.Password); err != nil {
			return user, d.Errf("user %s: %w", name, err)
		}
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option, values := d.Val(), d.RemainingArgs()
		set, ok := userOptions[option]
		if !ok {
			return user, d.Errf("user %s: unknown option %q: write one of id, name, email, image, groups", name, option)
		}
		if len(values) == 0 || (len(values) > 1 && option != "groups") {
			return user, d.Errf("user %s: %s takes one value", name, option)
		}
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

var _ caddyfile.Unmarshaler = (*Credentials)(nil)
