package authjs_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// vectorV5 is a token that next-auth 5.0.0-beta.32 issued, under secretA and for
// the cookie authjs.session-token.
var vectorV5 = struct{ key, kid, token, payload string }{
	key:     "547ed2c60e70d5acd98db347b131c6d1b025572659babf352f32149806d5bd875abc2f9e788b31da9b8b441fa6d691ed9e1dd0cfabab301c7137c93b8d971920",
	kid:     "e-3qPoLYxOwnxu38c5hNAkQvjNI5B1vaSw-oEF3TLV6xb8allY-p3vjJa9o5Z1MyMRIkhWG1WKMdoABWBmoTMg",
	token:   "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiZS0zcVBvTFl4T3dueHUzOGM1aE5Ba1F2ak5JNUIxdmFTdy1vRUYzVExWNnhiOGFsbFktcDN2akphOW81WjFNeU1SSWtoV0cxV0tNZG9BQldCbW9UTWcifQ..ujS9pPReW6_cxDzKgkJomQ.zxsjZ0O-K8Qf11GHPfY2_A7u2Nk2bAh-EEFZlVCrmMCXndgz4jRlbJQePErmUAbLGk36v5mujyJwfW3yAdBsCUQwd_d4axEaGozsu9vKBSVlof0mfAj9RyKsf4wx5Rp208JDe4anlsUGB-D3VC8nQtxtosUXZIvlytaj7jqHBw8uRjz5JUiMGP1cv1slijGx.4IJ5FbmdhLkt3FX3RWz0RGqq78j1GDULyNtoKJavDBY",
	payload: `{"name":"Alice Example","email":"alice@example.com","sub":"1","iat":1795420700,"exp":4002940700,"jti":"d90bc998-aee8-472a-835c-3aa70d6e3c7d"}`,
}

