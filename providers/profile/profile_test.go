package profile

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

var twoFlags = Map{EmailVerified: "owned+proven"}

var longName = strings.Repeat("é", 200)

var profiles = map[string]struct {
	mapping  Map
	verifies bool
	claims   string
	want     providers.Account
}{
	"the standard claims": {
		claims: `{"sub":"1","name":"A","email":"A@x.example","email_verified":true,"picture":"https://i.example/a","groups":["g"]}`,
		want:   providers.Account{ID: "1", Name: "A", Email: "a@x.example", EmailVerified: true, Image: "https://i.example/a", Groups: []string{"g"}},
	},
	"only an identifier":       {claims: `{"sub":"1"}`, want: providers.Account{ID: "1"}},
	"types that aren't theirs": {claims: `{"sub":"1","name":7,"email":["a@x.example"],"picture":{},"groups":{"a":1}}`, want: providers.Account{ID: "1"}},
	"nulls":                    {claims: `{"sub":"1","name":null,"email":null,"picture":null,"groups":null}`, want: providers.Account{ID: "1"}},

	"a number":                  {claims: `{"sub":583231}`, want: providers.Account{ID: "583231"}},
	"a number beyond 2^53":      {claims: `{"sub":12345678901234567890}`, want: providers.Account{ID: "12345678901234567890"}},
	"a number with an exponent": {claims: `{"sub":5.83231e5}`, want: providers.Account{ID: "583231"}},
	"a negative number":         {claims: `{"sub":-7}`, want: providers.Account{ID: "-7"}},

	"verified as a string":         {claims: `{"sub":"1","email":"a@x.example","email_verified":"true"}`, want: providers.Account{ID: "1", Email: "a@x.example", EmailVerified: true}},
	"verified as a number":         {claims: `{"sub":"1","email":"a@x.example","email_verified":1}`, want: providers.Account{ID: "1", Email: "a@x.example"}},
	"two flags, both true":         {mapping: twoFlags, claims: `{"sub":"1","email":"a@x.example","owned":true,"proven":"true"}`, want: providers.Account{ID: "1", Email: "a@x.example", EmailVerified: true}},
	"two flags, one false":         {mapping: twoFlags, claims: `{"sub":"1","email":"a@x.example","owned":false,"proven":true}`, want: providers.Account{ID: "1", Email: "a@x.example"}},
	"two flags, one missing":       {mapping: twoFlags, claims: `{"sub":"1","email":"a@x.example","proven":true,"email_verified":true}`, want: providers.Account{ID: "1", Email: "a@x.example"}},
	"two flags or another one":     {mapping: Map{EmailVerified: "owned+proven|sure"}, claims: `{"sub":"1","email":"a@x.example","proven":false,"sure":true}`, want: providers.Account{ID: "1", Email: "a@x.example", EmailVerified: true}},
	"not verified":                 {claims: `{"sub":"1","email":"a@x.example","email_verified":false}`, want: providers.Account{ID: "1", Email: "a@x.example"}},
	"nothing said of verification": {claims: `{"sub":"1","email":"a@x.example"}`, want: providers.Account{ID: "1", Email: "a@x.example"}},
	"a vendor who verifies":        {verifies: true, claims: `{"sub":"1","email":"a@x.example"}`, want: providers.Account{ID: "1", Email: "a@x.example", EmailVerified: true}},
	"a vendor who verifies says no": {
		verifies: true, claims: `{"sub":"1","email":"a@x.example","email_verified":false}`, want: providers.Account{ID: "1", Email: "a@x.example"},
	},
	"email_verified beside an upn": {
		mapping: Map{Email: "upn"}, claims: `{"sub":"1","upn":"a@x.example","email_verified":true}`, want: providers.Account{ID: "1", Email: "a@x.example"},
	},
	"email_verified elsewhere": {
		mapping: Map{Email: "contact.email"}, claims: `{"sub":"1","contact":{"email":"a@x.example"},"email_verified":true}`, want: providers.Account{ID: "1", Email: "a@x.example"},
	},
	"two addresses in one":        {claims: `{"sub":"1","email":"a@x.example,b@y.example","email_verified":true}`, want: providers.Account{ID: "1"}},
	"an address that folds":       {claims: `{"sub":"1","email":"ａ@x.example","email_verified":true}`, want: providers.Account{ID: "1"}},
	"a second choice of address":  {mapping: Map{Email: "mail|email"}, claims: `{"sub":"1","mail":"-","email":"a@x.example","email_verified":true}`, want: providers.Account{ID: "1", Email: "a@x.example", EmailVerified: true}},
	"the first of some addresses": {mapping: Map{Email: "emails.0"}, claims: `{"sub":"1","emails":["a@x.example"]}`, want: providers.Account{ID: "1", Email: "a@x.example"}},
	"no first of no addresses":    {mapping: Map{Email: "emails.0"}, claims: `{"sub":"1","emails":[]}`, want: providers.Account{ID: "1"}},

	"a name on two lines":            {claims: `{"sub":"1","name":" A\r\nB\u2028C "}`, want: providers.Account{ID: "1", Name: "A  B C"}},
	"a name that changes direction":  {claims: `{"sub":"1","name":"A\u202eB"}`, want: providers.Account{ID: "1", Name: "AB"}},
	"a name of 400 bytes":            {claims: `{"sub":"1","name":"` + longName + `"}`, want: providers.Account{ID: "1", Name: strings.Repeat("é", 127)}},
	"an empty name, and a nickname":  {mapping: Map{Name: "name|nickname"}, claims: `{"sub":"1","name":"","nickname":"B"}`, want: providers.Account{ID: "1", Name: "B"}},
	"a mapping that is off":          {mapping: Map{Name: Off}, claims: `{"sub":"1","name":"A","off":"B"}`, want: providers.Account{ID: "1"}},
	"a claim whose name has dots":    {mapping: Map{Groups: "https://x.example/roles"}, claims: `{"sub":"1","https://x.example/roles":["a"]}`, want: providers.Account{ID: "1", Groups: []string{"a"}}},
	"members before names with dots": {mapping: Map{Groups: "a.b"}, claims: `{"sub":"1","a.b":["flat"],"a":{"b":["nested"]}}`, want: providers.Account{ID: "1", Groups: []string{"nested"}}},
	"a member whose name has dots":   {mapping: Map{Groups: "access.my.client.roles"}, claims: `{"sub":"1","access":{"my.client":{"roles":["a"]}}}`, want: providers.Account{ID: "1", Groups: []string{"a"}}},
	"a path through something else":  {mapping: Map{Groups: "a.b.c"}, claims: `{"sub":"1","a":{"b":"x"}}`, want: providers.Account{ID: "1"}},
	"a data: picture":                {claims: `{"sub":"1","picture":"data:image/png;base64,AAAA"}`, want: providers.Account{ID: "1"}},
	"a javascript: picture":          {claims: `{"sub":"1","picture":"javascript:alert(1)"}`, want: providers.Account{ID: "1"}},
	"a picture without a scheme":     {claims: `{"sub":"1","picture":"//i.example/a"}`, want: providers.Account{ID: "1"}},
	"a picture with a line break":    {claims: `{"sub":"1","picture":"https://i.example/a\nb"}`, want: providers.Account{ID: "1"}},
	"a picture of 2049 bytes":        {claims: `{"sub":"1","picture":"https://i.example/` + strings.Repeat("a", 2031) + `"}`, want: providers.Account{ID: "1"}},

	"one group":                  {claims: `{"sub":"1","groups":"a"}`, want: providers.Account{ID: "1", Groups: []string{"a"}}},
	"one group with a comma":     {claims: `{"sub":"1","groups":"a,b"}`, want: providers.Account{ID: "1", Groups: []string{"a,b"}}},
	"no groups":                  {claims: `{"sub":"1","groups":[]}`, want: providers.Account{ID: "1", Groups: []string{}}},
	"groups that aren't groups":  {claims: `{"sub":"1","groups":["a",null,["b"],"","a","c\n"]}`, want: providers.Account{ID: "1", Groups: []string{"a"}}},
	"groups as they are written": {claims: `{"sub":"1","groups":["` + longName + `"," d ",7,1.0,2.5]}`, want: providers.Account{ID: "1", Groups: []string{longName, " d ", "7", "1", "2.5"}}},
}

