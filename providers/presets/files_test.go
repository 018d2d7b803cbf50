package presets

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files of this folder as they should be")

// write returns a file of this folder with its keys in the order of the Go type.
func write(t *testing.T, content any) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "\t")
	if err := encoder.Encode(content); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func compare(t *testing.T, name string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := files.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s isn't written as it should be (%v): run go generate ./providers", name, err)
	}
}

// A new file is like the others, whoever wrote it; the same key twice shows here, too.
func TestFilesAreWrittenInOneWay(t *testing.T) {
	t.Parallel()
	for _, id := range IDs() {
		preset, err := read(id)
		if err != nil {
			t.Error(err)
			continue
		}
		preset.Schema = "./" + schemaFile
		compare(t, id+extension, write(t, preset))
	}
}

func TestFilesHaveTheSchemaOfTheGoType(t *testing.T) {
	t.Parallel()
	compare(t, schemaFile, write(t, schema(t)))
}

func TestEveryAliasIsOfAPreset(t *testing.T) {
	t.Parallel()
	aliases := 0
	for _, id := range IDs() {
		written, err := read(id)
		if err != nil {
			t.Fatal(err)
		}
		preset, ok := Get(id)
		if !ok || preset.Kind == "" || preset.Name != written.Name || preset.AliasOf != written.AliasOf {
			t.Errorf("%s is %+v", id, preset)
		}
		if written.AliasOf != "" {
			aliases++
		}
	}
	if aliases != 2 {
		t.Errorf("%d aliases", aliases)
	}
}

func TestThereIsNoPresetOfAnotherName(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "nobody", "schema", "GitHub", "./github", "../presets/github", "github.json"} {
		if _, ok := Get(id); ok {
			t.Errorf("%q is a preset", id)
		}
	}
}

// sound is a preset that uses all that the cases below break.
const sound = `{
	"name": "Example", "kind": "oidc",
	"options": [{"name": "region", "use": "the region", "default": "eu", "choices": {"eu": {"host": "eu.example"}, "us": {"host": "us.example"}}}],
	"config": {
		"issuer": "https://{host}/", "checks": ["state", "nonce"], "client_auth": "client_secret_post",
		"id_token_signed_response_alg": "HS256", "userinfo_signed_response_alg": "ES256",
		"params": {"audience": "{issuer}"}, "userinfo_params": {"user": "{token_response.user}"},
		"profile": {"id": "sub", "name": "name", "email": "off", "image": "https://img.example/{sub}", "groups": "off"}
	},
	"attests": [{"name": "team", "claim": "team"}],
	"unrestricting": {"region": "it is in the issuer"},
	"why": {"config.checks": "it knows no PKCE"},
	"differs": "Nothing."
}`

func TestBrokenPresetsAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := decode([]byte(sound)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ old, written, want string }{
		"an unknown key":                    {`"name": "Example"`, `"name": "Example", "color": "red"`, "color"},
		"an unknown key in config":          {`"checks": [`, `"client_id": "x", "checks": [`, "client_id"},
		"a value of another type":           {`["state", "nonce"]`, `"state"`, "checks"},
		"something behind it":               {`"Nothing."` + "\n}", `"Nothing."} {}`, "behind"},
		"an unknown kind":                   {`"oidc"`, `"saml"`, "kind is"},
		"no kind":                           {`"kind": "oidc",`, ``, "kind is missing"},
		"no name":                           {`"Example"`, `""`, "name is missing"},
		"nothing about NextAuth":            {`"Nothing."`, `""`, "differs is missing"},
		"a part of the profile left open":   {`"email": "off", `, ``, "config.profile.email is missing"},
		"nobody's id":                       {`"id": "sub"`, `"id": "off"`, "can't be off"},
		"an unknown client_auth":            {"client_secret_post", "post", "config.client_auth is"},
		"an unknown algorithm":              {`"HS256"`, `"none"`, "config.id_token_signed_response_alg is"},
		"userinfo signed by the secret":     {`"ES256"`, `"HS256"`, "config.userinfo_signed_response_alg is"},
		"a secret signed by itself":         {`"attests"`, `"signed_secret": {"issuer": "x", "audience": "x", "alg": "HS256"}, "attests"`, "signed_secret.alg is"},
		"an unknown check":                  {`"nonce"`, `"csrf"`, "config.checks is"},
		"no state":                          {`["state", "nonce"]`, `["nonce"]`, "lacks state"},
		"nonce without ID tokens":           {`"kind": "oidc"`, `"kind": "oauth2"`, "nonce"},
		"oauth2 without endpoints":          {`"kind": "oidc"`, `"kind": "oauth2"`, "authorization_endpoint"},
		"a key of the other kind":           {`"checks": [`, `"email_endpoint": "https://a.example", "checks": [`, "email_endpoint is for oauth2"},
		"no issuer":                         {`"issuer": "https://{host}/",`, ``, "config.issuer or"},
		"two issuers":                       {`"kind": "oidc",`, `"kind": "oidc", "issuer_example": "https://a.example",`, "issuer_example"},
		"an option that nothing uses":       {"https://{host}/", "https://a.example", "uses the option region"},
		"an option that isn't declared":     {"{issuer}", "{tenant_id}", "{tenant_id}"},
		"a choice's option itself":          {"https://{host}/", "https://{region}.{host}/", "{region}"},
		"an issuer made of itself":          {"https://{host}/", "https://{host}/{issuer}", "{issuer}"},
		"a place where nothing is replaced": {`"name": "name"`, `"name": "{host}"`, "config.profile.name has {host}"},
		"a token's value before its answer": {"{issuer}", "{token_response.user}", "config.params.audience has"},
		"an option in upper case":           {`[{"name": "region"`, `[{"name": "Region"`, "lower case"},
		"an option without a use":           {`"the region"`, `""`, "what it is"},
		"a default that is no choice":       {`"default": "eu"`, `"default": "asia"`, "none of its choices"},
		"choices with different names":      {`"us": {"host"`, `"us": {"server"`, "other names"},
		"an attestation of nothing":         {`"claim": "team"`, `"any": true`, "attests"},
		"what nothing asks for":             {`"unrestricting": {"region"`, `"unrestricting": {"tenant"`, "unrestricting has tenant"},
		"a reason for what isn't there":     {`"why": {"config.checks"`, `"why": {"config.scopes"`, "config.scopes, which isn't there"},
		"an alias with more than a name":    {`"kind": "oidc",`, `"kind": "oidc", "alias_of": "github",`, "alias"},
	} {
		broken := strings.Replace(sound, test.old, test.written, 1)
		if broken == sound {
			t.Errorf("%s: there is no %s", name, test.old)
		}
		if _, err := decode([]byte(broken)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