// joseSeal makes a token with go-jose under vectorV5's key, or, for A256GCM, the
// key that has the same derivation and half the length.
func joseSeal(t testing.TB, enc jose.ContentEncryption, kid, payload string) string {
	t.Helper()
	key := joseKey(t, vectorV5.key)
	if enc == jose.A256GCM {
		key = key[:32] // HKDF's output is cut, not stretched
	}
	options := new(jose.EncrypterOptions)
	if kid != "" {
		options.WithHeader("kid", kid)
	}
	encrypter, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: jose.DIRECT, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := encrypter.Encrypt([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokensOfAuthJSOpen(t *testing.T) {
	t.Parallel()
	payload, stale, err := keyringV5(t, "", secretA).Open(vectorV5.token)
	if err != nil || stale || payload != vectorV5.payload {
		t.Errorf("%q, stale %v, error %v", payload, stale, err)
	}
}

func TestGoJoseOpensWhatWeSealForAuthJS(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{vectorV5.payload, "{}", "", strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("x", 20000)} {
		token := keyringV5(t, "", secretA).Seal([]byte(payload))
		jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256CBC_HS512})
		if err != nil {
			t.Fatal(err)
		}
		if jwe.Header.KeyID != vectorV5.kid {
			t.Errorf("kid %q", jwe.Header.KeyID)
		}
		if got, err := jwe.Decrypt(joseKey(t, vectorV5.key)); err != nil || string(got) != payload {
			t.Errorf("%d bytes came back as %d, error %v", len(payload), len(got), err)
		}
	}
	// Members in the order of Auth.js, too.
	if got := keyringV5(t, "", secretA).Seal(nil); !strings.HasPrefix(got, vectorV5.token[:strings.Index(vectorV5.token, ".")]+"..") {
		t.Errorf("another header: %s", got)
	}
}

func TestWeOpenWhatGoJoseSealsForAuthJS(t *testing.T) {
	t.Parallel()
	ring := keyringV5(t, "", secretA)
	for name, c := range map[string]struct {
		token string
		stale bool
	}{
		"the usual":           {joseSeal(t, jose.A256CBC_HS512, vectorV5.kid, "{}"), false},
		"without kid":         {joseSeal(t, jose.A256CBC_HS512, "", "{}"), false},
		"A256GCM, as betas":   {joseSeal(t, jose.A256GCM, "", "{}"), true},
		"A256GCM of 20000":    {joseSeal(t, jose.A256GCM, "", strings.Repeat("x", 20000)), true},
		"A256CBC of a block":  {joseSeal(t, jose.A256CBC_HS512, vectorV5.kid, strings.Repeat("x", 16)), false},
		"A256CBC, many bytes": {joseSeal(t, jose.A256CBC_HS512, vectorV5.kid, strings.Repeat("x", 20000)), false},
	} {
		payload, stale, err := ring.Open(c.token)
		if err != nil || stale != c.stale || (payload != "{}" && strings.Trim(payload, "x") != "") {
			t.Errorf("%s: %.20q, stale %v, error %v", name, payload, stale, err)
		}
	}
}

func TestTheKidChoosesTheKey(t *testing.T) {
	t.Parallel()
	old, both := keyringV5(t, "", secretA), keyringV5(t, "", secretB, secretA)
	if payload, stale, err := both.Open(old.Seal([]byte("{}"))); err != nil || !stale || payload != "{}" {
		t.Errorf("old token: %q, stale %v, error %v", payload, stale, err)
	}
	if _, _, err := old.Open(both.Seal([]byte("{}"))); !errors.Is(err, authjs.ErrWrongKey) {
		t.Errorf("the first secret didn't seal: %v", err)
	}
	for _, kid := range []string{"another", vectorV5.kid[:len(vectorV5.kid)-1]} {
		if _, _, err := old.Open(joseSeal(t, jose.A256CBC_HS512, kid, "{}")); !errors.Is(err, authjs.ErrWrongKey) {
			t.Errorf("kid %q: %v", kid, err)
		}
	}
}

func TestTokensOfOneDialectDoNotOpenInTheOther(t *testing.T) {
	t.Parallel()
	if _, _, err := keyring(t, "", secretA).Open(vectorV5.token); !errors.Is(err, authjs.ErrMalformed) {
		t.Errorf("v5's in v4: %v", err)
	}
	if _, _, err := keyringV5(t, "", secretA).Open(vectors[0].token); !errors.Is(err, authjs.ErrWrongKey) {
		t.Errorf("v4's in v5: %v", err)
	}
}

func TestEveryPurposeOfAuthJSHasItsOwnKey(t *testing.T) {
	t.Parallel()
	secureRing, err := secureV5.SessionKeyring(secretA)
	if err != nil {
		t.Fatal(err)
	}
	rings := []*authjs.Keyring{
		keyringV5(t, "", secretA), secureRing, keyringV5(t, plainV5.State, secretA), keyringV5(t, "", secretB),
	}
	for i, from := range rings {
		for j, to := range rings {
			if _, _, err := to.Open(from.Seal([]byte("{}"))); (err == nil) != (i == j) {
				t.Errorf("%d opens with the key of %d: %v", i, j, err)
			}
		}
	}
}

func TestHeadersOfAuthJSMeanItsFormsOrAreRefused(t *testing.T) {
	t.Parallel()
	part := strings.Split(vectorV5.token, ".")
	ring := keyringV5(t, "", secretA)
	for header, malformed := range map[string]bool{
		`{"enc":"A256CBC-HS512","alg":"dir"}`:                           false, // read, and not authentic
		`{"alg":"dir","enc":"A256CBC-HS512","kid":"x"}`:                 false,
		`{"alg":"dir","enc":"A256CBC-HS512","kid":""}`:                  true,
		`{"alg":"dir","enc":"A256CBC-HS512","kid":1}`:                   true,
		`{"alg":"dir","enc":"A256CBC-HS512","kid":"x","kid":"x"}`:       true,
		`{"alg":"dir","enc":"A256CBC-HS512","zip":"DEF"}`:               true,
		`{"alg":"dir","enc":"A256CBC-HS512","crit":["exp"]}`:            true,
		`{"alg":"dir","enc":"A256CBC-HS512","p2c":1000000}`:             true,
		`{"alg":"dir","enc":"A128CBC-HS256"}`:                           true,
		`{"alg":"dir","enc":"A192GCM"}`:                                 true,
		`{"alg":"dir","enc":""}`:                                        true,
		`{"alg":"A256KW","enc":"A256CBC-HS512"}`:                        true,
		`{"alg":"dir","enc":"A256GCM"}`:                                 true, // IV and tag are the other's
		`{"alg":"dir","enc":"A256CBC-HS512","kid":"` + pad(256) + `x"}`: true,
	} {
		encoded := base64.RawURLEncoding.EncodeToString([]byte(header))
		_, _, err := ring.Open(strings.Join(slices.Concat([]string{encoded}, part[1:]), "."))
		if want := map[bool]error{true: authjs.ErrMalformed, false: authjs.ErrWrongKey}[malformed]; !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", header, err, want)
		}
	}
}

