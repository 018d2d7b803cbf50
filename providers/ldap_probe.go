package providers

import (
	"context"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// probe connects and binds as the one who searches, and looks for the places
// where people and groups are.
func (d *ldapDirectory) probe(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(d.config.Timeout))
	defer cancel()
	err := d.readers.use(ctx, func(*ldap.Conn) error { return nil })
	if ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		err = fmt.Errorf("%w (check bind_dn and bind_password)", err)
	}
	findings := []Finding{{"directory " + d.server.address, advised(err)}}
	if err != nil {
		return findings
	}
	for _, base := range []struct{ option, dn string }{{"base_dn", d.config.BaseDN}, {"group_base_dn", d.config.GroupBaseDN}} {
		if base.dn != "" {
			findings = append(findings, Finding{base.option + " " + excerpt(base.dn), d.sees(ctx, base.option, base.dn)})
		}
	}
	return findings
}

// sees looks for one entry. Of an entry that is there the directory may show
// nothing: what is below it counts.
func (d *ldapDirectory) sees(ctx context.Context, option, dn string) error {
	request := ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases,
		1, int(time.Duration(d.config.Timeout)/time.Second)+1, false, "(objectClass=*)", []string{"1.1"}, nil)
	err := d.readers.use(ctx, func(conn *ldap.Conn) error {
		_, err := conn.Search(request)
		return err //nolint:wrapcheck // said below
	})
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		return fmt.Errorf("the directory has no such entry, or hides it: check %s, and what bind_dn may read", option)
	case err != nil:
		return fmt.Errorf("looking for it: %w", advised(err))
	}
	return nil
}
