package authjs_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// vectors are tokens that next-auth 4.24.15 issued.
var vectors = []struct {
	secret, salt, key, token, payload string
}{
	{
		secret:  secretA,
		key:     "fdf9b388633510ca45a4d1174970fb30b619f09430583755589cc1105416da41",
		token:   "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..hHVnY7QIcYwjXxYc.Xk18ypWgpmRNQjw_nYNSahvgpludB9W5_-yg7HrfGtJ1M2YR90n51g01TldGa_E_SOZI1HVU58VifqcWxtzlkBFawlJHgv_x6DoszZeW08y2GwWAgJJCaF12ExXlhQ5YZ46xpTMBH2OSRJDPcKSkMwHGQNu1QP0njL61fMSlpwZLjnYqQ3ylchTKotRnDSJ959hZsxwxijAt7kQbMz-L9oTAgnb2WI79AV9FQsRNXBKvtz8.slIkEAjRCnAM0xduwM_OqQ",
		payload: `{"name":"Alice Example","email":"alice@example.com","picture":"https://img.example/a.png","sub":"1","iat":1795420700,"exp":4002940700,"jti":"dbf6a43a-40c2-4ec9-b9ed-3b74524b7915"}`,
	},
	{
		secret:  "gehe1m–✓",
		key:     "31623fda35cec68a6965a960f2d2982624586f92fdb1b3d940741a18307f37c6",
		token:   "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..rG1-x8pEmAws1NAe.tTw-leYkfwup055s9vE4elUiSHB9oovJQF3QvGm6HWn9L1LvLKqLpXZHuBQIp4YmMG1MlAUDMqu9ysDILEdi8lGqIjpnq9QF-85Crwd4d8XWZsRpCTI_LN6hStIgSiWg2mpCGtMbBoyMgT0UClg9DpWUng7Ip0YAijaDslAZYRjtFBsA0wqISh-_Jn2MriS9DMc.qTD0qi7EQ25PMhkdSs-7TA",
		payload: `{"name":"Zoë","email":"zoe@example.com","sub":"42","role":"admin","iat":1795420700,"exp":4002940700,"jti":"1a42ee01-e093-4cfe-a793-edb4f0d6994b"}`,
	},
	{
		secret:  secretA,
		salt:    "next-auth.state",
		key:     "0de8fe263d05171c8b33c905a8671f7ddfb41fc878e695cec611e36cb97adbab",
		token:   "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..jjPEa3PAo9TyMlEA.ZjJvOgWoV2yJZ8T5zEnwLDJ1K7WsMAmaCyFvooCAORYFZpZkfnrvT5BwJygf6hFA0GVS6iUYU6RHseiX5BrlMknzkWQaxmSarjP4ZwDsuVGOLCiDWF1bNhwE4DHZPpZaGZ0Ioo_TXStvvudQfmmck7ehhrhk5Teks6CFG26ustuKPnyi-Q.dRyTkF3ePIPd6OvFokHG4g",
		payload: `{"value":"Yk3-example-state-value","provider":"local","iat":1795420700,"exp":4002940700,"jti":"b6ad92ba-6132-441e-a8ea-568dd4813d11"}`,
	},
}

// keyring returns the keys for a salt; an empty one is the session's.
func keyring(t testing.TB, salt string, secrets ...string) *authjs.Keyring {
	t.Helper()
	return keyringOf(t, plainNames, salt, secrets...)
}

// keyringV5 is keyring in the other dialect.
func keyringV5(t testing.TB, salt string, secrets ...string) *authjs.Keyring {
	t.Helper()
	return keyringOf(t, plainV5, salt, secrets...)
}