func TestProfile(t *testing.T) {
	standard := Map{ID: "sub", Name: "name", Email: "email", Image: "picture", Groups: "groups"}
	for name, tc := range profiles {
		t.Run(name, func(t *testing.T) {
			c, err := ParseClaims([]byte(tc.claims))
			if err != nil {
				t.Fatal(err)
			}
			account, err := or(tc.mapping, standard).Compile(tc.verifies).Account(c)
			if err != nil {
				t.Fatal(err)
			}
			account.OtherEmails, account.OtherGroups, account.Incomplete = nil, nil, nil // see TestWhatDenyNeedsOfAProfile
			if !reflect.DeepEqual(account, tc.want) {
				t.Errorf("got %+v, want %+v", account, tc.want)
			}
		})
	}
}

func TestProfileWithTooManyGroupsIsRefused(t *testing.T) {
	t.Parallel()
	list := make([]any, providers.MaxGroups)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	p := Map{ID: "sub", Groups: "groups"}.Compile(false)
	if account, err := p.Account(Claims{"sub": "1", "groups": list}); err != nil || len(account.Groups) != providers.MaxGroups {
		t.Errorf("%d groups: %v", len(account.Groups), err)
	}
	_, err := p.Account(Claims{"sub": "1", "groups": append(list, "one-more")})
	providertest.MustFail(t, err, "more than 500 groups")
}

