//go:build services

package ldap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// inGroups is a group with alice as a member, for each name.
func inGroups(names ...string) string {
	var ldif strings.Builder
	for _, name := range names {
		first, further, _ := strings.Cut(name, "|")
		fmt.Fprintf(&ldif, "\ndn: cn=%s,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: %s\nmember: uid=alice,ou=people,dc=example,dc=com\n", first, first)
		if further != "" {
			fmt.Fprintf(&ldif, "cn: %s\n", further)
		}
	}
	return ldif.String()
}

// OpenLDAP's size limit is 500 unless it is set.
func TestLDAPGroupsThatTheDirectoryCutsAreNoted(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries+inGroups("third", "contractors"), "sizelimit 3")
	account, err := try(t, loadLDAP(t, ldapConfig(server)), "alice", "wonderland")
	if err != nil || providertest.Missing(account) != "groups" || len(account.Groups) != 3 {
		t.Errorf("%+v, %v", account, err)
	}
	account, err = try(t, loadLDAP(t, ldapConfig(server).With(config{"group_base_dn": "cn=admins,ou=groups," + servers.LDAPBase})), "alice", "wonderland")
	if err != nil || providertest.Missing(account) != "" || !slices.Equal(account.Groups, []string{"admins"}) {
		t.Errorf("below the limit: %+v, %v", account, err)
	}
	whole, err := try(t, loadLDAP(t, ldapConfig(server).With(config{"group_base_dn": servers.LDAPBase, "group_filter": "(&(member={dn})(cn=admins))"})), "alice", "wonderland")
	if err != nil || providertest.Missing(whole) != "groups" {
		t.Errorf("with a referral below the base: %+v, %v", whole, err)
	}
}

func TestLDAPNamesOfAGroupAllCount(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries+inGroups("third|contractors"))
	account, err := try(t, loadLDAP(t, ldapConfig(server)), "alice", "wonderland")
	if err != nil || len(account.Groups) != 3 || len(account.OtherGroups) != 1 || providertest.Missing(account) != "" {
		t.Errorf("%+v, %v", account, err)
	}
}

// A size limit of 1 can't tell one entry from two.
func TestLDAPSizeLimitHidesNoSecondEntry(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries, "sizelimit 1")
	if account, err := try(t, loadLDAP(t, ldapConfig(server)), "twin@example.com", "same"); err == nil || errors.Is(err, providers.ErrWrongCredentials) {
		t.Errorf("%+v, %v", account, err)
	}
}

// draft-behera-ldap-password-policy: the server takes the password and says that
// it must be changed first.
func TestLDAPPasswordThatMustBeChangedIsRefused(t *testing.T) {
	t.Parallel()
	policy := `
dn: cn=policy,dc=example,dc=com
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdMustChange: TRUE

dn: uid=reset,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: reset
cn: Reset
sn: Reset
userPassword: temporary
pwdReset: TRUE
`
	server := servers.StartLDAP(t, entries+policy, "overlay ppolicy", `ppolicy_default "cn=policy,dc=example,dc=com"`)
	c := loadLDAP(t, ldapConfig(server))
	if account, err := try(t, c, "reset", "temporary"); !errors.Is(err, providers.ErrWrongCredentials) {
		t.Errorf("%+v, %v", account, err)
	}
	if _, err := try(t, c, "alice", "wonderland"); err != nil {
		t.Errorf("a password that needs no change: %v", err)
	}
}

// RFC 4512 section 2.5: mail;lang-en is an address, too.
func TestLDAPAttributeOptionsCountForDeny(t *testing.T) {
	t.Parallel()
	more := `
dn: uid=zed,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: zed
cn: Zed
sn: Zed
userPassword: pw
mail: zed@example.com
mail;lang-en: zed@contractor.example
title: staff
title;lang-de: contractors

dn: cn=lang,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: lang
cn;lang-de: temps
member: uid=zed,ou=people,dc=example,dc=com
`
	server := servers.StartLDAP(t, entries+more)
	account, err := try(t, loadLDAP(t, ldapConfig(server).With(config{"attributes": config{"groups": "title"}})), "zed", "pw")
	if err != nil || account.Email != "zed@example.com" || !slices.Equal(account.OtherEmails, []string{"zed@contractor.example"}) ||
		!slices.Equal(account.Groups, []string{"staff", "lang"}) || !slices.Equal(account.OtherGroups, []string{"contractors", "temps"}) || providertest.Missing(account) != "" {
		t.Errorf("%+v, %v", account, err)
	}
}

// The server answers under a name of its own, which we don't know to be the same.
func TestLDAPAttributeThatComesUnderAnotherNameIsNoted(t *testing.T) {
	t.Parallel()
	more := `
dn: uid=zed,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: zed
cn: Zed
sn: Zed
userPassword: pw
mail: zed@contractor.example
title: contractors
`
	server := servers.StartLDAP(t, entries+more)
	for _, tc := range []struct {
		attributes config
		unread     string
	}{
		{config{"email": "rfc822Mailbox"}, "email"},
		{config{"email": "0.9.2342.19200300.100.1.3"}, "email"},
		{config{"email": "mail", "groups": "2.5.4.12"}, "groups"},
		{config{"email": "mail", "name": "commonName"}, ""},
		{config{"email": "mail", "groups": "memberOf"}, ""},
		{config{"email": "mail|rfc822Mailbox"}, ""},
	} {
		c := ldapConfig(server).With(config{"attributes": tc.attributes, "group_base_dn": ""})
		account, err := try(t, loadLDAP(t, c), "zed", "pw")
		if err != nil || providertest.Missing(account) != tc.unread {
			t.Errorf("%v: %+v, %v", tc.attributes, account, err)
		}
	}
}
