package oauth

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/profile"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// assertionOf reads the assertion of the token request that s got.
func assertionOf(t *testing.T, s *providertest.Server, key any, algs ...jose.SignatureAlgorithm) (profile.Claims, jose.Header) {
	t.Helper()
	form := s.Requests(providertest.TokenPath)[0].Form
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Has("client_secret") ||
		form.Get("client_id") != s.ClientID || s.Requests(providertest.TokenPath)[0].Header.Get("Authorization") != "" {
		t.Errorf("the token request was %v", form)
	}
	jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), algs)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := profile.ParseClaims(payload)
	if err != nil {
		t.Fatal(err)
	}
	return c, jws.Signatures[0].Header
}

func publicKey(t *testing.T, kind string) any {
	t.Helper()
	key, err := parsePrivateKey(testKey(kind))
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

// RFC 7523 section 3, OpenID Connect Core 9.
func TestPrivateKeyJWT(t *testing.T) {
	for name, tc := range map[string]struct {
		key, alg, aud string
		config        config
	}{
		"an EC key":       {"EC", "ES256", "", nil},
		"an RSA key":      {"RSA", "RS256", "", nil},
		"an RSA-PSS key":  {"RSA", "PS256", "", config{"token_endpoint_auth_signing_alg": "PS256"}},
		"an Ed25519 key":  {"Ed", "EdDSA", "", nil},
		"a P-384 key":     {"P384", "ES384", "", nil},
		"a P-521 key":     {"P521", "ES512", "", nil},
		"joined lines":    {"EC", "ES256", "", config{"private_key": strings.ReplaceAll(testKey("EC"), "\n", `\n`)}},
		"an own audience": {"EC", "ES256", "https://other.example", config{"client_assertion_audience": "https://other.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			c := corp(s).With(config{"client_auth": "private_key_jwt", "private_key": testKey(tc.key), "key_id": "key-1"}).With(tc.config)
			delete(c, "client_secret")
			if _, err := signIn(t, loadOIDC(t, c), s); err != nil {
				t.Fatal(err)
			}
			got, header := assertionOf(t, s, publicKey(t, tc.key), jose.SignatureAlgorithm(tc.alg))
			want := s.URL
			if tc.aud != "" {
				want = tc.aud
			}
			exp, _ := issuer.NumericDate(got["exp"])
			if got["iss"] != s.ClientID || got["sub"] != s.ClientID || got["aud"] != want || got["jti"] == nil || header.KeyID != "key-1" ||
				time.Until(exp) <= 0 || time.Until(exp) > 5*time.Minute {
				t.Errorf("the assertion has %v, its header %+v", got, header)
			}
		})
	}
}

func TestClientSecretJWT(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	c := corp(s).With(config{"client_auth": "client_secret_jwt"})
	if _, err := signIn(t, loadOIDC(t, c), s); err != nil {
		t.Fatal(err)
	}
	if got, _ := assertionOf(t, s, []byte(s.ClientSecret), jose.HS256); got["aud"] != s.URL {
		t.Errorf("the assertion has %v", got)
	}
}

// Each request is proven anew: an assertion that was seen can't be used again.
func TestNoAssertionIsSentTwice(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	p := loadOIDC(t, corp(s).With(config{"client_auth": "client_secret_jwt"}))
	for range 2 {
		if _, err := signIn(t, p, s); err != nil {
			t.Fatal(err)
		}
	}
	requests := s.Requests(providertest.TokenPath)
	if requests[0].Form.Get("client_assertion") == requests[1].Form.Get("client_assertion") {
		t.Error("the same assertion twice")
	}
}

// RFC 9126: the request goes to the provider itself, and the browser carries a
// reference to it.
func TestPushedAuthorizationRequests(t *testing.T) {
	const path = "/par"
	for name, tc := range map[string]struct {
		discovery map[string]any
		config    config
		want      bool
	}{
		"the provider demands it":                  {map[string]any{"require_pushed_authorization_requests": true}, nil, true},
		"it is switched on":                        {nil, config{"pushed_authorization_request_endpoint": "discovered"}, true},
		"it is offered":                            {nil, nil, false},
		"it is offered, and a parameter restricts": {nil, config{"params": config{"acr_values": "gold"}}, true},
		"it is offered, and a parameter may":       {nil, config{"params": config{"kc_idp_hint": "corp"}}, true},
		"it is off, and a parameter restricts": {nil, config{
			"params": config{"acr_values": "gold"}, "pushed_authorization_request_endpoint": "off",
		}, false},
		"it is switched off": {map[string]any{"require_pushed_authorization_requests": true}, config{"pushed_authorization_request_endpoint": "off"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(providertest.Behaviour{
				EditDiscovery: func(document map[string]any) {
					document["pushed_authorization_request_endpoint"] = s.URL + path
					maps.Copy(document, tc.discovery)
				},
				Handle: map[string]http.HandlerFunc{path: func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusCreated)
					_ = json.NewEncoder(w).Encode(map[string]any{"request_uri": "urn:x:1", "expires_in": 60})
				}},
			})
			p := loadOIDC(t, corp(s).With(tc.config))
			target, err := p.Begin(t.Context(), newFlow(), nil)
			if err != nil {
				t.Fatal(err)
			}
			pushed := s.Requests(path)
			if want := s.URL + providertest.AuthorizePath + "?client_id=client-1&request_uri=urn%3Ax%3A1"; tc.want && target != want {
				t.Errorf("the browser goes to %s, not %s", target, want)
			}
			if (len(pushed) == 1) != tc.want {
				t.Fatalf("%d requests were pushed", len(pushed))
			}
			if !tc.want {
				return
			}
			form := pushed[0].Form
			if form.Get("state") != newFlow().State || form.Get("code_challenge") == "" || form.Get("nonce") != newFlow().Nonce ||
				form.Get("redirect_uri") != newFlow().RedirectURI || !strings.HasPrefix(pushed[0].Header.Get("Authorization"), "Basic ") {
				t.Errorf("pushed: %v, %v", form, pushed[0].Header)
			}
		})
	}
}

func TestAPushedRequestThatFailsStartsNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		status     int
		body, want string
	}{
		"refused":        {400, `{"error":"invalid_client","error_description":"words of the provider"}`, "invalid_client: it doesn't accept client_id"},
		"words":          {400, `{"error":"words of the provider"}`, "status 400"},
		"no reference":   {201, `{}`, "no request_uri"},
		"not an object":  {201, `[]`, "not a JSON object"},
		"somewhere else": {302, ``, "status 302"},
		"both":           {201, `{"error":"invalid_request","request_uri":"urn:x:1"}`, "counts as a refusal"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(providertest.Behaviour{Handle: map[string]http.HandlerFunc{"/par": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}}})
			p := loadOIDC(t, corp(s).With(config{"pushed_authorization_request_endpoint": s.URL + "/par"}))
			_, err := p.Begin(t.Context(), newFlow(), nil)
			providertest.MustFail(t, err, tc.want)
		})
	}
}

func TestClientProofsThatCannotBeMade(t *testing.T) {
	base := config{"id": "corp", "issuer": "https://op.example", "client_id": "a"}
	key := base.With(config{"client_auth": "private_key_jwt"})
	for name, tc := range map[string]struct {
		config config
		want   string
	}{
		"no key":                 {key, "private_key is missing: write {file.PATH}"},
		"a key that is none":     {key.With(config{"private_key": "secret"}), "private_key is not a private key in PEM"},
		"a key and a secret":     {key.With(config{"private_key": testKey("EC"), "client_secret": "b"}), "leave client_secret out"},
		"a key for nothing":      {base.With(config{"private_key": testKey("EC"), "client_secret": "b"}), "client_secret_basic uses no private_key"},
		"another key's alg":      {key.With(config{"private_key": testKey("EC"), "token_endpoint_auth_signing_alg": "RS256"}), "doesn't go with private_key: write one of ES256"},
		"a short secret":         {base.With(config{"client_auth": "client_secret_jwt", "client_secret": "b"}), "at least 32 bytes"},
		"a secret for HS512":     {base.With(config{"client_auth": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS512", "client_secret": strings.Repeat("b", 63)}), "at least 64 bytes"},
		"a secret for RS256":     {base.With(config{"client_auth": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256", "client_secret": strings.Repeat("b", 63)}), "write HS256, HS384 or HS512"},
		"an alg for nothing":     {base.With(config{"token_endpoint_auth_signing_alg": "RS256", "client_secret": "b"}), "client_secret_basic signs nothing"},
		"Apple with both":        {config{"preset": "apple", "client_id": "a", "client_secret": "b", "private_key": testKey("EC"), "key_id": "k", "options": config{"team_id": "T"}}, "leave client_secret out, for it is made from the key"},
		"Apple and another key":  {config{"preset": "apple", "client_id": "a", "private_key": testKey("RSA"), "key_id": "k", "options": config{"team_id": "T"}}, "Apple takes ES256 alone"},
		"Apple without a team":   {config{"preset": "apple", "client_id": "a", "private_key": testKey("EC"), "key_id": "k"}, "team_id is missing"},
		"Apple without a key":    {config{"preset": "apple", "client_id": "a", "options": config{"team_id": "T"}}, "private_key is missing: the client secret of Apple is made"},
		"Apple without a key id": {config{"preset": "apple", "client_id": "a", "private_key": testKey("EC"), "options": config{"team_id": "T"}}, "key_id is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := providertest.Load(t, kindOIDC, tc.config)
			providertest.MustFail(t, err, tc.want)
			if strings.Contains(err.Error(), "PRIVATE") {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}
