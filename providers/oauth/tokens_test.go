package oauth

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/profile"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestASignInHandsOnTheTokens(t *testing.T) {
	scopes := map[string]string{"oidc": "openid email profile more", "oauth2": "read:user,user:email"}
	for name, load := range map[string]func(*providertest.Server) providers.Redirector{
		"oidc":   func(s *providertest.Server) providers.Redirector { return loadOIDC(t, corp(s)) },
		"oauth2": func(s *providertest.Server) providers.Redirector { return loadOAuth2(t, octo(s)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(providertest.Behaviour{EditTokenAnswer: func(answer map[string]any) {
				answer["refresh_token"], answer["scope"], answer["expires_in"] = "refresh-1", scopes[name], 600
			}})
			p := load(s)
			account, err := p.Finish(t.Context(), newFlow(), begin(t, p, s))
			if err != nil {
				t.Fatal(err)
			}
			got := account.Tokens
			if got == nil || !strings.HasPrefix(got.Access, "access-token-") || got.Refresh != "refresh-1" || got.Scope != scopes[name] ||
				(got.ID != "") != (name == "oidc") || got.Expires.IsZero() {
				t.Errorf("the tokens are %+v", got)
			}
		})
	}
}

func TestWhenAnAccessTokenExpires(t *testing.T) {
	for expiresIn, want := range map[any]time.Duration{
		json.Number("3600"): time.Hour, "60": time.Minute, json.Number("59.9"): 59 * time.Second,
		nil: 0, json.Number("0"): 0, json.Number("-1"): 0, json.Number("1e99"): 0, "soon": 0, "NaN": 0, true: 0,
	} {
		now := time.Now()
		got := (&tokens{answer: profile.Claims{"expires_in": expiresIn}}).kept(now).Expires
		if want == 0 && !got.IsZero() || want != 0 && !got.Equal(now.Add(want)) {
			t.Errorf("expires_in %v gives %v at %v", expiresIn, got, now)
		}
	}
}
