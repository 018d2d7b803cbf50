package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// keyTest is an issuer whose key set is fetched in the process.
type keyTest struct {
	*providertest.Server
	issuer Issuer
	client *http.Client
}

func newKeyTest() *keyTest {
	s := providertest.NewHandler("https://op.example")
	return &keyTest{Server: s, issuer: Issuer{id: s.URL}, client: outgoing.Client(inProcess{s})}
}

func (k *keyTest) verify(t testing.TB, header map[string]any) error {
	t.Helper()
	jws, err := jose.ParseSignedCompact(k.SignAs("RS256", header, map[string]any{"sub": "x"}), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.issuer.verifySignature(t.Context(), k.client, k.URL+providertest.JWKSPath, jws)
	return err
}

// A rotated key is found at once.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeyTest()
		for i := range 3 {
			if err := k.verify(t, nil); err != nil {
				t.Fatalf("rotation %d: %v", i, err)
			}
			k.Rotate()
			time.Sleep(earlyEvery)
		}
	})
}

// A provider that lost its keys and made new ones under the same name.
func TestAKeyReplacedUnderTheSameKidIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeyTest()
		k.Set(providertest.Behaviour{EditJWKS: func(d map[string]any) {
			for _, key := range d["keys"].([]any) {
				if key.(map[string]any)["kty"] == "RSA" {
					key.(map[string]any)["kid"] = "the-key"
				}
			}
		}})
		header := map[string]any{"kid": "the-key"}
		for range 2 {
			if err := k.verify(t, header); err != nil {
				t.Fatal(err)
			}
			k.Rotate()
		}
	})
}

// A flood of unknown kids neither hammers the provider nor locks out
// those with a known one.
func TestAFloodOfUnknownKids(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeyTest()
		for range 100 {
			if err := k.verify(t, map[string]any{"kid": "unknown"}); err == nil {
				t.Fatal("a token with an unknown kid was accepted")
			}
			if err := k.verify(t, nil); err != nil {
				t.Fatalf("a good token was refused: %v", err)
			}
		}
		if n := len(k.Requests(providertest.JWKSPath)); n != 2 {
			t.Errorf("the key set was fetched %d times, want 2", n)
		}
	})
}

// What a key set holds besides usable keys.
func TestParseKeys(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(key jose.JSONWebKey, change map[string]any) json.RawMessage {
		encoded, err := json.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(encoded, &object); err != nil {
			t.Fatal(err)
		}
		maps.Copy(object, change)
		encoded, _ = json.Marshal(object)
		return encoded
	}
	public := jose.JSONWebKey{Key: private.Public(), KeyID: "good"}
	// RFC 8017 lets a 1024-bit key verify; RFC 7518 doesn't.
	const weak = `{"kty":"RSA","kid":"weak","e":"AQAB","n":"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5AaWTg0nM"}`
	for name, tc := range map[string]struct {
		key    json.RawMessage
		usable bool
	}{
		"a public key":              {jwk(public, nil), true},
		"a public key for signing":  {jwk(public, map[string]any{"use": "sig"}), true},
		"one for encryption":        {jwk(public, map[string]any{"use": "enc"}), false},
		"a private one":             {jwk(jose.JSONWebKey{Key: private, KeyID: "good"}, nil), false},
		"a secret one":              {json.RawMessage(`{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}`), false},
		"one with a broken chain":   {jwk(public, map[string]any{"x5c": []string{"AAAA"}, "x5t": "AA", "x5t#S256": "AA", "x5u": "ftp://x"}), true},
		"one of 1024 bits":          {json.RawMessage(weak), false},
		"one of an unknown type":    {json.RawMessage(`{"kty":"OKP","crv":"Ed448","x":"AA"}`), false},
		"one that isn't an object":  {json.RawMessage(`7`), false},
		"one with half its members": {json.RawMessage(`{"kty":"EC","crv":"P-256"}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			alone, _ := json.Marshal(map[string]any{"keys": []json.RawMessage{tc.key}})
			keys, err := parseKeys(alone)
			if (err == nil) != tc.usable || len(keys) == 1 != tc.usable {
				t.Errorf("alone: %d keys, %v", len(keys), err)
			}
			beside, _ := json.Marshal(map[string]any{"keys": []json.RawMessage{tc.key, jwk(public, nil)}})
			if keys, err := parseKeys(beside); err != nil || len(keys) == 2 != tc.usable {
				t.Errorf("beside a good one: %d keys, %v", len(keys), err)
			}
		})
	}
	for _, body := range []string{"", "[]", "null", "{}", `{"keys":[]}`, `{"keys":{}}`} {
		if _, err := parseKeys([]byte(body)); err == nil {
			t.Errorf("%q was read", body)
		}
	}
}

func TestAKeyVerifiesOnlyItsOwnAlgorithm(t *testing.T) {
	t.Parallel()
	k := newKeyTest()
	k.Set(providertest.Behaviour{EditJWKS: func(d map[string]any) {
		for _, key := range d["keys"].([]any) {
			key.(map[string]any)["alg"] = "PS256"
		}
	}})
	providertest.MustFail(t, k.verify(t, nil), "no key of the provider")
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"oct","k":"AA"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, _ := parseKeys(body)
		for _, key := range keys {
			if !key.IsPublic() || !key.Valid() {
				t.Errorf("kept %+v", key)
			}
		}
	})
}

// inProcess answers requests by calling a handler, without a network, so that
// it works under a fake clock.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, req)
	return recorder.Result(), nil
}
