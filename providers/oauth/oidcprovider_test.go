//go:build services

package oauth

import (
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

const registeredSecret = "a client secret of the Go tests, long enough for every algorithm"

// features are the clients of the real provider, each with one feature on, and
// how a provider of ours is configured for it.
var features = map[string]struct {
	registered map[string]any
	config     config
}{
	"client_secret_basic":  {map[string]any{"token_endpoint_auth_method": "client_secret_basic"}, nil},
	"client_secret_post":   {map[string]any{"token_endpoint_auth_method": "client_secret_post"}, config{"client_auth": "client_secret_post"}},
	"client_secret_jwt":    {map[string]any{"token_endpoint_auth_method": "client_secret_jwt"}, config{"client_auth": "client_secret_jwt"}},
	"public":               {map[string]any{"token_endpoint_auth_method": "none"}, config{"client_auth": "none"}},
	"private_key_jwt-EC":   {map[string]any{"token_endpoint_auth_method": "private_key_jwt"}, config{"client_auth": "private_key_jwt", "key_id": "k"}},
	"private_key_jwt-RSA":  {map[string]any{"token_endpoint_auth_method": "private_key_jwt"}, config{"client_auth": "private_key_jwt", "key_id": "k"}},
	"private_key_jwt-Ed":   {map[string]any{"token_endpoint_auth_method": "private_key_jwt"}, config{"client_auth": "private_key_jwt", "key_id": "k"}},
	"private_key_jwt-P384": {map[string]any{"token_endpoint_auth_method": "private_key_jwt"}, config{"client_auth": "private_key_jwt", "key_id": "k"}},
	"private_key_jwt-P521": {map[string]any{"token_endpoint_auth_method": "private_key_jwt"}, config{"client_auth": "private_key_jwt", "key_id": "k"}},
	"private_key_jwt-PS256-RSA": {
		map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256"},
		config{"client_auth": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256"},
	},
	"client_secret_jwt-HS512": {
		map[string]any{"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS512"},
		config{"client_auth": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS512"},
	},
	"form_post": {nil, config{"params": config{"response_mode": "form_post"}}},
	"par":       {map[string]any{"require_pushed_authorization_requests": true}, config{"pushed_authorization_request_endpoint": "discovered"}},
	"par-private_key_jwt-EC": {
		map[string]any{"require_pushed_authorization_requests": true, "token_endpoint_auth_method": "private_key_jwt"},
		config{"pushed_authorization_request_endpoint": "discovered", "client_auth": "private_key_jwt"},
	},
	"id-token-ES256":  {map[string]any{"id_token_signed_response_alg": "ES256"}, nil},
	"id-token-EdDSA":  {map[string]any{"id_token_signed_response_alg": "EdDSA"}, nil},
	"id-token-PS256":  {map[string]any{"id_token_signed_response_alg": "PS256"}, config{"id_token_signed_response_alg": "PS256"}},
	"id-token-HS256":  {map[string]any{"id_token_signed_response_alg": "HS256"}, config{"id_token_signed_response_alg": "HS256"}},
	"signed-userinfo": {map[string]any{"userinfo_signed_response_alg": "ES256"}, config{"userinfo_signed_response_alg": "ES256"}},
}

// registrations are the clients as the provider knows them.
func registrations(t *testing.T) (clients []map[string]any) {
	t.Helper()
	for id, feature := range features {
		client := map[string]any{
			"client_id": id, "redirect_uris": []string{newFlow().RedirectURI},
			"response_types": []string{"code"}, "grant_types": []string{"authorization_code"},
		}
		maps.Copy(client, feature.registered)
		switch method := client["token_endpoint_auth_method"]; method {
		case "private_key_jwt":
			kind := id[strings.LastIndex(id, "-")+1:]
			client["jwks"] = map[string]any{"keys": []any{jose.JSONWebKey{Key: publicKey(t, kind), KeyID: "k", Use: "sig"}}}
		case "none":
		default:
			client["client_secret"] = registeredSecret
		}
		clients = append(clients, client)
	}
	return clients
}

func loadFeature(t *testing.T, op *servers.OIDCProvider, id string) *OIDC {
	t.Helper()
	return loadOIDC(t, clientOf(op, id))
}

// clientOf is the configuration of a provider of ours that goes with a client.
func clientOf(op *servers.OIDCProvider, id string) config {
	c := config{"id": "corp", "issuer": op.Issuer, "client_id": id, "client_secret": registeredSecret}.With(features[id].config)
	switch c["client_auth"] {
	case "private_key_jwt":
		c["private_key"] = testKey(id[strings.LastIndex(id, "-")+1:])
		delete(c, "client_secret")
	case "none":
		delete(c, "client_secret")
	}
	return c
}

// visit plays the browser from the authorization URL to the callback.
func visit(t *testing.T, target string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := url.Parse(newFlow().RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if req.URL.Host == ours.Host || len(via) > 10 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if page, err := io.ReadAll(resp.Body); err == nil && resp.StatusCode == http.StatusOK {
		return posted(string(page))
	}
	callback, err := resp.Location()
	if err != nil {
		t.Fatalf("%s at %s: %v", resp.Status, resp.Request.URL, err)
	}
	return callback.Query()
}

var hiddenInput = regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`)

// posted are the fields of a form that the provider has the browser send.
func posted(page string) url.Values {
	fields := url.Values{}
	for _, input := range hiddenInput.FindAllStringSubmatch(page, -1) {
		fields.Set(input[1], html.UnescapeString(input[2]))
	}
	return fields
}

func signInAtRealProvider(t *testing.T, p providers.Redirector) (url.Values, providers.Account) {
	t.Helper()
	target, err := p.Begin(t.Context(), newFlow(), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := visit(t, target)
	account, err := p.Finish(t.Context(), newFlow(), answer)
	if err != nil {
		t.Fatal(err, answer)
	}
	return answer, account
}

func TestARealProviderWithEachFeature(t *testing.T) {
	op := servers.StartOIDCProvider(t, registrations(t))
	for id := range features {
		t.Run(id, func(t *testing.T) {
			p := loadFeature(t, op, id)
			target, err := p.Begin(t.Context(), newFlow(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if pushed := strings.Contains(target, "request_uri=") && !strings.Contains(target, "state="); pushed != strings.HasPrefix(id, "par") {
				t.Errorf("the browser goes to %s", target)
			}
			answer, account := signInAtRealProvider(t, p)
			if account.ID != "dora" || account.Name != "Dora Example" || account.Email != "dora@example.com" || !account.EmailVerified {
				t.Errorf("got %+v", account)
			}
			// RFC 9207: this provider announces iss and sends it.
			if answer.Get("iss") != op.Issuer {
				t.Errorf("iss is %q", answer.Get("iss"))
			}
		})
	}
}

// The same provider as one of plain OAuth 2 with PKCE, whose profile the access
// token fetches.
func TestARealProviderAsPlainOAuth2(t *testing.T) {
	op := servers.StartOIDCProvider(t, registrations(t))
	for _, id := range []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "public", "private_key_jwt-EC", "form_post", "par"} {
		t.Run(id, func(t *testing.T) {
			c := clientOf(op, id).With(config{
				"authorization_endpoint": op.Issuer + "/auth", "token_endpoint": op.Issuer + "/token", "userinfo_endpoint": op.Issuer + "/me",
				"scopes": []string{"openid", "profile", "email"}, "profile": config{"id": "sub"},
			})
			if id == "par" {
				c["pushed_authorization_request_endpoint"] = op.Issuer + "/request"
			}
			if c["client_auth"] != nil {
				c["client_assertion_audience"] = op.Issuer
			}
			answer, account := signInAtRealProvider(t, loadOAuth2(t, c))
			if account.ID != "dora" || account.Name != "Dora Example" || account.Email != "dora@example.com" || !account.EmailVerified || answer.Get("iss") != op.Issuer {
				t.Errorf("got %+v", account)
			}
		})
	}
}

func TestARealProviderThatRotatesItsKeys(t *testing.T) {
	t.Parallel()
	op := servers.StartOIDCProvider(t, registrations(t))
	p := loadFeature(t, op, "client_secret_basic")
	signInAtRealProvider(t, p)
	keys := func() string {
		t.Helper()
		body, err := outgoing.Get(t.Context(), p.client.http, p.issuer.Known().JWKSURI, outgoing.MaxAnswer)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	before := keys()
	op.Rotate()
	signInAtRealProvider(t, p)
	if before == keys() {
		t.Error("the keys were not rotated")
	}
}

// The answers of a real provider, a little changed.
func TestARealProvidersAnswersAreChecked(t *testing.T) {
	op := servers.StartOIDCProvider(t, registrations(t))
	for name, tc := range map[string]struct {
		edit func(url.Values)
		want string
	}{
		"another iss": {func(answer url.Values) { answer.Set("iss", "https://evil.example") }, "iss parameter is not the issuer"},
		"no iss":      {func(answer url.Values) { answer.Del("iss") }, "lacks the iss parameter"},
		"a used code": {func(answer url.Values) { answer.Set("code", "used") }, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			p := loadFeature(t, op, "client_secret_basic")
			target, err := p.Begin(t.Context(), newFlow(), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer := visit(t, target)
			tc.edit(answer)
			_, err = p.Finish(t.Context(), newFlow(), answer)
			providertest.MustFail(t, err, tc.want)
		})
	}
	t.Run("another key", func(t *testing.T) {
		c := config{"id": "corp", "issuer": op.Issuer, "client_id": "private_key_jwt-EC", "client_auth": "private_key_jwt", "private_key": testKey("RSA")}
		p := loadOIDC(t, c)
		target, err := p.Begin(t.Context(), newFlow(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Finish(t.Context(), newFlow(), visit(t, target))
		providertest.MustFail(t, err, "invalid_client")
	})
}
