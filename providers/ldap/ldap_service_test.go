//go:build services

package ldap

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/queue"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

const entries = `dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: uid=alice,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: alice
cn: Alice Example
sn: Example
mail: Alice@Example.com
userPassword: wonderland

dn: cn=Zoë (Ops)\, Jr.,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: zoe*
uid: zoe
cn: Zoë (Ops), Jr.
displayName: Zoë
sn: Ops
userPassword: zoe's password

dn: uid=twin1,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: twin1
cn: Twin
sn: Twin
mail: twin@example.com
userPassword: same

dn: uid=twin2,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: twin2
cn: Twin
sn: Twin
mail: twin@example.com
userPassword: same

dn: uid=nopassword,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: nopassword
cn: No Password
sn: Password

dn: cn=nologin,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
cn: nologin
sn: nologin
mail: nologin@example.com
userPassword: x

dn: ou=elsewhere,dc=example,dc=com
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://192.0.2.1/ou=elsewhere,dc=example,dc=com

dn: cn=admins,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: admins
member: uid=alice,ou=people,dc=example,dc=com
member: cn=Zoë (Ops)\, Jr.,ou=people,dc=example,dc=com

dn: cn=staff,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: staff
member: uid=alice,ou=people,dc=example,dc=com
member: uid=twin1,ou=people,dc=example,dc=com
`

// ldapConfig is the directory part of a credentials provider.
func ldapConfig(s *servers.LDAP) config {
	return config{
		"urls": []string{s.URL}, "base_dn": servers.LDAPBase, "bind_dn": servers.LDAPReader, "bind_password": servers.LDAPReaderPassword,
		"user_filter": "(|(uid={username})(mail={username}))", "group_base_dn": "ou=groups," + servers.LDAPBase,
	}
}

func try(t testing.TB, d *Directory, username, password string) (providers.Account, error) {
	t.Helper()
	return d.Authenticate(t.Context(), username, password)
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func TestLDAPSignIn(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries)
	c := loadLDAP(t, ldapConfig(server))
	var first string
	for _, typed := range []string{"alice", "ALICE", "alice@example.com"} {
		account, err := try(t, c, typed, "wonderland")
		if err != nil {
			t.Fatalf("%s: %v", typed, err)
		}
		if !uuidPattern.MatchString(account.ID) || account.Login != "alice" || account.Name != "Alice Example" ||
			account.Email != "alice@example.com" || !account.EmailVerified || !slices.Equal(account.Groups, []string{"admins", "staff"}) {
			t.Errorf("%s: %+v", typed, account)
		}
		if first == "" {
			first = account.ID
		}
		if account.ID != first {
			t.Errorf("%s: another account", typed)
		}
	}
	zoe, err := try(t, c, "zoe*", "zoe's password")
	if err != nil {
		t.Fatal(err)
	}
	if zoe.Login != "zoe" || zoe.Name != "Zoë" || zoe.Email != "" || zoe.EmailVerified || !slices.Equal(zoe.Groups, []string{"admins"}) {
		t.Errorf("%+v", zoe)
	}
}

func TestLDAPRefusesWhatIsNotOneUserWithThisPassword(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries)
	c := loadLDAP(t, ldapConfig(server))
	for _, tc := range []struct{ name, username, password string }{
		{"a wrong password", "alice", "wonderland "},
		{"an unknown user", "nobody", "wonderland"},
		{"an empty password", "alice", ""},
		{"a star", "*", "wonderland"},
		{"a prefix", "ali*", "wonderland"},
		{"a filter", "*)(uid=*", "wonderland"},
		{"a filter that closes two levels", "x))(|(uid=alice", "wonderland"},
		{"an escape", `\61lice`, "wonderland"},
		{"a NUL", "alice\x00", "wonderland"},
		{"a placeholder", "{username}", "wonderland"},
		{"a distinguished name", "uid=alice,ou=people,dc=example,dc=com", "wonderland"},
		{"two entries", "twin@example.com", "same"},
		{"an entry without a password", "nopassword", "x"},
		{"the reader", "reader", servers.LDAPReaderPassword},
	} {
		if account, err := try(t, c, tc.username, tc.password); !errors.Is(err, providers.ErrWrongCredentials) {
			t.Errorf("%s: %+v, %v", tc.name, account, err)
		}
	}
	if _, err := try(t, c, "twin1", "same"); err != nil {
		t.Errorf("one of two entries, by a name of its own: %v", err)
	}
}

