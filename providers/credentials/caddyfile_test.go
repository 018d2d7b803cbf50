package credentials

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

const caddyfileHash = "$2a$10$M3J41gg0P4GBx89E5gJr5ebsjrbIPOVL18phE0miqtSbjHaJCRSde"

func TestCredentialsInACaddyfile(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"users who are called like options": {
			"credentials {\nfile " + caddyfileHash + "\nldap " + caddyfileHash + " {\nid 7\n}\nalice {env.HASH}\n}",
			`{"provider":"credentials","users":[{"username":"file","password":"` + caddyfileHash + `"},
				{"username":"ldap","password":"` + caddyfileHash + `","id":"7"},{"username":"alice","password":"{env.HASH}"}]}`,
		},
		"a file and users": {
			"credentials {\nfile {env.USERS_FILE}\nalice " + caddyfileHash + "\nname Staff\n}",
			`{"provider":"credentials","name":"Staff","file":"{env.USERS_FILE}","users":[{"username":"alice","password":"` + caddyfileHash + `"}]}`,
		},
		"a user with empty values": {
			"credentials {\nalice {env.HASH} {\nid \"\"\nname \"\"\nemail \"\"\nimage \"\"\ngroups a \"\"\n}\n}",
			`{"provider":"credentials","users":[{"username":"alice","password":"{env.HASH}","groups":["a",""]}]}`,
		},
		"ldap in two lines": {
			"credentials {\nldap ldaps://ldap.example.com {\nbase_dn dc=example,dc=com\n}\n}",
			`{"provider":"credentials","ldap":{"urls":["ldaps://ldap.example.com"],"base_dn":"dc=example,dc=com"}}`,
		},
		"ldap with everything": {
			`credentials {
				id staff
				ldap ldap://ldap.example.com {
					start_tls
					bind_dn cn=reader,dc=example,dc=com
					bind_password {env.LDAP_PASSWORD}
					base_dn ou=people,dc=example,dc=com
					user_filter (|(uid={username})(mail={username}))
					group_base_dn ou=groups,dc=example,dc=com
					group_filter (member={dn})
					attributes {
						id uuid entryUUID
						login uid
						name displayName cn
						email mail
						image off
						groups memberOf
						group_name ou
					}
					tls_trust_pool file /etc/ssl/corp.pem
					tls_server_name ldap.internal
					timeout 3s
					max_connections 4
					insecure_ldap
				}
			}`,
			`{"provider":"credentials","id":"staff","ldap":{"urls":["ldap://ldap.example.com"],"start_tls":true,"bind_dn":"cn=reader,dc=example,dc=com",
				"bind_password":"{env.LDAP_PASSWORD}","base_dn":"ou=people,dc=example,dc=com","user_filter":"(|(uid={username})(mail={username}))",
				"group_base_dn":"ou=groups,dc=example,dc=com","group_filter":"(member={dn})",
				"attributes":{"id":"uuid|entryUUID","login":"uid","name":"displayName|cn","email":"mail","image":"off","groups":"memberOf","group_name":"ou"},
				"tls_trust_pool":{"provider":"file","pem_files":["/etc/ssl/corp.pem"]},"tls_server_name":"ldap.internal",
				"timeout":3000000000,"max_connections":4,"insecure_ldap":true}}`,
		},
		"http with everything": {
			`credentials {
				id staff
				http https://backend.internal/login {
					field otp "One-time code" {
						type text
						autocomplete one-time-code
						optional
					}
					field tenant
					timeout 3s
					insecure_http
					transport {
						tls_trust_pool file /etc/ssl/corp.pem
					}
				}
			}`,
			`{"provider":"credentials","id":"staff","http":{"url":"https://backend.internal/login",
				"fields":[{"name":"otp","label":"One-time code","type":"text","autocomplete":"one-time-code","optional":true},{"name":"tenant"}],
				"timeout":3000000000,"insecure_http":true,
				"transport":{"protocol":"http","tls":{"ca":{"provider":"file","pem_files":["/etc/ssl/corp.pem"]}}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := providertest.Parse(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || !providertest.SameJSON(t, got[0], []byte(tc.want)) {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestCredentialsMistakesInACaddyfile(t *testing.T) {
	t.Parallel()
	const https = "https://backend.internal/login"
	user := func(option string) string {
		return "credentials {\nalice {env.HASH} {\n" + option + "\n}\n}"
	}
	for name, tc := range map[string]struct{ text, want string }{
		"nobody":                   {"credentials {\n}", `provider "credentials": no users: add a line with a name and the hash that`},
		"two back ends":            {"credentials {\nid staff\nfile x\nhttp " + https + "\n}", `provider "staff": users and http can't be combined: give each a credentials block of its own, with an id line, at Caddyfile:2`},
		"a back end twice":         {"credentials {\nhttp " + https + "\nhttp " + https + "\n}", "http is written twice, at Caddyfile:4"},
		"a misspelt option":        {"credentials {\nfiles users.htpasswd\n}", "or did you mean the option file?"},
		"clear text":               {"credentials {\nalice s3cret\n}", "user alice: the password must be a bcrypt or argon2id hash"},
		"a misspelt user option":   {user("imgae https://x.example/a.png"), `user alice: unknown option "imgae": did you mean image?, at Caddyfile:4`},
		"an unknown user option":   {user("zzzzzz"), `user alice: unknown option "zzzzzz": write one of email, groups, id, image, name, at Caddyfile:4`},
		"a user option twice":      {user("groups a\ngroups b"), "user alice: groups is written twice, at Caddyfile:5"},
		"two names of a user":      {user("name Alice Able"), "user alice: name needs exactly one value, in quotes if it has spaces"},
		"a user without groups":    {user("groups"), "user alice: groups needs values: groups <group>..., at Caddyfile:4"},
		"attributes on one line":   {"credentials {\nldap ldaps://ldap.example.com {\nattributes mail\n}\n}", "attributes takes a block, with one of email, group_name, groups, id, image, login, name on each line"},
		"no file":                  {"credentials {\nfile\n}", "file needs exactly one value"},
		"ldap without TLS":         {"credentials {\nldap ldap://ldap.example.com {\nbase_dn dc=x\n}\n}", "ldap:// sends passwords in clear text: write ldaps://, or add start_tls; insecure_ldap permits it, and whoever sits on the way reads every password, at Caddyfile:3"},
		"ldap without a base":      {"credentials {\nldap ldaps://ldap.example.com\n}", "base_dn is missing: write where people are, such as ou=people,dc=example,dc=com, at Caddyfile:3"},
		"an unknown ldap option":   {"credentials {\nldap ldaps://ldap.example.com {\nbase dc=x\n}\n}", `unknown option "base": did you mean base_dn?, at Caddyfile:4`},
		"an unknown attribute":     {"credentials {\nldap ldaps://ldap.example.com {\nattributes {\nmail mail\n}\n}\n}", `unknown option "mail"`},
		"an unknown trust pool":    {"credentials {\nldap ldaps://ldap.example.com {\ntls_trust_pool fil x.pem\n}\n}", `unknown source of tls_trust_pool "fil": did you mean file?`},
		"a timeout of no length":   {"credentials {\nldap ldaps://ldap.example.com {\ntimeout soon\n}\n}", `timeout "soon" must be a duration such as 5s`},
		"no connections":           {"credentials {\nldap ldaps://ldap.example.com {\nmax_connections 0\n}\n}", "max_connections must be a number from 1 to 256"},
		"start_tls with a value":   {"credentials {\nldap ldaps://ldap.example.com {\nstart_tls on\n}\n}", `start_tls takes no value: leave "on" out`},
		"http without TLS":         {"credentials {\nhttp http://backend.internal\n}", "http: must be an https URL"},
		"a field of the protocol":  {"credentials {\nhttp " + https + " {\nfield password\n}\n}", `field "password": this name has a meaning already: choose another, at Caddyfile:4`},
		"a field without a name":   {"credentials {\nhttp " + https + " {\nfield\n}\n}", "field takes a name and a label"},
		"an unknown field option":  {"credentials {\nhttp " + https + " {\nfield otp {\nrequired\n}\n}\n}", `unknown option "required"`},
		"an argument of the block": {"credentials staff {\n}", "credentials takes no arguments: write the users in its block, and `id staff`"},
	} {
		_, err := providertest.Parse(tc.text)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
}
