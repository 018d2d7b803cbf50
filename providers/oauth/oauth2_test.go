package oauth

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestGitHub(t *testing.T) {
	octocat := providers.Account{
		ID: "583231", Name: "octocat", Email: "octocat@example.com", EmailVerified: true,
		Image: "https://avatars.example/u/583231",
	}
	user := func(name string, value any) providertest.Behaviour {
		profile := providertest.Octocat()
		profile[name] = value
		return providertest.Behaviour{GitHubUser: profile}
	}
	failing := providertest.Behaviour{Handle: map[string]http.HandlerFunc{providertest.GitHubEmailsPath: http.NotFound}}
	failingButPublic := user("email", "public@example.com")
	failingButPublic.Handle = failing.Handle
	for name, tc := range map[string]struct {
		behaviour providertest.Behaviour
		change    func(*providers.Account)
	}{
		"numeric id, login for a name, primary verified address": {},
		"a name of one's own": {user("name", "The Octocat"), func(a *providers.Account) { a.Name = "The Octocat" }},
		"an unverified primary address": {
			providertest.Behaviour{GitHubEmails: []map[string]any{{"email": "New@example.com", "primary": true, "verified": false}}},
			func(a *providers.Account) { a.Email, a.EmailVerified = "new@example.com", false },
		},
		"the list, not the public address": {user("email", "public@example.com"), nil},
		"no addresses":                     {providertest.Behaviour{GitHubEmails: []map[string]any{}}, func(a *providers.Account) { a.Email, a.EmailVerified = "", false }},
		"no right to the addresses":        {failing, func(a *providers.Account) { a.Email, a.EmailVerified = "", false }},
		"no right, but a public address":   {failingButPublic, func(a *providers.Account) { a.Email, a.EmailVerified = "public@example.com", false }},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(tc.behaviour)
			want := octocat
			if tc.change != nil {
				tc.change(&want)
			}
			account, err := signIn(t, loadOAuth2(t, octo(s)), s)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(account, want) {
				t.Errorf("got %+v, want %+v", account, want)
			}
		})
	}
}

func TestGitHubsErrorsComeWithStatus200(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	p := loadOAuth2(t, octo(s))
	logs := watch(p.client)
	answer := begin(t, p, s)
	answer.Set("code", "used-up")
	_, err := p.Finish(t.Context(), newFlow(), answer)
	providertest.MustFail(t, err, "bad_verification_code")
	if text := providertest.LogText(t, logs); !strings.Contains(text, "words of the provider") {
		t.Errorf("the debug log lacks the provider's words: %s", text)
	}
}

func TestOAuth2RefusesAProfileWithoutAnIdentifier(t *testing.T) {
	for name, id := range map[string]any{
		"none": nil, "empty": "", "a list": []any{1}, "a fraction": 1.5, "a truth": true,
		"too long": strings.Repeat("1", 256), "with a control character": "a\nb", "only space": " ",
		"with a space before": " 583231", "with a space behind": "583231 ", "with another space behind": "583231\u00a0",
		"not in Unicode": json.RawMessage(`"a\ud800"`), "not in UTF-8": json.RawMessage("\"a\xff\""),
		"a number too large": json.Number("1e21"), "minus zero": json.Number("-0"),
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			profile := providertest.Octocat()
			profile["id"] = id
			s.Set(providertest.Behaviour{GitHubUser: profile})
			_, err := signIn(t, loadOAuth2(t, octo(s)), s)
			providertest.MustFail(t, err, "no usable identifier")
		})
	}
}

func TestOAuth2WithoutAPreset(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	s.Set(providertest.Behaviour{Userinfo: map[string]any{
		"user_id": 42, "contact": map[string]any{"email": "Alice@Example.com", "email_verified": "true"},
		"https://acme.example/roles": "staff",
	}})
	account, err := signIn(t, loadOAuth2(t, config{
		"id": "acme", "client_id": s.ClientID, "client_secret": s.ClientSecret,
		"authorization_endpoint": s.URL + providertest.AuthorizePath,
		"token_endpoint":         s.URL + providertest.TokenPath,
		"userinfo_endpoint":      s.URL + providertest.UserinfoPath,
		"profile": config{
			"id": "user_id", "email": "contact.email", "groups": "https://acme.example/roles",
		},
	}), s)
	if err != nil {
		t.Fatal(err)
	}
	want := providers.Account{ID: "42", Email: "alice@example.com", EmailVerified: true, Groups: []string{"staff"}}
	if !reflect.DeepEqual(account, want) {
		t.Errorf("got %+v, want %+v", account, want)
	}
}

// RFC 9207, as far as a provider without discovery can have it.
func TestOAuth2ComparesIss(t *testing.T) {
	s := providertest.New(t)
	for name, tc := range map[string]struct {
		Issuer, iss string
		refused     bool
	}{
		"that is the issuer":                {"https://issuer.example", "https://issuer.example", false},
		"that is another":                   {"https://issuer.example", "https://evil.example", true},
		"that isn't sent":                   {"https://issuer.example", "", false},
		"with nothing, where none is known": {"", "https://evil.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := loadOAuth2(t, octo(s).With(config{"issuer": tc.Issuer}))
			answer := begin(t, p, s)
			if tc.iss != "" {
				answer.Set("iss", tc.iss)
			}
			_, err := p.Finish(t.Context(), newFlow(), answer)
			if (err != nil) != tc.refused {
				t.Errorf("got %v, want refused: %t", err, tc.refused)
			}
		})
	}
}
