package oauth

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

var alice = providers.Account{
	ID: "alice-1", Name: "Alice Example", Email: "alice@example.com", EmailVerified: true,
	Image: "https://img.example/alice.png", Groups: []string{"admins", "staff"},
}

func TestOIDCSignsInWith(t *testing.T) {
	for name, tc := range map[string]struct {
		config    config
		behaviour providertest.Behaviour
	}{
		"what it comes with":                      {},
		"an ES256 token":                          {behaviour: providertest.Behaviour{Alg: "ES256"}},
		"an EdDSA token":                          {behaviour: providertest.Behaviour{Alg: "EdDSA"}},
		"the one configured algorithm":            {config{"id_token_signed_response_alg": "ES256"}, providertest.Behaviour{Alg: "ES256"}},
		"an HS256 token where it is configured":   {config{"id_token_signed_response_alg": "HS256"}, providertest.Behaviour{Alg: "HS256"}},
		"the secret in the body":                  {config: config{"client_auth": "client_secret_post"}},
		"no secret, being a public client":        {config: config{"client_auth": "none", "client_secret": ""}},
		"neither PKCE nor nonce":                  {config: config{"checks": []string{"state"}}},
		"a token without kid, of several keys":    {behaviour: providertest.Behaviour{Header: map[string]any{"kid": nil}}},
		"an EdDSA token without kid":              {behaviour: providertest.Behaviour{Alg: "EdDSA", Header: map[string]any{"kid": nil}}},
		"a token without at_hash":                 {behaviour: editToken(func(c map[string]any) { delete(c, "at_hash") })},
		"aud as an array of one":                  {behaviour: editToken(func(c map[string]any) { c["aud"] = []any{"client-1"} })},
		"azp being the client":                    {behaviour: editToken(func(c map[string]any) { c["azp"] = "client-1" })},
		"a trusted second audience and azp":       {config{"trusted_audiences": []string{"project"}}, editToken(twoAudiences("project", "client-1"))},
		"any second audience and azp":             {config{"trusted_audiences": []string{"*"}}, editToken(twoAudiences("project", "client-1"))},
		"a clock half a minute behind":            {behaviour: editToken(func(c map[string]any) { c["exp"] = time.Now().Unix() - 30 })},
		"a clock half a minute ahead":             {behaviour: editToken(func(c map[string]any) { c["nbf"] = time.Now().Unix() + 30; c["iat"] = time.Now().Unix() + 30 })},
		"times that have decimals":                {behaviour: editToken(func(c map[string]any) { c["exp"] = float64(time.Now().Unix()) + 60.5 })},
		"no algorithms in the discovery document": {behaviour: editDiscovery(func(d map[string]any) { delete(d, "id_token_signing_alg_values_supported") })},
		"no iss announced and none sent": {behaviour: providertest.Behaviour{
			EditDiscovery: func(d map[string]any) { delete(d, "authorization_response_iss_parameter_supported") },
			EditAnswer:    func(q url.Values) { delete(q, "iss") },
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(tc.behaviour)
			account, err := signIn(t, loadOIDC(t, corp(s).With(tc.config)), s)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(account, alice) {
				t.Errorf("got %+v, want %+v", account, alice)
			}
		})
	}
}

func editToken(edit func(map[string]any)) providertest.Behaviour {
	return providertest.Behaviour{EditIDToken: edit}
}

func editDiscovery(edit func(map[string]any)) providertest.Behaviour {
	return providertest.Behaviour{EditDiscovery: edit}
}

func twoAudiences(second string, azp any) func(map[string]any) {
	return func(c map[string]any) {
		c["aud"] = []any{"client-1", second}
		if azp != nil {
			c["azp"] = azp
		}
	}
}

func setClaim(name string, value any) providertest.Behaviour {
	return editToken(func(c map[string]any) {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	})
}

func setTime(name string, fromNow time.Duration) providertest.Behaviour {
	return editToken(func(c map[string]any) { c[name] = time.Now().Add(fromNow).Unix() })
}

func setHeader(name string, value any) providertest.Behaviour {
	return providertest.Behaviour{Header: map[string]any{name: value}}
}

