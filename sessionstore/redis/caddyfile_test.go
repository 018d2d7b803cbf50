package redis

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/caddytls"
)

func parse(text string) (string, error) {
	r := new(Redis)
	if err := r.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		return "", err
	}
	out, err := json.Marshal(r)
	return string(out), err
}

func TestCaddyfile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"redis redis://localhost:6379":                                                            `{"urls":["redis://localhost:6379"]}`,
		"redis {env.REDIS_URL} {\n cluster\n}":                                                    `{"urls":["{env.REDIS_URL}"],"cluster":true}`,
		"redis redis://a redis://b {\n prefix sso:\n}":                                            `{"urls":["redis://a","redis://b"],"prefix":"sso:"}`,
		"redis redis://a {\n username \"\"\n password \"\"\n}":                                    `{"urls":["redis://a"]}`,
		"redis redis://a {\n sentinel m {\n username \"\"\n password \"\"\n}\n}":                  `{"urls":["redis://a"],"sentinel":{"master":"m"}}`,
		"redis rediss://a {\n tls {\n server_name \"\"\n}\n}":                                     `{"urls":["rediss://a"],"tls":{}}`,
		"redis redis://a {\n sentinel m\n username u\n password {env.P}\n}":                       `{"urls":["redis://a"],"sentinel":{"master":"m"},"username":"u","password":"{env.P}"}`,
		"redis redis://a {\n sentinel m {\n username u\n password {env.P}\n}\n}":                  `{"urls":["redis://a"],"sentinel":{"master":"m","username":"u","password":"{env.P}"}}`,
		"redis rediss://a {\n tls {\n trust_pool file /ca.pem\n server_name n\n}\n}":              `{"urls":["rediss://a"],"tls":{"ca":{"pem_files":["/ca.pem"],"provider":"file"},"server_name":"n"}}`,
		"redis rediss://a {\n tls {\n client_auth c k\n insecure_skip_verify\n}\n prefix x:\n}\n": `{"urls":["rediss://a"],"tls":{"client_certificate_file":"c","client_certificate_key_file":"k","insecure_skip_verify":true},"prefix":"x:"}`,
	} {
		if got, err := parse(text); err != nil || got != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", text, got, err, want)
		}
	}
}

func TestCaddyfileMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"redis":                          "no URL",
		"redis {\n cluster\n}":           "no URL",
		"redis http://h":                 "URL 1 has an unknown scheme",
		"redis redis://u:sesame@h?x=1":   "URL 1 has a ? with options",
		"redis redis://h {\n clutser\n}": `redis: unknown option "clutser": did you mean cluster?`,
		"redis redis://h {\n sentinel m {\n usrname x\n}\n}":         `redis: sentinel: unknown option "usrname": did you mean username?`,
		"redis redis://h {\n tls {\n server_nam x\n}\n}":             `redis: tls: unknown option "server_nam": did you mean server_name?`,
		"redis redis://h {\n tls {\n trust_pool fil x\n}\n}":         `redis: tls: unknown source of trust_pool "fil": did you mean file?`,
		"redis redis://h {\n cluster yes\n}":                         `cluster takes no value: leave "yes" out`,
		"redis redis://h {\n cluster\n cluster\n}":                   "cluster is written twice",
		"redis redis://h {\n sentinel\n}":                            "sentinel needs exactly one value",
		"redis redis://h {\n sentinel m {\n master x\n}\n}":          `redis: sentinel: unknown option "master"`,
		"redis redis://h {\n sentinel m\n cluster\n}":                "exclude each other",
		"redis redis://h {\n prefix \"a b\"\n}":                      "printable ASCII",
		"redis redis://h {\n password\n}":                            "redis: password needs exactly one value",
		"redis redis://h {\n tls on\n}":                              "tls takes a block, with one of client_auth, ",
		"redis redis://h {\n tls {\n ca x\n}\n}":                     `redis: tls: unknown option "ca": write one of client_auth, insecure_skip_verify, server_name, trust_pool`,
		"redis redis://h {\n tls {\n trust_pool nothing\n}\n}":       `redis: tls: unknown source of trust_pool "nothing": write one of`,
		"redis redis://h {\n tls {\n trust_pool\n}\n}":               "trust_pool takes a source, as in: trust_pool file",
		"redis redis://h {\n tls {\n client_auth c\n}\n}":            "client_auth <certificate> <key>",
		"redis redis://h {\n tls {\n insecure_skip_verify true\n}\n": "insecure_skip_verify takes no value",
	} {
		if got, err := parse(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzCaddyfile(f *testing.F) {
	f.Add("redis redis://a redis://b {\n cluster\n sentinel m {\n username u\n}\n tls {\n trust_pool file x\n}\n}")
	f.Fuzz(func(t *testing.T, text string) {
		r := new(Redis)
		if err := r.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err == nil && len(r.URLs) == 0 {
			t.Errorf("%q is taken without a URL", text)
		}
	})
}