func TestParseClaimsReadsOneObject(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "[]", "7", `"x"`, "{", "{}{}", `{}x`, "<html>"} {
		if c, err := ParseClaims([]byte(body)); err == nil {
			t.Errorf("%q was read as %v", body, c)
		}
	}
	if c, err := ParseClaims([]byte(" {\"a\":1} \n")); err != nil || len(c) != 1 {
		t.Errorf("got %v, %v", c, err)
	}
}

func FuzzProfile(f *testing.F) {
	f.Add([]byte(`{"sub":"1","name":"A","email":"A@x.example","email_verified":true,"picture":"https://i.example/a","groups":["g"]}`), "sub", "groups")
	f.Add([]byte(`{"id":1e3,"a":{"b":[{"c":["x"]}]}}`), "id|sub", "a.b.0.c")
	f.Add([]byte(`{"id":1e999999999,"groups":"x"}`), "id", "groups")
	f.Add([]byte(`{"sub":{"sub":[]},"a.b.c":{"d":7}}`), "sub.sub|a.b.c.d", "a.b.c")
	f.Fuzz(func(t *testing.T, body []byte, id, groups string) {
		c, err := ParseClaims(body)
		if err != nil {
			return
		}
		mapping := or(Map{ID: id, Groups: groups}, ofOIDC)
		if mapping.Check() != nil {
			return
		}
		account, err := mapping.Compile(false).Account(c)
		if err != nil {
			return
		}
		if account.ID == "" || len(account.ID) > maxID || len(account.Name) > maxText || len(account.Image) > maxImage || len(account.Groups) > providers.MaxGroups {
			t.Errorf("out of bounds: %+v", account)
		}
		for _, s := range append([]string{account.ID, account.Name, account.Image}, account.Groups...) {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("%q came through", s)
			}
		}
		if account.Email != "" && !isNormal(account.Email) || account.Email == "" && account.EmailVerified {
			t.Errorf("address %q, verified %t", account.Email, account.EmailVerified)
		}
	})
}

func isNormal(email string) bool {
	normal, ok := address.Normal(email)
	return ok && normal == email
}
