package authjs_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// ours is a payload as a realm writes it.
const ours = `{"name":"Alice Example","email":"alice@example.com","picture":"https://img.example/a.png","sub":"583231",` +
	`"sid":"q0M7-pYvG0KxwHqf3mCwfg","realm":"https://app.example.com","provider":"github","user":"google:9","email_verified":true,` +
	`"login":"alice","groups":["admins","ops","users"],"auth_time":1795420600,"cred":"9m9kAh8JtXcRE0VYf3dLqg","deny_rules":"m4rk",` +
	`"iat":1795420700,"exp":1798012700,"jti":"dbf6a43a-40c2-4ec9-b9ed-3b74524b7915"}`

// fields are what the claims say, without what was parsed.
type fields struct {
	Name, Email, Picture           authjs.Text
	Sub, SID, Realm, Provider      string
	User                           string
	EmailVerified                  bool
	Login                          string
	Groups                         []string
	AuthTime, Iat, Exp, NotBefore  int64
	ID, Credential, DenyRules, MAC string
}

func fieldsOf(c authjs.Claims) fields {
	unix := func(t time.Time) int64 {
		if t.IsZero() {
			return -1
		}
		return t.Unix()
	}
	return fields{
		c.Name, c.Email, c.Picture, c.Subject, c.SID, c.Realm, c.Provider, c.User, c.EmailVerified, c.Login, c.Groups,
		unix(c.AuthTime), unix(c.IssuedAt), unix(c.Expires), unix(c.NotBefore), c.ID, c.Credential, c.DenyRules, c.MAC,
	}
}

func parse(t testing.TB, payload string) authjs.Claims {
	t.Helper()
	c, err := authjs.ParseClaims(payload)
	if err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return c
}

func TestClaimsOfARealmAreRead(t *testing.T) {
	t.Parallel()
	want := fields{
		Name:          authjs.TextOf("Alice Example"),
		Email:         authjs.TextOf("alice@example.com"),
		Picture:       authjs.TextOf("https://img.example/a.png"),
		Sub:           "583231",
		SID:           "q0M7-pYvG0KxwHqf3mCwfg",
		Realm:         "https://app.example.com",
		Provider:      "github",
		User:          "google:9",
		EmailVerified: true,
		Login:         "alice",
		Groups:        []string{"admins", "ops", "users"},
		AuthTime:      1795420600,
		Iat:           1795420700,
		Exp:           1798012700,
		NotBefore:     -1,
		ID:            "dbf6a43a-40c2-4ec9-b9ed-3b74524b7915",
		Credential:    "9m9kAh8JtXcRE0VYf3dLqg",
		DenyRules:     "m4rk",
	}
	if got := fieldsOf(parse(t, ours)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestClaimsAreWrittenInOrder(t *testing.T) {
	t.Parallel()
	c := parse(t, ours)
	if got := string(c.Append(nil)); got != ours {
		t.Errorf("got  %s\nwant %s", got, ours)
	}
	var empty authjs.Claims
	if got := string(empty.Append([]byte("x"))); got != "x{}" {
		t.Errorf("empty claims become %s", got)
	}
	nulls := authjs.Claims{Name: authjs.Null, Picture: authjs.TextOf(""), NotBefore: time.Unix(7, 0)}
	if got := string(nulls.Append(nil)); got != `{"name":null,"picture":"","nbf":7}` {
		t.Errorf("null, empty and nbf become %s", got)
	}
}

func TestMissingNullAndEmptyAreThreeThings(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"name":null,"email":""}`)
	if !c.Name.IsNull() || c.Name.Missing() || c.Name.String() != "" {
		t.Errorf("null is %#v", c.Name)
	}
	if c.Email.IsNull() || c.Email.Missing() || c.Email != authjs.TextOf("") {
		t.Errorf("empty is %#v", c.Email)
	}
	if !c.Picture.Missing() || c.Picture.IsNull() {
		t.Errorf("missing is %#v", c.Picture)
	}
}

func TestStringsAreDecodedAsJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`""`, `"Zoë"`, `"\u005a\u006f\u00EB"`, `"\"\\\/\b\f\n\r\t"`, `"\ud83d\ude00!"`, `"\u0000"`,
		`"a\ud83d"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, `"\ud83d\n"`, "\"\u2028\x7f\"",
	} {
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := parse(t, `{"name":`+text+`}`); got.Name != authjs.TextOf(want) {
			t.Errorf("%s is read as %q, want %q", text, got.Name, want)
		}
	}
}

