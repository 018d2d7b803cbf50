package oauth

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func without(names ...string) func(map[string]any) {
	return func(c map[string]any) {
		for _, name := range names {
			delete(c, name)
		}
	}
}

func TestOIDCAsksUserinfoForWhatTheIDTokenLacks(t *testing.T) {
	unverified := alice
	unverified.EmailVerified = false
	nameless := alice
	nameless.Name = ""
	for name, tc := range map[string]struct {
		config    config
		behaviour providertest.Behaviour
		want      providers.Account
		calls     int
	}{
		"nothing lacks":                 {want: alice},
		"groups lack":                   {behaviour: editToken(without("groups")), want: alice, calls: 1},
		"name, address and groups lack": {behaviour: editToken(without("name", "email", "email_verified", "picture", "groups")), want: alice, calls: 1},
		"only the flag lacks":           {behaviour: editToken(without("email_verified")), want: alice, calls: 1},
		"the flag says no":              {behaviour: editToken(func(c map[string]any) { c["email_verified"] = false }), want: unverified},
		"nothing could have the flag": {
			config:    config{"profile": config{"email": "upn"}},
			behaviour: editToken(func(c map[string]any) { delete(c, "email_verified"); c["upn"] = alice.Email }),
			want:      unverified,
		},
		"only the picture lacks": {
			behaviour: editToken(without("picture")),
			want:      providers.Account{ID: "alice-1", Name: alice.Name, Email: alice.Email, EmailVerified: true, Groups: alice.Groups},
		},
		"groups lack and aren't mapped": {
			config:    config{"profile": config{"groups": "off"}},
			behaviour: editToken(without("groups")),
			want:      providers.Account{ID: "alice-1", Name: alice.Name, Email: alice.Email, EmailVerified: true, Image: alice.Image},
		},
		"the endpoint is off":          {config: config{"userinfo_endpoint": "off"}, behaviour: editToken(without("name")), want: nameless},
		"the provider has no endpoint": {behaviour: providertest.Behaviour{EditIDToken: without("name"), EditDiscovery: without("userinfo_endpoint")}, want: nameless},
		"userinfo verifies the same address": {
			behaviour: editToken(without("name", "email_verified")), want: alice, calls: 1,
		},
		"userinfo verifies another address": {
			behaviour: providertest.Behaviour{
				EditIDToken: without("name", "email_verified"),
				Userinfo:    map[string]any{"sub": "alice-1", "name": alice.Name, "email": "other@example.com", "email_verified": true},
			},
			want: unverified, calls: 1,
		},
		"userinfo has other groups than the ID token": {
			behaviour: providertest.Behaviour{
				EditIDToken: without("name"),
				Userinfo:    map[string]any{"sub": "alice-1", "name": alice.Name, "groups": []any{"root"}, "id": "root"},
			},
			want: alice, calls: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(tc.behaviour)
			account, err := signIn(t, loadOIDC(t, corp(s).With(tc.config)), s)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(account, tc.want) {
				t.Errorf("got %+v, want %+v", account, tc.want)
			}
			if n := len(s.Requests(providertest.UserinfoPath)); n != tc.calls {
				t.Errorf("userinfo was asked %d times, want %d", n, tc.calls)
			}
		})
	}
}

func TestOIDCRefusesUserinfo(t *testing.T) {
	answer := func(status int, body string) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{providertest.UserinfoPath: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}}
	}
	for name, tc := range map[string]struct {
		behaviour providertest.Behaviour
		want      string
	}{
		"of another sub":         {providertest.Behaviour{Userinfo: map[string]any{"sub": "mallory", "name": "M"}}, "sub is not"},
		"without sub":            {providertest.Behaviour{Userinfo: map[string]any{"name": "M"}}, "sub is not"},
		"with a list for sub":    {providertest.Behaviour{Userinfo: map[string]any{"sub": []any{"alice-1"}}}, "sub is not"},
		"with status 500":        {providertest.Behaviour{Handle: answer(500, `{"sub":"alice-1"}`)}, "status 500"},
		"that is HTML":           {providertest.Behaviour{Handle: answer(200, "<html>words of the provider")}, "not a JSON object"},
		"that is a signed token": {providertest.Behaviour{Handle: answer(200, "eyJhbGciOiJub25lIn0.e30.")}, "not a JSON object"},
		"that is two objects":    {providertest.Behaviour{Handle: answer(200, `{"sub":"alice-1"}{"sub":"alice-1"}`)}, "not a JSON object"},
		"that is null":           {providertest.Behaviour{Handle: answer(200, `null`)}, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			tc.behaviour.EditIDToken = func(c map[string]any) { delete(c, "name") }
			s.Set(tc.behaviour)
			_, err := signIn(t, loadOIDC(t, corp(s)), s)
			providertest.MustFail(t, err, "userinfo: ")
			providertest.MustFail(t, err, tc.want)
		})
	}
}

func TestPickAddress(t *testing.T) {
	for name, tc := range map[string]struct {
		list     string
		email    string
		verified bool
	}{
		"the primary one, verified":                  {`[{"email":"a@x.example","verified":true},{"email":"B@x.example","primary":true,"verified":true}]`, "b@x.example", true},
		"a verified one where the primary isn't":     {`[{"email":"a@x.example","primary":true},{"email":"b@x.example","verified":true}]`, "b@x.example", true},
		"the primary one, unverified":                {`[{"email":"a@x.example"},{"email":"b@x.example","primary":true}]`, "b@x.example", false},
		"none that is neither primary nor verified":  {`[{"email":"a@x.example"}]`, "", false},
		"none of an empty list":                      {`[]`, "", false},
		"none that is no address":                    {`[{"email":"a@x.example, b@x.example","primary":true,"verified":true}]`, "", false},
		"none that folds into another mailbox":       {`[{"email":"ａ@x.example","primary":true,"verified":true}]`, "", false},
		"none of an object":                          {`{"message":"Not Found"}`, "", false},
		"one that is listed both ways, unverified":   {`[{"email":"a@x.example","primary":true,"verified":true},{"email":"A@x.example","verified":false}]`, "a@x.example", false},
		"one whose verified is a string, unverified": {`[{"email":"a@x.example","primary":true,"verified":"true"}]`, "a@x.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			var account providers.Account
			_ = pickAddress(&account, []byte(tc.list)) // see TestWhatDenyNeedsOfAListOfAddresses
			if account.Email != tc.email || account.EmailVerified != tc.verified {
				t.Errorf("got %q, %t; want %q, %t", account.Email, account.EmailVerified, tc.email, tc.verified)
			}
		})
	}
}
