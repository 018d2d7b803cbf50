package oauth

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

var caddyfileForms = map[string]struct{ text, want string }{
	"a preset": {
		`google {env.GOOGLE_ID} {env.GOOGLE_SECRET}`,
		`{"provider":"oidc","preset":"google","client_id":"{env.GOOGLE_ID}","client_secret":"{env.GOOGLE_SECRET}"}`,
	},
	"a preset of plain OAuth": {
		`github a b`,
		`{"provider":"oauth2","preset":"github","client_id":"a","client_secret":"b"}`,
	},
	"a preset in block form": {
		"google {\nclient_id a\nclient_secret b\nid google-2\nname \"Google Two\"\n}",
		`{"provider":"oidc","preset":"google","client_id":"a","client_secret":"b","id":"google-2","name":"Google Two"}`,
	},
	"GitHub Enterprise": {
		"github a b {\nauthorization_endpoint https://ghe.example/login/oauth/authorize\ntoken_endpoint https://ghe.example/login/oauth/access_token\n" +
			"userinfo_endpoint https://ghe.example/api/v3/user\nemail_endpoint https://ghe.example/api/v3/user/emails\n}",
		`{"provider":"oauth2","preset":"github","client_id":"a","client_secret":"b",
				"authorization_endpoint":"https://ghe.example/login/oauth/authorize","token_endpoint":"https://ghe.example/login/oauth/access_token",
				"userinfo_endpoint":"https://ghe.example/api/v3/user","email_endpoint":"https://ghe.example/api/v3/user/emails"}`,
	},
	"oidc on one line": {
		`oidc corp https://login.corp.example {env.ID} {env.SECRET}`,
		`{"provider":"oidc","id":"corp","issuer":"https://login.corp.example","client_id":"{env.ID}","client_secret":"{env.SECRET}"}`,
	},
	"oidc with all else in its block": {
		`oidc corp {
				issuer https://login.corp.example
				name "Example Corp"
				client_id a
				client_auth none
				userinfo_endpoint off
				token_endpoint https://login.corp.example/t
				authorization_endpoint https://login.corp.example/a
				scopes openid profile email groups
				params audience=api "claims={\"a\": 1}"
				allow_params audience
				deny_params login hd
				checks pkce state
				id_token_signed_response_alg ES256
				trusted_audiences project
				profile {
					id oid
					name name login
					groups roles
					image off
				}
				insecure_http
			}`,
		`{"provider":"oidc","id":"corp","name":"Example Corp","issuer":"https://login.corp.example","client_id":"a","client_auth":"none",
				"userinfo_endpoint":"off","token_endpoint":"https://login.corp.example/t","authorization_endpoint":"https://login.corp.example/a",
				"scopes":["openid","profile","email","groups"],"params":{"audience":"api","claims":"{\"a\": 1}"},"allow_params":["audience"],"deny_params":["login","hd"],
				"checks":["pkce","state"],"id_token_signed_response_alg":"ES256","trusted_audiences":["project"],
				"profile":{"id":"oid","name":"name|login","groups":"roles","image":"off"},"insecure_http":true}`,
	},
	"oidc with its issuer on the line and credentials in the block": {
		"oidc corp https://login.corp.example {\nclient_id a\nclient_secret b\n}",
		`{"provider":"oidc","id":"corp","issuer":"https://login.corp.example","client_id":"a","client_secret":"b"}`,
	},
	"oauth2": {
		"oauth2 acme a b {\nauthorization_endpoint https://acme.example/a\ntoken_endpoint https://acme.example/t\nuserinfo_endpoint https://acme.example/me\n}",
		`{"provider":"oauth2","id":"acme","client_id":"a","client_secret":"b","authorization_endpoint":"https://acme.example/a",
				"token_endpoint":"https://acme.example/t","userinfo_endpoint":"https://acme.example/me"}`,
	},
	"a transport": {
		"google a b {\ntransport {\ndial_timeout 1s\nnetwork_proxy url http://proxy.example\n}\nname G\n}",
		`{"provider":"oidc","preset":"google","client_id":"a","client_secret":"b","name":"G",
				"transport":{"protocol":"http","dial_timeout":1000000000,"network_proxy":{"from":"url","url":"http://proxy.example"}}}`,
	},
}