// A fault of the configuration or of the directory is never a wrong password.
func TestLDAPFailuresAreNotWrongPasswords(t *testing.T) {
	server := servers.StartLDAP(t, entries)
	for name, tc := range map[string]struct {
		change config
		want   string
	}{
		"the reader's password is wrong":   {config{"bind_password": "x"}, "binding as bind_dn"},
		"nobody may search":                {config{"bind_dn": "", "bind_password": ""}, "looking for a user"},
		"there is no such base":            {config{"base_dn": "ou=nowhere," + servers.LDAPBase}, "looking for a user"},
		"the base is a referral":           {config{"base_dn": "ou=elsewhere," + servers.LDAPBase}, "Referral"},
		"the base of groups is a referral": {config{"group_base_dn": "ou=elsewhere," + servers.LDAPBase}, "looking for groups"},
		"no identifier":                    {config{"attributes": config{"id": "employeeNumber"}}, "no usable identifier in employeeNumber"},
		"no login name":                    {config{"attributes": config{"login": "employeeNumber"}}, "no login name in employeeNumber"},
		"a login name that is refused":     {config{"attributes": config{"login": "mail", "email": "off"}}, "the login name in mail"},
		"nobody is there":                  {config{"urls": []string{"ldap://127.0.0.1:1"}}, "connecting"},
		"a certificate that nobody trusts": {config{"urls": []string{server.SecureURL}}, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			c := loadLDAP(t, ldapConfig(server).With(tc.change))
			_, err := try(t, c, "alice", "wonderland")
			if err == nil || errors.Is(err, providers.ErrWrongCredentials) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v; want one with %q", err, tc.want)
			}
			for _, secret := range []string{"wonderland", servers.LDAPReaderPassword} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error %q holds a password", err)
				}
			}
		})
	}
}

func TestLDAPByTLS(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries)
	trusted := config{"tls_trust_pool": config{"provider": "file", "pem_files": []string{server.CAFile}}}
	for name, tc := range map[string]struct {
		change config
		works  bool
	}{
		"ldaps":                          {trusted.With(config{"urls": []string{server.SecureURL}}), true},
		"ldaps and start_tls":            {trusted.With(config{"urls": []string{server.SecureURL}, "start_tls": true}), true},
		"start_tls":                      {trusted.With(config{"start_tls": true}), true},
		"ldaps under another name":       {trusted.With(config{"urls": []string{server.SecureURL}, "tls_server_name": "ldap.example"}), false},
		"start_tls under another name":   {trusted.With(config{"start_tls": true, "tls_server_name": "ldap.example"}), false},
		"start_tls of another authority": {config{"start_tls": true}, false},
		"ldaps at the port without TLS":  {trusted.With(config{"urls": []string{strings.Replace(server.URL, "ldap:", "ldaps:", 1)}}), false},
	} {
		c := loadLDAP(t, ldapConfig(server).With(tc.change))
		_, err := try(t, c, "alice", "wonderland")
		if works := err == nil; works != tc.works || errors.Is(err, providers.ErrWrongCredentials) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLDAPAttributesAndFilters(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries)
	c := loadLDAP(t, ldapConfig(server).With(config{
		"group_filter": "(&(objectClass=groupOfNames)(member={dn}))",
		"attributes":   config{"id": "dn", "login": "off", "name": "sn", "email": "off", "groups": "objectClass", "group_name": "member"},
	}))
	account, err := try(t, c, "alice", "wonderland")
	want := providers.Account{
		ID: "uid=alice,ou=people,dc=example,dc=com", Name: "Example",
		Groups: []string{"inetOrgPerson", "uid=alice,ou=people,dc=example,dc=com"},
	}
	// {username} is the directory's spelling, in a case that the test tells.
	byName := loadLDAP(t, ldapConfig(server).With(config{"group_filter": "(member=uid={username},ou=people," + servers.LDAPBase + ")"}))
	if named, err := try(t, byName, "ALICE@example.com", "wonderland"); err != nil || !slices.Equal(named.Groups, []string{"admins", "staff"}) {
		t.Errorf("groups by login name: %+v, %v", named, err)
	}
	if err != nil || account.ID != want.ID || account.Name != want.Name || account.Login != "" || account.Email != "" || !slices.Equal(account.Groups, want.Groups) {
		t.Errorf("got  %+v, %v\nwant %+v", account, err, want)
	}
}