// badIDTokens: each case names the requirement that refuses it.
var badIDTokens = map[string]struct {
	behaviour providertest.Behaviour
	want      string
}{
	"unsigned":                        {providertest.Behaviour{Sign: providertest.Unsigned}, "not signed with"},
	"HS256 that nobody configured":    {providertest.Behaviour{Alg: "HS256"}, "not signed with RS256, ES256, EdDSA"},
	"an algorithm that isn't offered": {providertest.Behaviour{Alg: "ES256", EditDiscovery: func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []any{"RS256", "HS256"} }}, "not signed with RS256"},
	"critical header parameters":      {setHeader("crit", []string{"b64"}), "critical"},
	"iss with a slash more":           {editToken(func(c map[string]any) { c["iss"] = c["iss"].(string) + "/" }), "iss is not the issuer"},
	"iss in other case":               {editToken(func(c map[string]any) { c["iss"] = strings.ToUpper(c["iss"].(string)) }), "iss is not the issuer"},
	"no iss":                          {setClaim("iss", nil), "iss is not the issuer"},
	"iss in two spellings":            {editToken(func(c map[string]any) { c["iss"], c["i\u017fs"] = "https://other.example", c["iss"] }), "more than one iss"},
	"aud of another client":           {setClaim("aud", "client-2"), "aud"},
	"no aud":                          {setClaim("aud", nil), "aud"},
	"an untrusted second audience":    {editToken(twoAudiences("client-2", "client-1")), "trusted_audiences"},
	"azp of another client":           {setClaim("azp", "client-2"), "azp"},
	"azp of another type":             {setClaim("azp", []any{"client-1"}), "azp"},
	"no exp":                          {setClaim("exp", nil), "exp"},
	"exp as a string":                 {editToken(func(c map[string]any) { c["exp"] = "4000000000" }), "exp"},
	"exp more than a minute ago":      {setTime("exp", -61*time.Second), "exp"},
	"no iat":                          {setClaim("iat", nil), "iat"},
	"iat a day ahead":                 {setTime("iat", 24*time.Hour), "iat"},
	"nbf more than a minute ahead":    {setTime("nbf", 65*time.Second), "nbf"},
	"nbf of the wrong type":           {setClaim("nbf", true), ""},
	"no nonce":                        {setClaim("nonce", nil), "it has no nonce, though one was sent"},
	"an empty nonce":                  {setClaim("nonce", ""), "nonce"},
	"another sign-in's nonce":         {setClaim("nonce", strings.Repeat("m", 43)), "nonce"},
	"no sub":                          {setClaim("sub", nil), "sub"},
	"an empty sub":                    {setClaim("sub", ""), "sub"},
	"a sub of 256 bytes":              {setClaim("sub", strings.Repeat("a", 256)), "sub"},
	"a number for sub":                {setClaim("sub", 7), ""},
	"at_hash of another token":        {setClaim("at_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng"), "at_hash"},
	"at_hash of another type":         {setClaim("at_hash", []any{1}), ""},
	"JSON serialization":              {providertest.Behaviour{EditTokenAnswer: jsonSerialization}, "compact serialization"},
	"four dots":                       {editRaw(func(raw string) string { return raw + ".." }), "compact serialization"},
	"one dot":                         {editRaw(func(raw string) string { return raw[:strings.LastIndex(raw, ".")] }), "compact serialization"},
	"over 64 KiB":                     {setClaim("padding", strings.Repeat("a", 64<<10)), "compact serialization"},
	"white space inside":              {editRaw(func(raw string) string { return raw + "\n" }), "compact serialization"},
	"not a token at all":              {editRaw(func(string) string { return "a.b.c" }), "compact serialization"},
	"an access token in its place":    {setHeader("typ", "at+jwt"), "another purpose"},
	"a logout token in its place":     {setHeader("typ", "application/logout+jwt"), "another purpose"},
	"a payload changed after signing": {editRaw(func(raw string) string {
		p := strings.Split(raw, ".")
		return p[0] + "." + p[1][:40] + "A" + p[1][41:] + "." + p[2]
	}), "no key of the provider"},
}

func TestOIDCRefusesAnIDToken(t *testing.T) {
	for name, tc := range badIDTokens {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(tc.behaviour)
			account, err := signIn(t, loadOIDC(t, corp(s)), s)
			providertest.MustFail(t, err, "the ID token is refused")
			providertest.MustFail(t, err, tc.want)
			if account.ID != "" {
				t.Errorf("an account came with the error: %+v", account)
			}
		})
	}
}