func keyringOf(t testing.TB, names *authjs.Names, salt string, secrets ...string) *authjs.Keyring {
	t.Helper()
	ring, err := names.SessionKeyring(secrets...)
	if salt != "" {
		ring, err = names.Keyring(salt, secrets...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestTokensOfNextAuthOpen(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		payload, stale, err := keyring(t, v.salt, v.secret).Open(v.token)
		if err != nil || stale || payload != v.payload {
			t.Errorf("secret %q, salt %q: %q, stale %v, error %v", v.secret, v.salt, payload, stale, err)
		}
	}
}

// joseKey is a key that go-jose encrypts to and decrypts with directly.
func joseKey(t testing.TB, digits string) []byte {
	t.Helper()
	key, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestGoJoseOpensWhatWeSeal(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		for _, payload := range []string{v.payload, "{}", "", strings.Repeat("x", 20000)} {
			token := keyring(t, v.salt, v.secret).Seal([]byte(payload))
			jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := jwe.Decrypt(joseKey(t, v.key)); err != nil || string(got) != payload {
				t.Errorf("%d bytes came back as %d, error %v", len(payload), len(got), err)
			}
		}
	}
}

func TestWeOpenWhatGoJoseSeals(t *testing.T) {
	t.Parallel()
	v := vectors[0]
	enc, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: joseKey(t, v.key)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{v.payload, "{}", strings.Repeat("x", 20000)} {
		jwe, err := enc.Encrypt([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwe.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := keyring(t, "", v.secret).Open(token); err != nil || got != payload {
			t.Errorf("%d bytes came back as %d, error %v", len(payload), len(got), err)
		}
	}
}

func TestEverySealHasAnotherIV(t *testing.T) {
	t.Parallel()
	ring := keyring(t, "", secretA)
	iv := func() string { return strings.Split(ring.Seal([]byte("{}")), ".")[2] }
	if one, two := iv(), iv(); one == two || len(one) != 16 {
		t.Errorf("IVs %q and %q", one, two)
	}
}

func TestAValueOfOnePurposeDoesNotOpenAsAnother(t *testing.T) {
	t.Parallel()
	rings := map[string]*authjs.Keyring{
		"the session":        keyring(t, "", secretA),
		"state":              keyring(t, plainNames.State, secretA),
		"state on https":     keyring(t, secureNames.State, secretA),
		"the csrf token":     keyring(t, plainNames.CSRF, secretA),
		"another's session":  keyring(t, "", secretB),
		"another's callback": keyring(t, plainNames.CallbackURL, secretB),
	}
	for sealer, from := range rings {
		token := from.Seal([]byte("{}"))
		for opener, to := range rings {
			_, _, err := to.Open(token)
			if sealer == opener && err != nil {
				t.Errorf("%s doesn't open itself: %v", sealer, err)
			}
			if sealer != opener && !errors.Is(err, authjs.ErrWrongKey) {
				t.Errorf("%s opens with the key of %s: %v", sealer, opener, err)
			}
		}
	}
}

func TestOldSecretsOpenAndAreReportedAsStale(t *testing.T) {
	t.Parallel()
	old, both := keyring(t, "", secretA), keyring(t, "", secretB, secretA)
	if payload, stale, err := both.Open(old.Seal([]byte("{}"))); err != nil || !stale || payload != "{}" {
		t.Errorf("old token: %q, stale %v, error %v", payload, stale, err)
	}
	fresh := both.Seal([]byte("{}"))
	if _, stale, err := both.Open(fresh); err != nil || stale {
		t.Errorf("new token: stale %v, error %v", stale, err)
	}
	if _, _, err := old.Open(fresh); !errors.Is(err, authjs.ErrWrongKey) {
		t.Errorf("the first secret didn't seal: %v", err)
	}
}

// withHeader returns a token that would open but for its header.
func withHeader(t testing.TB, header string) string {
	t.Helper()
	encoded := base64.RawURLEncoding.EncodeToString([]byte(header))
	return sealUnder(t, encoded, "{}")
}

func TestHeadersMeanDirAndA256GCMOrAreRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		`{"alg":"dir","enc":"A256GCM"}`:                    true,
		`{"enc":"A256GCM","alg":"dir"}`:                    true,
		" {\n\"enc\" : \"A256GCM\",\t\"alg\" : \"dir\" } ": true,
		`{"\u0061lg":"dir","enc":"A256GCM"}`:               true,
		`{"alg":"dir","enc":"A256GCM","typ":"JWT"}`:        false,
		`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`:        false,
		`{"alg":"dir","enc":"A256GCM","crit":["exp"]}`:     false,
		`{"alg":"dir","enc":"A256GCM","kid":"1"}`:          false,
		`{"alg":"dir","enc":"A256GCM","p2c":1000000}`:      false,
		`{"alg":"dir","enc":"A256GCM","alg":"dir"}`:        false,
		`{"alg":"dir"}`:                    false,
		`{"enc":"A256GCM"}`:                false,
		`{}`:                               false,
		`{"alg":"A256KW","enc":"A256GCM"}`: false,
		`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM"}`:  false,
		`{"alg":"dir","enc":"A128GCM"}`:                 false,
		`{"alg":"dir","enc":"A256CBC-HS512"}`:           false,
		`{"alg":"DIR","enc":"a256gcm"}`:                 false,
		`{"Alg":"dir","Enc":"A256GCM"}`:                 false,
		`{"alg":["dir"],"enc":"A256GCM"}`:               false,
		`[{"alg":"dir","enc":"A256GCM"}]`:               false,
		`{"alg":"dir","enc":"A256GCM"}{}`:               false,
		`{"alg":"dir","enc":"A256GCM",}`:                false,
		`{"alg":"dir","enc":"A256GCM"` + pad(256) + `}`: false,
		"":     false,
		"\xff": false,
		`null`: false,
		`"{\"alg\":\"dir\",\"enc\":\"A256GCM\"}"`: false,
	}
	ring := keyring(t, "", secretA)
	for header, want := range cases {
		payload, _, err := ring.Open(withHeader(t, header))
		if want && (err != nil || payload != "{}") {
			t.Errorf("%s: %v", header, err)
		}
		if !want && !errors.Is(err, authjs.ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", header, err)
		}
	}
}

func pad(n int) string { return strings.Repeat(" ", n) }

func TestOtherFormsAreRefusedBeforeDecryption(t *testing.T) {
	t.Parallel()
	good := vectors[0].token
	part := strings.Split(good, ".")
	join := func(parts ...string) string { return strings.Join(parts, ".") }
	cases := map[string]string{
		"empty":                  "",
		"dots only":              "....",
		"two parts":              join(part[0], part[1]),
		"three parts":            join(part[0], part[2], part[3]),
		"four parts":             join(part[0], part[2], part[3], part[4]),
		"six parts":              good + "." + part[4],
		"six parts, one empty":   good + ".",
		"a dot in the cipher":    join(part[0], "", part[2], part[3][:8], part[3][9:], part[4]),
		"no dot after the IV":    join(part[0], "", part[2]+"A"+part[3], part[4]),
		"no dot before the tag":  join(part[0], "", part[2], part[3]+"A"+part[4]),
		"a leading dot":          "." + good,
		"an encrypted key":       join(part[0], "AAAA", part[2], part[3], part[4]),
		"no header":              join("", "", part[2], part[3], part[4]),
		"short IV":               join(part[0], "", part[2][:14], part[3], part[4]),
		"long IV":                join(part[0], "", part[2]+"AAAA", part[3], part[4]),
		"short tag":              join(part[0], "", part[2], part[3], part[4][:20]),
		"long tag":               join(part[0], "", part[2], part[3], part[4]+"AA"),
		"padding":                good + "==",
		"a blank before":         " " + good,
		"a line break":           join(part[0], "", part[2], part[3][:8]+"\n"+part[3][8:], part[4]),
		"a carriage return":      join(part[0], "", part[2], part[3]+"\r", part[4]),
		"a break in the header":  join(part[0][:4]+"\n"+part[0][4:], "", part[2], part[3], part[4]),
		"plain base64":           strings.ReplaceAll(strings.ReplaceAll(good, "_", "/"), "-", "+"),
		"bits left over":         good[:len(good)-1] + "R", // Q and R are the same 4 bits
		"bytes that aren't text": join(part[0], "", part[2], part[3]+"\xff\xfe", part[4]),
		"JSON serialisation":     `{"protected":"` + part[0] + `","iv":"` + part[2] + `","ciphertext":"` + part[3] + `","tag":"` + part[4] + `"}`,
		"too long":               join(part[0], "", part[2], strings.Repeat("A", 64<<10), part[4]),
	}
	ring := keyring(t, "", secretA)
	for name, token := range cases {
		if payload, _, err := ring.Open(token); !errors.Is(err, authjs.ErrMalformed) || payload != "" {
			t.Errorf("%s: %q, error %v, want ErrMalformed", name, payload, err)
		}
	}
}

func TestAlteredTokensDoNotOpen(t *testing.T) {
	t.Parallel()
	good := vectors[0].token
	ring := keyring(t, "", secretA)
	for i := len("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.."); i < len(good)-1; i += 7 {
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
	// The header is authenticated too: the same members in another order.
	part := strings.SplitN(good, ".", 2)
	swapped := base64.RawURLEncoding.EncodeToString([]byte(`{"enc":"A256GCM","alg":"dir"}`))
	if _, _, err := ring.Open(swapped + "." + part[1]); !errors.Is(err, authjs.ErrWrongKey) {
		t.Errorf("opens under another header: %v", err)
	}
}

func TestTheLongestTokenOpensAndALongerOneDoesNot(t *testing.T) {
	t.Parallel()
	ring := keyring(t, "", secretA)
	empty := len(ring.Seal(nil))
	longest := (authjs.MaxToken - empty) / 4 * 3
	if _, _, err := ring.Open(ring.Seal(make([]byte, longest))); err != nil {
		t.Errorf("%d bytes: %v", longest, err)
	}
	if _, _, err := ring.Open(ring.Seal(make([]byte, longest+3))); !errors.Is(err, authjs.ErrMalformed) {
		t.Errorf("%d bytes: %v", longest+3, err)
	}
}

func TestKeyringsMayBeUsedByManyAtOnce(t *testing.T) {
	t.Parallel()
	ring := keyring(t, "", secretB, secretA)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			want := strings.Repeat(string(rune('a'+i)), 100*(i+1))
			for range 200 {
				if got, _, err := ring.Open(ring.Seal([]byte(want))); err != nil || got != want {
					t.Errorf("%q became %q, error %v", want, got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func FuzzOpenAgreesWithGoJose(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.token)
	}
	f.Add(withHeader(f, `{"enc":"A256GCM","alg":"dir"}`))
	f.Add("....")
	ring := keyring(f, "", secretA)
	key := joseKey(f, vectors[0].key)
	f.Fuzz(func(t *testing.T, token string) {
		payload, _, err := ring.Open(token)
		if err != nil {
			if !errors.Is(err, authjs.ErrMalformed) && !errors.Is(err, authjs.ErrWrongKey) {
				t.Errorf("error %v", err)
			}
			return
		}
		jwe, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatalf("go-jose doesn't read %q: %v", token, err)
		}
		if want, err := jwe.Decrypt(key); err != nil || string(want) != payload {
			t.Errorf("%q opens as %q, go-jose says %q, %v", token, payload, want, err)
		}
	})
}
