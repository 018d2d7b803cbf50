package authjs_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

func macKeys(t testing.TB, secrets ...string) *authjs.MACKeys {
	t.Helper()
	keys, err := authjs.NewMACKeys("tests of claims", secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// signed is the payload of claims with a mac.
func signed(c authjs.Claims, keys *authjs.MACKeys) string {
	c.Sign(keys)
	return string(c.Append(nil))
}

func readToken(t testing.TB, payload string, keys *authjs.MACKeys) authjs.Token {
	t.Helper()
	token, err := authjs.ParseToken(payload, keys)
	if err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return token
}

// What NextAuth.js sets anew when it issues a token again, and the mac itself.
var notInTheMAC = map[string]bool{"IssuedAt": true, "Expires": true, "NotBefore": true, "ID": true, "MAC": true}

// A field that is added to Claims fails this test until the mac covers it.
func TestTheMACCoversEveryFieldOfClaims(t *testing.T) {
	t.Parallel()
	keys := macKeys(t, "a")
	of := func(c authjs.Claims) string { c.Sign(keys); return c.MAC }
	base := parse(t, ours)
	for i := range reflect.TypeFor[authjs.Claims]().NumField() {
		field := reflect.TypeFor[authjs.Claims]().Field(i)
		if !field.IsExported() {
			continue
		}
		for name, from := range map[string]authjs.Claims{"empty claims": {}, "claims": base} {
			c := from
			switch v := reflect.ValueOf(&c).Elem().Field(i).Addr().Interface().(type) {
			case *authjs.Text:
				*v = authjs.TextOf("other")
			case *string:
				*v = "other"
			case *bool:
				*v = !*v
			case *[]string:
				*v = append([]string{"other"}, *v...)
			case *time.Time:
				*v = time.Unix(1700000000, 0)
			default:
				t.Fatalf("%s is of a type that this test doesn't know", field.Name)
			}
			if changed := of(c) != of(from); changed == notInTheMAC[field.Name] {
				t.Errorf("another %s in %s changes the mac: %t", field.Name, name, changed)
			}
		}
	}
}

// Whatever one text could be read as two ways, or two as one.
func TestClaimsThatLookAlikeHaveOtherMACs(t *testing.T) {
	t.Parallel()
	keys := macKeys(t, "a")
	seen := make(map[string]int)
	for i, c := range []authjs.Claims{
		{},
		{Name: authjs.Null},
		{Name: authjs.TextOf("")},
		{Name: authjs.TextOf("null")},
		{Name: authjs.TextOf("text")},
		{Email: authjs.Null},
		{Subject: "ab"},
		{Subject: "a", SID: "b"},
		{SID: "ab"},
		{Login: "x"},
		{User: "x"},
		{Credential: "x"},
		{Groups: []string{""}},
		{Groups: []string{"", ""}},
		{Groups: []string{"a", "b"}},
		{Groups: []string{"ab"}},
		{Groups: []string{"a"}, Login: "1"},
		{Groups: []string{"1795420600"}},
		{AuthTime: time.Unix(1795420600, 0)},
		{AuthTime: time.Unix(0, 0)},
		{Login: "1"},
		{Login: "true"},
		{EmailVerified: true},
	} {
		c.Sign(keys)
		if other, ok := seen[c.MAC]; ok {
			t.Errorf("claims %d and %d have one mac", other, i)
		}
		seen[c.MAC] = i
	}
}

// A token is read as it was written, whatever its texts hold, and as
// JSON.parse and JSON.stringify write it again.
func TestATokenOfOursStaysOurs(t *testing.T) {
	keys := macKeys(t, "a")
	for name, c := range map[string]authjs.Claims{
		"all claims": parse(t, ours),
		"few":        {Subject: "1", SID: "s", Realm: "r", AuthTime: time.Now()},
		"odd texts": {
			Name: authjs.TextOf("\u2028<é😀\x00\"\\/"), Email: authjs.Null, Picture: authjs.TextOf(""),
			Subject: "a\xff\xfeb", Groups: []string{"", "\xc3", "a,b"}, AuthTime: time.Unix(1795420600, 999e6),
		},
	} {
		payload := signed(c, keys)
		token := readToken(t, payload, keys)
		if !token.Ours || token.Stale || token.NamedSID != "" || token.Claims.SID != c.SID {
			t.Errorf("%s: %s is read as %+v", name, payload, token)
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(payload), &members); err != nil {
			t.Fatal(err)
		}
		members["iat"], members["exp"], members["jti"], members["nbf"], members["role"] = 1795430000, 1795440000, "new", 1, "admin"
		again, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		if token := readToken(t, string(again), keys); !token.Ours || token.Claims.ID != "new" {
			t.Errorf("%s: issued again as %s it is no longer ours", name, again)
		}
	}
}

func TestSecretsOfAMAC(t *testing.T) {
	t.Parallel()
	c := parse(t, ours)
	payload := signed(c, macKeys(t, "old"))
	for name, test := range map[string]struct {
		keys        *authjs.MACKeys
		ours, stale bool
	}{
		"its own":      {macKeys(t, "old"), true, false},
		"in place two": {macKeys(t, "new", "old"), true, true},
		"another":      {macKeys(t, "new"), false, false},
	} {
		if token := readToken(t, payload, test.keys); token.Ours != test.ours || token.Stale != test.stale {
			t.Errorf("%s: ours %t, stale %t", name, token.Ours, token.Stale)
		}
	}
	other, err := authjs.NewMACKeys("another purpose", "old")
	if err != nil {
		t.Fatal(err)
	}
	if readToken(t, payload, other).Ours {
		t.Error("a mac of one purpose counts for another")
	}
	if _, err := authjs.NewMACKeys("tests of claims"); err == nil {
		t.Error("keys are made of no secret")
	}
}

// Without a mac, or with a wrong one, nothing is read from members called like
// our fields.
func TestWithoutAMACOurFieldsBelongToAnotherApplication(t *testing.T) {
	t.Parallel()
	keys := macKeys(t, "a")
	good := signed(parse(t, ours), keys)
	at := strings.Index(good, `"mac":"`) + len(`"mac":"`)
	mac := good[at : at+22]
	for _, payload := range []string{
		`{"sub":"1","sid":"s","realm":"r","provider":"github","user":"google:9","email_verified":true,"login":"root","groups":["admins"],"auth_time":1,"cred":"x"}`,
		`{"sub":"1","realm":"r","groups":["admins"],"mac":""}`,
		`{"sub":"1","realm":"r","groups":["admins"],"mac":"` + mac + `"}`,
		`{"sub":"1","realm":"r","groups":["admins"],"mac":{"a":"` + mac + `"}}`,
		`{"realm":"r","groups":["admins",{"id":1}],"sub":"1"}`,
		`{"sub":"1","groups":"admins","provider":{"id":7},"realm":{"id":"r"},"email_verified":"yes","auth_time":null,"mac":7,"cred":[]}`,
	} {
		token := readToken(t, payload, keys)
		want := fields{Sub: "1", AuthTime: -1, Iat: -1, Exp: -1, NotBefore: -1}
		if strings.Contains(payload, "null") && !token.NamedAuthTime.IsZero() {
			t.Errorf("%s: an auth_time of %v", payload, token.NamedAuthTime)
		}
		if got := fieldsOf(token.Claims); token.Ours || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: ours %t, %+v", payload, token.Ours, got)
		}
	}
	for name, payload := range map[string]string{
		"a group more":       strings.Replace(good, `"ops"`, `"ops","root"`, 1),
		"another sub":        strings.Replace(good, `"583231"`, `"583232"`, 1),
		"no mac":             strings.Replace(good, `"mac":"`+mac+`",`, "", 1),
		"a mac cut short":    strings.Replace(good, mac, mac[:21], 1),
		"a mac that goes on": strings.Replace(good, mac, mac+"A", 1),
		"another case":       strings.Replace(good, `"mac"`, `"MAC"`, 1),
		"a wrong type":       strings.Replace(good, `"email_verified":true`, `"email_verified":1`, 1),
	} {
		if payload == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if token := readToken(t, payload, keys); token.Ours || token.NamedSID == "" || token.NamedAuthTime.IsZero() {
			t.Errorf("%s: %+v", name, token)
		}
	}
}

// warmAllocs are the allocations of f once all pools have what it takes from
// them: the least of many runs, for the race detector has pools forget.
func warmAllocs(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 200 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

func TestCheckingAMACAllocatesNothing(t *testing.T) {
	keys := macKeys(t, "new", "old")
	code := macKeys(t, "old").Sum("a", "b")
	if got := warmAllocs(func() {
		if ok, stale := keys.Verify(code, "a", "b"); !ok || !stale {
			t.Error("not verified")
		}
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
	if ok, _ := keys.Verify(code, "ab", ""); ok {
		t.Error("two lists of texts have one code")
	}
	payload := signed(parse(t, ours), keys)
	plain := warmAllocs(func() { parse(t, payload) })
	if got := warmAllocs(func() { readToken(t, payload, keys) }); got > plain {
		t.Errorf("%v allocations, want %v as without a mac", got, plain)
	}
}