func TestWhatCouldMeanTwoThingsIsRefused(t *testing.T) {
	t.Parallel()
	const realm = `{"realm":"r",`
	for _, payload := range []string{
		``, `null`, `[]`, `"x"`, `1`, `{`, `{}x`, `{}{}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{'a':1}`, `{"a":1 "b":2}`,
		"{\"a\":\"\x01\"}", "{\"name\":\"\n\"}", "{\"name\":\"\xff\"}", "{\"\xff\":1}", "\ufeff{}", `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"`, `{"a":"\`, `{"a":"\u00`,
		`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":+1}`, `{"a":-}`, `{"a":nul}`, `{"a":True}`, `{"a":[1,]}`, `{"a":[1}`,
		`{"name":1}`, `{"name":{}}`, `{"email":["x"]}`, `{"picture":true}`, `{"sub":1}`, `{"sub":null}`, `{"jti":null}`,
		`{"iat":"1"}`, `{"exp":null}`, `{"exp":1.5}`, `{"exp":1e9}`, `{"exp":-1}`, `{"exp":-0}`, `{"nbf":1795420700000}`, `{"exp":00}`,
		`{"sub":"a","sub":"b"}`, `{"exp":1,"exp":1}`, `{"sub":"a","s\u0075b":"b"}`,
		`{"realm":"a","realm":"b"}`, `{"realm":1,"realm":"b"}`, `{"sid":"a","sid":"a"}`,
		realm + `"sid":1}`, realm + `"provider":null}`, realm + `"user":1}`, realm + `"login":[]}`, realm + `"email_verified":"true"}`, realm + `"email_verified":1}`,
		realm + `"groups":"admins"}`, realm + `"groups":[1]}`, realm + `"groups":["a",null]}`, realm + `"cred":1}`, realm + `"mac":null}`, `{"groups":7}`, realm + `"auth_time":"1"}`,
		`{"groups":[["admins"]],"realm":"r"}`,
		`{"a":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`,
		strings.Repeat(`{"a":`, 34) + "1" + strings.Repeat("}", 34),
		`{"a":"` + strings.Repeat("x", authjs.MaxToken) + `"}`,
	} {
		if c, err := authjs.ParseClaims(payload); !errors.Is(err, authjs.ErrClaims) || !reflect.DeepEqual(c, authjs.Claims{}) {
			t.Errorf("%.80q is read (error %v)", payload, err)
		}
	}
	parse(t, `{"a":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)+`}`)
	parse(t, strings.Repeat(`{"a":`, 33)+"1"+strings.Repeat("}", 33))
	parse(t, " {\t\"a\" : [ ] ,\r\n\"b\" : { } , \"c\" : [ 1 , -0.5e+3 , true , false , null , \"x\" ] } ")
}

func TestNamesOfClaimsKeepTheirCase(t *testing.T) {
	t.Parallel()
	if c := parse(t, `{"Sub":"a","NAME":"b","Exp":"never"}`); c.Subject != "" || !c.Name.Missing() || !c.Expires.IsZero() {
		t.Errorf("read as %+v", c)
	}
}

func TestMembersWithoutAFieldSurviveAReissue(t *testing.T) {
	t.Parallel()
	token, err := authjs.ParseToken(`{"role":"admin","sub":"42","n":{"a":[1, "\u00e9"]},"iat":1,"groups":7,"k\u0065y":null,"jti":"old"}`, macKeys(t, "a"))
	if err != nil {
		t.Fatal(err)
	}
	c := token.Claims
	c.Realm, c.SID, c.ID, c.IssuedAt = "r", "s", "new", time.Unix(2, 0)
	const want = `{"sub":"42","sid":"s","realm":"r","role":"admin","n":{"a":[1, "\u00e9"]},"key":null,"iat":2,"jti":"new"}`
	if got := string(c.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMapHasEveryMember(t *testing.T) {
	t.Parallel()
	c := parse(t, `{"sub":"42","n":{"a":[1,true]},"role":"x","role":"admin"}`)
	want := map[string]any{"sub": "42", "role": "admin", "n": map[string]any{"a": []any{1.0, true}}}
	if got, err := c.Map(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, error %v", got, err)
	}
	made := authjs.Claims{Subject: "42", Groups: []string{"a"}}
	if got, err := made.Map(); err != nil || !reflect.DeepEqual(got, map[string]any{"sub": "42", "groups": []any{"a"}}) {
		t.Errorf("claims not parsed: %v, error %v", got, err)
	}
	changed := parse(t, ours)
	changed.Groups, changed.MAC = []string{"guests"}, "x"
	all, err := changed.Map()
	if err != nil || !reflect.DeepEqual(all["groups"], []any{"guests"}) || all["cred"] != nil || all["mac"] != nil {
		t.Errorf("claims that were changed: %v, error %v", all, err)
	}
	huge := parse(t, `{"n":1e999}`)
	if _, err := huge.Map(); err == nil {
		t.Error("a number beyond float64 is decoded")
	}
}

func TestTimesAreCheckedWith15SecondsOfTolerance(t *testing.T) {
	t.Parallel()
	now := time.Unix(1795420700, 999e6)
	cases := []struct {
		payload string
		want    error
	}{
		{`{}`, nil},
		{`{"iat":9999999999}`, nil},
		{`{"exp":1795420701}`, nil},
		{`{"exp":1795420686}`, nil},
		{`{"exp":1795420685}`, authjs.ErrExpired},
		{`{"exp":0}`, authjs.ErrExpired},
		{`{"nbf":1795420715}`, nil},
		{`{"nbf":1795420716}`, authjs.ErrNotYetValid},
		{`{"nbf":0}`, nil},
		{`{"nbf":1795420716,"exp":1}`, authjs.ErrExpired},
	}
	for _, c := range cases {
		claims := parse(t, c.payload)
		if got := claims.CheckTime(now); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", c.payload, got, c.want)
		}
	}
}