func TestCaddyfile(t *testing.T) {
	for name, tc := range caddyfileForms {
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

var caddyfileMistakes = map[string]struct{ text, want string }{
	"an unknown option":             {"google a b {\nscope x\n}", `unknown option "scope": did you mean scope_names or scope_separator or scopes?, at Caddyfile:3`},
	"an option twice":               {"google a b {\nname x\nname y\n}", "name is written twice, at Caddyfile:4"},
	"a variable of a shell":         {"google $GOOGLE_ID $GOOGLE_SECRET", "$GOOGLE_ID is not filled in: write {env.GOOGLE_ID}"},
	"names before values":           {"google client_id=a client_secret=b", "client_id= is not how a value is written"},
	"a value in line and block":     {"google a b {\nclient_id c\n}", "client_id is written twice: it stands in the arguments already"},
	"the id in line and block":      {"oidc corp https://x.example a b {\nid c\n}", "id is written twice"},
	"half of the credentials":       {"google a", "1 arguments: write google [<client_id> <client_secret>]"},
	"too many arguments":            {"google a b c", "3 arguments: write google"},
	"oidc without a name":           {"oidc", "0 arguments: write oidc <id> <issuer>"},
	"oidc with half of credentials": {"oidc corp https://x.example a", "3 arguments: write oidc <id> <issuer>"},
	"oauth2 with half of them":      {"oauth2 acme a {\n}", "2 arguments: write oauth2 <id>"},
	"an empty argument":             {`google "" b`, "an argument is empty"},
	"an empty value":                {"google a b {\nname \"\"\n}", "name needs exactly one value, in quotes if it has spaces: name <value>"},
	"a value too many":              {"google a b {\nname x y\n}", "name needs exactly one value"},
	"a list without values":         {"google a b {\nscopes\n}", "scopes needs values: scopes <value>..."},
	"a parameter without a value":   {"google a b {\nparams prompt\n}", `"prompt" is not a new <name>=<value>`},
	"a parameter twice":             {"google a b {\nparams a=1 a=2\n}", `"a=2" is not a new <name>=<value>`},
	"params without values":         {"google a b {\nparams\n}", "params needs values"},
	"a flag with a value":           {"google a b {\ninsecure_http on\n}", `insecure_http takes no value: leave "on" out`},
	"a block of an option":          {"google a b {\nname x {\ny\n}\n}", `unknown option "{"`},
	"profile on one line":           {"google a b {\nprofile name\n}", "profile takes a block"},
	"profile without a path":        {"google a b {\nprofile {\nname\n}\n}", "name needs values"},
	"an unknown part of profile":    {"google a b {\nprofile {\nnam x\n}\n}", "did you mean name?"},
	"a part of profile twice":       {"google a b {\nprofile {\nname x\nname y\n}\n}", "name is written twice"},
	"a profile without id":          {"google a b {\nprofile {\nid off\n}\n}", "profile id can't be off"},
	"a path that is none":           {"google a b {\nprofile {\nname a..b\n}\n}", `"a..b" is not a path`},
	"a transport without a block":   {"google a b {\ntransport http\n}", "transport takes a block"},
	"a transport with nothing":      {"google a b {\ntransport\n}", "transport takes a block"},
	"an unknown transport setting":  {"google a b {\ntransport {\nfoo\n}\n}", "foo"},
	"oidc without an issuer":        {"oidc corp {\nclient_id a\nclient_secret b\n}", `provider "corp": issuer is missing, at Caddyfile:2`},
	"an issuer that is no URL":      {"oidc corp ftp://x.example a b", `provider "corp": issuer must be an https URL, got "ftp://x.example"`},
	"an issuer over http":           {"oidc corp http://x.example a b", "insecure_http permits plain http"},
	"an issuer with a query":        {"oidc corp https://x.example/?a=b a b", "issuer must not have a query"},
	"no client_id":                  {"google {\nclient_secret b\n}", `provider "google": client_id is missing`},
	"no client_secret":              {"google {\nclient_id a\n}", "client_secret is missing: write {env.NAME}"},
	"a secret for nobody":           {"google a b {\nclient_auth none\n}", "client_auth none sends no secret"},
	"an unknown client_auth":        {"google a b {\nclient_auth basic\n}", `unknown client_auth "basic": write one of client_secret_basic,`},
	"a client_auth without its key": {"google a b {\nclient_auth private_key_jwt\n}", "private_key is missing: write {file.PATH}"},
	"an id with a slash":            {"google a b {\nid a/b\n}", "id must be 1 to 64 letters, digits"},
	"an id with a colon":            {"oidc a:b https://x.example a b", "id must be 1 to 64 letters, digits"},
	"a name with a line break":      {"google a b {\nname \"a\nb\"\n}", "name must be at most 255 bytes"},
	"scopes without openid":         {"google a b {\nscopes email\n}", "scopes must include openid"},
	"two scopes in one":             {"google a b {\nscopes \"openid email\"\n}", "is not one scope"},
	"params of the protocol":        {"google a b {\nparams state=x\n}", `params can't set "state"`},
	"an answer in the fragment":     {"google a b {\nparams response_mode=fragment\n}", "response_mode=fragment is an answer that can't be read here"},
	"an answer in a token":          {"google a b {\nparams response_mode=jwt\n}", "write form_post, or leave it out"},
	"allow_params of the protocol":  {"google a b {\nallow_params redirect_uri\n}", `allow_params can't open "redirect_uri"`},
	"params of both lists":          {"google a b {\nallow_params audience\ndeny_params audience\n}", `allow_params and deny_params both name "audience"`},
	"allow_params of a vendor":      {"google a b {\nallow_params Post_Login_Redirect_URI\n}", `allow_params can't open "Post_Login_Redirect_URI"`},
	"allow_params that redirect":    {"google a b {\nallow_params response_mode\n}", `allow_params can't open "response_mode"`},
	"checks without state":          {"google a b {\nchecks pkce\n}", "checks must include state"},
	"an unknown check":              {"google a b {\nchecks state none\n}", `unknown check "none" of an oidc provider: write pkce state nonce`},
	"a nonce for plain OAuth":       {"github a b {\nchecks state nonce\n}", `unknown check "nonce" of an oauth2 provider: write pkce state`},
	"an unknown algorithm":          {"google a b {\nid_token_signed_response_alg none\n}", `unknown id_token_signed_response_alg "none"`},
	"HS256 with a short secret":     {"google a b {\nid_token_signed_response_alg HS256\n}", "client_secret of at least 32 bytes"},
	"oauth2 without endpoints":      {"oauth2 acme a b {\n}", `provider "acme": authorization_endpoint is missing`},
	"oauth2 without userinfo":       {"oauth2 acme a b {\nauthorization_endpoint https://x.example/a\ntoken_endpoint https://x.example/t\nuserinfo_endpoint off\n}", "userinfo_endpoint is missing"},
	"an endpoint that is off":       {"google a b {\ntoken_endpoint off\n}", `token_endpoint must be an https URL, got "off"`},
	"an email_endpoint over http":   {"github a b {\nemail_endpoint http://x.example/\n}", "email_endpoint must be an https URL"},
	"an oidc option in oauth2":      {"github a b {\ntrusted_audiences x\n}", `unknown option "trusted_audiences"`},
	"half of an own GitHub": {
		"github a b {\nauthorization_endpoint https://ghe.example/login/oauth/authorize\n}",
		"token_endpoint is missing: another endpoint is at a host of your own, so every endpoint must be written",
	},
	"half of an own GitHub, by placeholder": {
		"github a b {\nauthorization_endpoint {env.GHE}/login/oauth/authorize\n}", "token_endpoint is missing",
	},
}

func TestCaddyfileErrors(t *testing.T) {
	for name, tc := range caddyfileMistakes {
		t.Run(name, func(t *testing.T) {
			got, err := providertest.Parse(tc.text)
			if err == nil {
				t.Fatalf("it was read as %s", got)
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("error %q; want one with %q and a line", err, tc.want)
			}
		})
	}
}
