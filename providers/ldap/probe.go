package ldap

import (
	"context"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/probe"
)

// Probe connects to each server and binds as the one who searches, and looks for
// the places where people and groups are.
func (d *Directory) Probe(ctx context.Context) []providers.Finding {
	var findings []providers.Finding
	reached := false
	for _, server := range d.servers {
		err := d.reach(ctx, server)
		reached = reached || err == nil
		findings = append(findings, providers.Finding{What: "directory " + server.address, Err: probe.Advised(err)})
	}
	if !reached {
		return findings
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(d.config.Timeout))
	defer cancel()
	for _, base := range []struct{ option, dn string }{{"base_dn", d.config.BaseDN}, {"group_base_dn", d.config.GroupBaseDN}} {
		if base.dn != "" {
			findings = append(findings, providers.Finding{What: base.option + " " + excerpt.Of(base.dn), Err: d.sees(ctx, base.option, base.dn)})
		}
	}
	return findings
}

func (d *Directory) reach(ctx context.Context, server *server) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(d.config.Timeout))
	defer cancel()
	conn, err := d.readers.open(ctx, server)
	if ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		return fmt.Errorf("%w (check bind_dn and bind_password)", err)
	}
	if err == nil {
		conn.discard()
	}
	return err
}

// sees looks for one entry. Of an entry that is there the directory may show
// nothing: what is below it counts.
func (d *Directory) sees(ctx context.Context, option, dn string) error {
	request := ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		1, int(time.Duration(d.config.Timeout)/time.Second)+1, false, "(objectClass=*)", []string{"1.1"}, nil)
	err := d.readers.use(ctx, func(conn *ldap.Conn) error {
		_, err := conn.Search(request)
		return err
	})
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		return fmt.Errorf("the directory has no such entry, or hides it: check %s, and what bind_dn may read", option)
	case err != nil:
		return fmt.Errorf("looking for it: %w", probe.Advised(err))
	}
	return nil
}
