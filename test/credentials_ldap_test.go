//go:build services

package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

const directoryOfDora = `dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=dora,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: dora
cn: Dora Example
sn: Example
mail: dora@example.com
userPassword: ` + password + `

dn: cn=admins,ou=people,dc=example,dc=com
objectClass: groupOfNames
cn: admins
member: uid=dora,ou=people,dc=example,dc=com
`

// The documented form, over TLS with an authority of the operator's own: who
// signs in, what the upstream is told, and what an outage looks like.
func TestSignInWithADirectory(t *testing.T) {
	server := servers.StartLDAP(t, directoryOfDora)
	t.Setenv("LDAP_URL", server.URL)
	t.Setenv("LDAP_CA", server.CAFile)
	t.Setenv("LDAP_PASSWORD", servers.LDAPReaderPassword)
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		credentials {
			ldap {$LDAP_URL} {
				start_tls
				tls_trust_pool file {$LDAP_CA}
				bind_dn cn=reader,dc=example,dc=com
				bind_password {env.LDAP_PASSWORD}
				base_dn dc=example,dc=com
				group_base_dn dc=example,dc=com
				timeout 1s
			}
		}
	}
	handle /app/* {
		require_signin {
			group admins
		}
		reverse_proxy {$ECHO}
	}
}
`)
	dora := g.browser()
	if got := dora.trySignIn("DORA", password); got.status != http.StatusOK {
		t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	dora.get("/app/")
	told := g.echo.one(t).Header
	if told.Get("Remote-User") != "dora" || told.Get("Remote-Email") != "dora@example.com" || told.Get("Remote-Groups") != "admins" {
		t.Errorf("the upstream is told %v", told)
	}
	for _, name := range []string{"nobody", "*", "dora)(uid=*"} {
		if got := g.browser().trySignIn(name, password); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	for what, stop := range map[string]func(){"killed": func() { server.Kill() }, "frozen": func() { server.Freeze() }} {
		stop()
		got := g.browser().trySignIn("dora", password)
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "error=Unavailable") {
			t.Errorf("%s: %d %v %s", what, got.status, got.header, got.body)
		}
		if got := dora.get("/app/"); got.status != http.StatusOK {
			t.Errorf("%s: a session that lives gets %d", what, got.status)
		}
		server.Kill()
		server.Restart()
		if got := g.browser().trySignIn("dora", password); got.status != http.StatusOK {
			t.Errorf("after being %s: %d %s", what, got.status, got.body)
		}
	}
	for _, line := range g.logs() {
		if text := fmt.Sprint(line); strings.Contains(text, password) || strings.Contains(text, servers.LDAPReaderPassword) {
			t.Errorf("the log holds a password: %s", text)
		}
	}
}