// connections is how many connections each pool keeps.
func connections(d *Directory) (readers, binders int) {
	d.readers.mu.Lock()
	defer d.readers.mu.Unlock()
	d.binders.mu.Lock()
	defer d.binders.mu.Unlock()
	return len(d.readers.idle), len(d.binders.idle)
}

func TestLDAPReusesConnectionsAndBindsOnlyOnTheirOwn(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries)
	c := loadLDAP(t, ldapConfig(server))
	var kept []*conn
	for i, typed := range []string{"alice", "nobody", "alice"} {
		_, err := try(t, c, typed, "wonderland")
		if ok := err == nil; ok != (typed == "alice") {
			t.Fatal(err)
		}
		if readers, binders := connections(c); readers != 1 || binders != 1 {
			t.Fatalf("%d connections to search, %d to bind", readers, binders)
		}
		now := []*conn{c.readers.idle[0], c.binders.idle[0]}
		if i > 0 && !slices.Equal(now, kept) {
			t.Errorf("after %s other connections are kept", typed)
		}
		kept = now
	}
	who, err := kept[0].ldap.WhoAmI(nil)
	if err != nil || !strings.EqualFold(who.AuthzID, "dn:"+servers.LDAPReader) {
		t.Errorf("the connection that searches is %+v, %v", who, err)
	}
	c.Close()
	if readers, binders := connections(c); readers+binders != 0 || !kept[0].ldap.IsClosing() || !kept[1].ldap.IsClosing() {
		t.Error("connections outlive their configuration")
	}
}

func TestLDAPOutageAndRecovery(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries)
	c := loadLDAP(t, ldapConfig(server).With(config{"timeout": int64(time.Second)}))
	check := func(when string, works bool) {
		t.Helper()
		_, err := try(t, c, "alice", "wonderland")
		if errors.Is(err, providers.ErrWrongCredentials) || (err == nil) != works {
			t.Errorf("%s: %v", when, err)
		}
	}
	check("at first", true)
	server.Kill()
	check("killed", false)
	server.Restart()
	check("restarted", true)
	server.Stop()
	server.Restart()
	check("restarted between two checks", true)
	server.Freeze()
	check("frozen", false)
	server.Thaw()
	check("thawed", true)
}

func TestLDAPBoundsChecksAtOnce(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries)
	c := loadLDAP(t, ldapConfig(server).With(config{"timeout": int64(30 * time.Second), "max_connections": 2}))
	server.Freeze()
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	const checks = 2 + maxWaiting + 5
	for range checks {
		go func() {
			_, err := c.Authenticate(ctx, "alice", "wonderland")
			results <- err
		}()
	}
	for range 5 {
		if err := <-results; !errors.Is(err, queue.ErrBusy) {
			t.Errorf("a check beyond the queue: %v", err)
		}
	}
	cancel()
	for range checks - 5 {
		if err := <-results; !errors.Is(err, context.Canceled) && err == nil {
			t.Error("a check that nobody waits for any more goes well")
		}
	}
	server.Thaw()
	if _, err := try(t, c, "alice", "wonderland"); err != nil {
		t.Error(err)
	}
}

// Unknown users, users with a wrong password and names that match twice take
// the same steps.
func TestLDAPTakesTheSameStepsForUnknownUsers(t *testing.T) {
	t.Parallel()
	slapd := servers.StartLDAP(t, entries)
	steps := make(map[string][]string)
	for _, typed := range []string{"alice", "nobody", "twin@example.com"} {
		d := loadLDAP(t, ldapConfig(slapd))
		for name, pool := range map[string]*pool{"search": &d.readers, "bind": &d.binders} {
			open := pool.open
			pool.open = func(ctx context.Context, server *server) (*conn, error) {
				steps[typed] = append(steps[typed], name)
				return open(ctx, server)
			}
		}
		if _, err := try(t, d, typed, "wrong"); !errors.Is(err, providers.ErrWrongCredentials) {
			t.Errorf("%s: %v", typed, err)
		}
	}
	for typed := range maps.Keys(steps) {
		if !slices.Equal(steps[typed], []string{"search", "bind"}) {
			t.Errorf("%s: %q", typed, steps[typed])
		}
	}
}
