package ldap

import (
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
)

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
func (b *Backend) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	line := d.Token()
	b.URLs = d.RemainingArgs()
	err := directive.Read(d, directive.Options{
		"start_tls":       directive.Flag(&b.StartTLS),
		"bind_dn":         directive.One(&b.BindDN),
		"bind_password":   directive.One(&b.BindPassword),
		"base_dn":         directive.One(&b.BaseDN),
		"user_filter":     directive.One(&b.UserFilter),
		"group_base_dn":   directive.One(&b.GroupBaseDN),
		"group_filter":    directive.One(&b.GroupFilter),
		"attributes":      directive.Inner(b.Attributes.options()),
		"tls_trust_pool":  directive.TrustPool(&b.TrustPoolRaw),
		"tls_server_name": directive.One(&b.ServerName),
		"timeout":         directive.Duration(&b.Timeout, 100*time.Millisecond),
		"max_connections": directive.Number(&b.MaxConnections, maxConnections),
		"insecure_ldap":   directive.Flag(&b.InsecureLDAP),
	})
	if err != nil {
		return err
	}
	return directive.At(line, b.check())
}

func (a *Attributes) options() directive.Options {
	return directive.Options{
		"id": directive.Alternatives(&a.ID), "login": directive.Alternatives(&a.Login), "name": directive.Alternatives(&a.Name), "email": directive.Alternatives(&a.Email),
		"image": directive.Alternatives(&a.Image), "groups": directive.Alternatives(&a.Groups), "group_name": directive.One(&a.GroupName),
	}
}

var _ caddyfile.Unmarshaler = (*Backend)(nil)