func editRaw(edit func(string) string) providertest.Behaviour {
	return providertest.Behaviour{EditTokenAnswer: func(answer map[string]any) {
		answer["id_token"] = edit(answer["id_token"].(string))
	}}
}

func jsonSerialization(answer map[string]any) {
	parts := strings.Split(answer["id_token"].(string), ".")
	answer["id_token"] = `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`
}

func TestOIDCWithSeveralTrustedAudiencesNeedsAzp(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	s.Set(editToken(twoAudiences("project", nil)))
	for _, trusted := range []string{"project", "*"} {
		_, err := signIn(t, loadOIDC(t, corp(s).With(config{"trusted_audiences": []string{trusted}})), s)
		providertest.MustFail(t, err, "azp")
	}
}

// The public key of the provider is no HMAC key, whatever a token says.
func TestOIDCDoesNotTakeAPublicKeyForASecret(t *testing.T) {
	for name, configured := range map[string]config{"by default": {}, "with HS256 configured": {"id_token_signed_response_alg": "HS256"}} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(providertest.Behaviour{Sign: func(c map[string]any) string {
				return providertest.Sign("HS256", s.PublicKey().N.Bytes(), map[string]any{"kid": "RS256-0"}, c)
			}})
			_, err := signIn(t, loadOIDC(t, corp(s).With(configured)), s)
			providertest.MustFail(t, err, "the ID token is refused")
		})
	}
}

// A secret key that the key set publishes verifies nothing.
func TestOIDCIgnoresSecretKeysInTheKeySet(t *testing.T) {
	s := providertest.New(t)
	const published = "0123456789abcdef0123456789abcdef"
	s.Set(providertest.Behaviour{
		EditJWKS: func(d map[string]any) {
			d["keys"] = append(d["keys"].([]any), map[string]any{"kty": "oct", "kid": "shared", "alg": "HS256", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"})
		},
		Sign: func(c map[string]any) string {
			return providertest.Sign("HS256", []byte(published), map[string]any{"kid": "shared"}, c)
		},
	})
	for name, configured := range map[string]config{"by default": {}, "with HS256 configured": {"id_token_signed_response_alg": "HS256"}} {
		t.Run(name, func(t *testing.T) {
			_, err := signIn(t, loadOIDC(t, corp(s).With(configured)), s)
			providertest.MustFail(t, err, "the ID token is refused")
		})
	}
}

// Where HS256 is configured, it is the only algorithm.
func TestOIDCWithOneAlgorithmRefusesTheOthers(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	_, err := signIn(t, loadOIDC(t, corp(s).With(config{"id_token_signed_response_alg": "HS256"})), s)
	providertest.MustFail(t, err, "not signed with HS256")
}

// Keys and key URLs inside a token are neither used nor fetched.
func TestOIDCUsesNoKeyThatATokenBrings(t *testing.T) {
	s, attacker := providertest.New(t), providertest.New(t)
	attacker.Rotate() // to keys of its own
	own := map[string]any{"kty": "RSA"}
	attacker.Set(providertest.Behaviour{EditJWKS: func(d map[string]any) {
		for _, key := range d["keys"].([]any) {
			if key.(map[string]any)["kty"] == "RSA" {
				own = key.(map[string]any)
			}
		}
	}})
	resp, err := http.Get(attacker.URL + providertest.JWKSPath)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for name, header := range map[string]map[string]any{
		"jwk": {"jwk": own},
		"jku": {"jku": attacker.URL + "/stolen"},
		"x5u": {"x5u": attacker.URL + "/stolen"},
	} {
		t.Run(name, func(t *testing.T) {
			header["kid"] = own["kid"]
			s.Set(providertest.Behaviour{Sign: func(c map[string]any) string { return attacker.SignAs("RS256", header, c) }})
			_, err := signIn(t, loadOIDC(t, corp(s)), s)
			providertest.MustFail(t, err, "the ID token is refused")
			if n := len(attacker.Requests("/stolen")); n > 0 {
				t.Errorf("the token's key URL was fetched %d times", n)
			}
		})
	}
}

func TestOIDCCallback(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(url.Values)
		want string
	}{
		"iss of another issuer":            {func(q url.Values) { q["iss"] = []string{"https://other.example"} }, "iss parameter"},
		"no iss where it is announced":     {func(q url.Values) { delete(q, "iss") }, "iss parameter"},
		"an empty iss":                     {func(q url.Values) { q["iss"] = []string{""} }, "iss parameter"},
		"iss twice":                        {func(q url.Values) { q["iss"] = append(q["iss"], q["iss"][0]) }, "iss parameter"},
		"an error beside the code":         {func(q url.Values) { q["error"] = []string{"access_denied"} }, "access_denied"},
		"an empty error beside the code":   {func(q url.Values) { q["error"] = []string{""} }, "answered with an error"},
		"an error in the provider's words": {func(q url.Values) { q["error"] = []string{"words of the provider"} }, "answered with an error"},
		"no code":                          {func(q url.Values) { delete(q, "code") }, "no code"},
		"an empty code":                    {func(q url.Values) { q["code"] = []string{""} }, "no code"},
		"two codes":                        {func(q url.Values) { q["code"] = append(q["code"], "x") }, "several"},
		"tokens in place of a code": {func(q url.Values) {
			delete(q, "code")
			q["id_token"], q["access_token"] = []string{"x"}, []string{"y"}
		}, "no code"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			p := loadOIDC(t, corp(s))
			answer := begin(t, p, s)
			tc.edit(answer)
			_, err := p.Finish(t.Context(), newFlow(), answer)
			providertest.MustFail(t, err, tc.want)
			refused := strings.Contains(name, "error")
			if refused != isRefusal(err) || refused != isRefusal(p.Refused(answer)) {
				t.Errorf("error is ErrProviderRefused: %t and %t, want %t", isRefusal(err), isRefusal(p.Refused(answer)), refused)
			}
			if n := len(s.Requests(providertest.TokenPath)); n > 0 {
				t.Errorf("the token endpoint was asked %d times", n)
			}
		})
	}
}

