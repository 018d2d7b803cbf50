package oauth

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestAuthorizationURL(t *testing.T) {
	const endpoint = "https://op.example/auth"
	base := config{"id": "local", "issuer": "https://op.example", "client_id": "my-client", "client_secret": "s"}
	flow := providers.Flow{
		State: "the-state", Nonce: "the-nonce", RedirectURI: "http://localhost:3000/api/auth/callback/local",
		Verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", // RFC 7636 appendix B
	}
	const (
		head = endpoint + "?client_id=my-client&scope=openid%20email%20profile&response_type=code" +
			"&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fapi%2Fauth%2Fcallback%2Flocal"
		pkce = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
		tail = "&state=the-state" + pkce + "&nonce=the-nonce"
	)
	for name, tc := range map[string]struct {
		config config
		extra  url.Values
		want   string
	}{
		"the order and spelling of NextAuth":  {extra: url.Values{"prompt": {"login"}}, want: head + "&prompt=login" + tail},
		"nothing added":                       {want: head + tail},
		"configured parameters before others": {config{"params": config{"b": "2 3", "a": "1"}}, url.Values{"max_age": {"60"}}, head + "&a=1&b=2%203&max_age=60" + tail},
		"parameters that the operator allows": {config{"allow_params": []string{"kc_idp_hint"}}, url.Values{"kc_idp_hint": {"x"}}, head + "&kc_idp_hint=x" + tail},
		"a fixed parameter can't be changed":  {config{"params": config{"prompt": "consent"}}, url.Values{"prompt": {"none"}}, head + "&prompt=consent" + tail},
		"a doubled parameter is left out":     {extra: url.Values{"prompt": {"login", "none"}}, want: head + tail},
		"words of vendors":                    {extra: url.Values{"login": {"alice"}, "hd": {"example.com"}, "access_type": {"online"}, "organization": {"org_1"}, "kc_idp_hint": {"x"}}, want: head + "&access_type=online&hd=example.com&kc_idp_hint=x&login=alice&organization=org_1" + tail},
		"parameters that the operator denies": {config{"deny_params": []string{"login"}}, url.Values{"LOGIN": {"x"}, "hd": {"y"}}, head + "&hd=y" + tail},
		"what changes the token":              {extra: url.Values{"audience": {"x"}, "claims": {"{}"}, "authorization_details": {"[]"}, "Include_Granted_Scopes": {"true"}}, want: head + tail},
		"that too, where it is allowed":       {config{"allow_params": []string{"audience"}}, url.Values{"audience": {"x"}}, head + "&audience=x" + tail},
		"a fixed parameter in another case":   {config{"params": config{"prompt": "consent"}}, url.Values{"Prompt": {"none"}}, head + "&prompt=consent" + tail},
		"what the vendor calls client_id":     {config{"param_names": config{"client_id": "appid"}}, url.Values{"AppID": {"evil"}}, strings.Replace(head, "client_id", "appid", 1) + tail},
		"names that PHP reads as others":      {extra: url.Values{"redirect.uri": {"x"}, "scope[]": {"x"}, "login hint": {"x"}, "": {"x"}}, want: head + tail},
		"twenty at the most":                  {extra: numbered(25, "1"), want: head + "&" + numbered(20, "1").Encode() + tail},
		"2 KiB together at the most":          {extra: numbered(5, strings.Repeat("v", 1000)), want: head + "&" + numbered(2, strings.Repeat("v", 1000)).Encode() + tail},
		"an oversized parameter is left out":  {extra: url.Values{"login_hint": {strings.Repeat("a", 1025)}}, want: head + tail},
		"control characters are left out":     {extra: url.Values{"login_hint": {"a\r\nb"}}, want: head + tail},
		"a value can't add a parameter":       {extra: url.Values{"login_hint": {"a&client_id=evil+x"}}, want: head + "&login_hint=a%26client_id%3Devil%2Bx" + tail},
		"no PKCE, no nonce where not checked": {config: config{"checks": []string{"state"}}, want: head + "&state=the-state"},
		"scopes as configured":                {config: config{"scopes": []string{"openid", "a:b"}}, want: strings.Replace(head, "openid%20email%20profile", "openid%20a%3Ab", 1) + tail},
		"what would take over the sign-in": {
			extra: url.Values{
				"client_id": {"x"}, "redirect_uri": {"x"}, "response_type": {"x"}, "response_mode": {"x"}, "scope": {"x"},
				"state": {"x"}, "nonce": {"x"}, "code_challenge": {"x"}, "code_challenge_method": {"plain"},
				"request": {"x"}, "request_uri": {"x"}, "resource": {"x"}, "json": {"true"}, "callbackUrl": {"x"},
				"Redirect_URI": {"x"}, "redirect_url": {"x"}, "post_login_redirect": {"x"}, "callback": {"x"}, "client_secret": {"x"}, "client_assertion": {"x"},
				"registration": {"x"}, "dpop_jkt": {"x"}, "web_message_uri": {"x"}, "SCOPE": {"x"}, "id_token_hint": {"x"},
			},
			want: head + tail,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := loadOIDC(t, base.With(tc.config))
			if got := p.client.authorizer().request(flow, tc.extra).appendTo(endpoint); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// numbered are so many parameters of one value.
func numbered(count int, value string) url.Values {
	all := make(url.Values)
	for i := range count {
		all.Set(fmt.Sprintf("p%02d", i), value)
	}
	return all
}

// NextAuth.js passes every parameter on: whoever misses one finds it in the log.
func TestParametersThatAreLeftOutAreTold(t *testing.T) {
	t.Parallel()
	p := loadOIDC(t, config{"id": "local", "issuer": "https://op.example", "client_id": "my-client", "client_secret": "s"})
	core, lines := observer.New(zap.InfoLevel)
	a := p.client.authorizer()
	a.sampled = zap.New(core)
	a.request(newFlow(), url.Values{"scope": {"x"}, "evil\nline": {"x"}, "prompt": {"login"}, "callbackUrl": {"/"}, "json": {"true"}})
	told := lines.All()
	if len(told) != 1 || fmt.Sprint(told[0].ContextMap()["parameters"]) != "[(not a plain name) scope]" {
		t.Errorf("the log has %v", told)
	}
	a.request(newFlow(), url.Values{"prompt": {"login"}, "callbackUrl": {"/"}})
	if lines.Len() != 1 {
		t.Errorf("the log has %v", lines.All())
	}
}

func TestAuthorizationURLKeepsTheEndpointsQuery(t *testing.T) {
	t.Parallel()
	p := loadOAuth2(t, octo(providertest.NewHandler("https://op.example")).With(config{"scopes": []string{}}))
	for endpoint, want := range map[string]string{
		"https://op.example/auth":      "https://op.example/auth?client_id=",
		"https://op.example/auth?":     "https://op.example/auth?client_id=",
		"https://op.example/auth?p=1":  "https://op.example/auth?p=1&client_id=",
		"https://op.example/auth?p=1&": "https://op.example/auth?p=1&client_id=",
	} {
		if got := p.client.authorizer().request(newFlow(), nil).appendTo(endpoint); !strings.HasPrefix(got, want) || strings.Contains(got, "scope=") {
			t.Errorf("%s became %s", endpoint, got)
		}
	}
}