func TestOtherFormsOfAuthJSAreRefused(t *testing.T) {
	t.Parallel()
	good := vectorV5.token
	part := strings.Split(good, ".")
	join := func(parts ...string) string { return strings.Join(parts, ".") }
	ring := keyringV5(t, "", secretA)
	for name, token := range map[string]string{
		"an encrypted key":  join(part[0], "AAAA", part[2], part[3], part[4]),
		"short IV":          join(part[0], "", part[2][:20], part[3], part[4]),
		"short tag":         join(part[0], "", part[2], part[3], part[4][:40]),
		"a full MAC as tag": join(part[0], "", part[2], part[3], part[4]+part[4]),
		"six parts":         good + "." + part[4],
		"padding":           good + "=",
		"a line break":      join(part[0], "", part[2], part[3][:8]+"\n"+part[3][8:], part[4]),
		"too long":          join(part[0], "", part[2], strings.Repeat("A", 64<<10), part[4]),
	} {
		if payload, _, err := ring.Open(token); !errors.Is(err, authjs.ErrMalformed) || payload != "" {
			t.Errorf("%s: %q, error %v, want ErrMalformed", name, payload, err)
		}
	}
	for name, token := range map[string]string{
		"no ciphertext": join(part[0], "", part[2], "", part[4]),
		"half a block":  join(part[0], "", part[2], part[3][:32], part[4]), // 24 bytes
		"a block fewer": join(part[0], "", part[2], part[3][:64], part[4]),
	} {
		if payload, _, err := ring.Open(token); !errors.Is(err, authjs.ErrWrongKey) || payload != "" {
			t.Errorf("%s: %q, error %v, want ErrWrongKey", name, payload, err)
		}
	}
}

func TestAlteredTokensOfAuthJSDoNotOpen(t *testing.T) {
	t.Parallel()
	good := vectorV5.token
	ring := keyringV5(t, "", secretA)
	for i := strings.Index(good, "..") + 2; i < len(good)-1; i += 5 {
		if good[i] == '.' {
			continue
		}
		other := byte('A')
		if good[i] == 'A' {
			other = 'B'
		}
		if _, _, err := ring.Open(good[:i] + string(other) + good[i+1:]); err == nil {
			t.Errorf("opens with another character at %d", i)
		}
	}
}

func TestAuthJSHardlyAllocates(t *testing.T) {
	const most = 2 // the payload or the token, and the block mode
	ring := keyringV5(t, "", secretA)
	payload := []byte(ours)
	token := ring.Seal(payload)
	for name, do := range map[string]func(){
		"opening": func() { must(t, ring, token) },
		"sealing": func() { ring.Seal(payload) },
	} {
		if got := warmAllocs(do); got > most {
			t.Errorf("%s: %v allocations, want %v at the most", name, got, most)
		}
	}
}

func FuzzOpenAuthJSAgreesWithGoJose(f *testing.F) {
	f.Add(vectorV5.token)
	f.Add(joseSeal(f, jose.A256GCM, "", "{}"))
	f.Add(joseSeal(f, jose.A256CBC_HS512, "", "{}"))
	f.Add("....")
	ring := keyringV5(f, "", secretA)
	key := joseKey(f, vectorV5.key)
	f.Fuzz(func(t *testing.T, token string) {
		payload, _, err := ring.Open(token)
		if err != nil {
			if !errors.Is(err, authjs.ErrMalformed) && !errors.Is(err, authjs.ErrWrongKey) {
				t.Errorf("error %v", err)
			}
			return
		}
		jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM, jose.A256CBC_HS512})
		if err != nil {
			t.Fatalf("go-jose doesn't read %q: %v", token, err)
		}
		want, err := jwe.Decrypt(key)
		if err != nil {
			want, err = jwe.Decrypt(key[:32])
		}
		if err != nil || string(want) != payload {
			t.Errorf("%q opens as %q, go-jose says %q, %v", token, payload, want, err)
		}
	})
}