func TestOIDCTellsOnlyTheDebugLogWhatTheProviderWrote(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	p := loadOIDC(t, corp(s))
	logs := watch(p.client)
	answer := begin(t, p, s)
	answer.Set("error", "evil\r\nlog line")
	answer.Set("error_description", strings.Repeat("é", 300))
	_, err := p.Finish(t.Context(), newFlow(), answer)
	providertest.MustFail(t, err, "answered with an error")
	if len(logs.All()) != 1 || logs.All()[0].Level.String() != "debug" {
		t.Fatalf("logged %v, want one debug line", logs.All())
	}
	fields := logs.All()[0].ContextMap()
	if got := fields["error"]; got != `evil\r\nlog line` {
		t.Errorf("error logged as %q", got)
	}
	if got := fields["error_description"].(string); len(got) > 200 {
		t.Errorf("error_description logged with %d bytes", len(got))
	}
}

// A code that another sign-in got is refused even by a provider that
// doesn't look at PKCE.
func TestOIDCRefusesACodeOfAnotherSignIn(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	p := loadOIDC(t, corp(s).With(config{"checks": []string{"state", "nonce"}}))
	victim := newFlow()
	victim.Nonce = strings.Repeat("x", 43)
	_, err := p.Finish(t.Context(), victim, begin(t, p, s))
	providertest.MustFail(t, err, "nonce")
}

func TestOIDCSendsTheVerifierOfItsOwnFlow(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	p := loadOIDC(t, corp(s))
	other := newFlow()
	other.Verifier = strings.Repeat("w", 43)
	_, err := p.Finish(t.Context(), other, begin(t, p, s))
	providertest.MustFail(t, err, "invalid_grant")
}

func TestOIDCNeverLogsSecrets(t *testing.T) {
	s := providertest.New(t)
	for name, behaviour := range map[string]providertest.Behaviour{
		"when it works":       {},
		"when it is refused":  {Alg: "HS256"},
		"when userinfo lies":  {Userinfo: map[string]any{"sub": "mallory"}, EditIDToken: func(c map[string]any) { delete(c, "email") }},
		"when the code fails": {EditAnswer: func(q url.Values) { q["code"] = []string{"code-0"} }},
	} {
		t.Run(name, func(t *testing.T) {
			s.Set(behaviour)
			p := loadOIDC(t, corp(s))
			logs := watch(p.client)
			_, _ = signIn(t, p, s)
			for _, secret := range []string{"access-token-", "code-", s.ClientSecret, "eyJ", newFlow().State, newFlow().Nonce, newFlow().Verifier} {
				if text := providertest.LogText(t, logs); strings.Contains(text, secret) {
					t.Errorf("%q was logged: %s", secret, text)
				}
			}
		})
	}
}
