//go:build services

package ldap

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

func TestProbeOfADirectory(t *testing.T) {
	server := servers.StartLDAP(t, entries)
	for name, tc := range map[string]struct {
		config config
		want   string
	}{
		"all is well":        {nil, ""},
		"a wrong password":   {config{"bind_password": "wrong"}, "check bind_dn and bind_password"},
		"no such base":       {config{"base_dn": "ou=peple,dc=example,dc=com"}, "check base_dn"},
		"no such group base": {config{"group_base_dn": "ou=gruops,dc=example,dc=com"}, "check group_base_dn"},
		"an unknown issuer":  {config{"urls": []string{server.SecureURL}}, "its certificate must be for this name"},
		"a closed port":      {config{"urls": []string{strings.Replace(providertest.ClosedPort(), "http:", "ldap:", 1)}}, "nothing listens there"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := providertest.Probe(t, loadLDAP(t, ldapConfig(server).With(tc.config)))
			if tc.want != "" {
				providertest.MustFail(t, err, tc.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
