package oauth

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestPresets(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   string
		config config
		want   providers.Info
		auth   string
	}{
		"google": {
			kindOIDC,
			config{"preset": "google"},
			providers.Info{ID: "google", Name: "Google", Type: providers.TypeOAuth, Preset: "google", Public: true},
			"",
		},
		"github": {
			kindOAuth2,
			config{"preset": "github"},
			providers.Info{ID: "github", Name: "GitHub", Type: providers.TypeOAuth, Preset: "github", Public: true},
			"https://github.com/login/oauth/authorize?client_id=a&scope=read%3Auser%20user%3Aemail&response_type=code&",
		},
		"what is set wins": {
			kindOAuth2,
			config{"preset": "github", "id": "gh", "name": "Hub", "scopes": []string{"repo"}, "params": config{"login": "x"}},
			providers.Info{ID: "gh", Name: "Hub", Type: providers.TypeOAuth, Preset: "github", Public: true},
			"https://github.com/login/oauth/authorize?client_id=a&scope=repo&",
		},
		"an installation of one's own isn't public": {
			kindOAuth2, octo(providertest.NewHandler("http://127.0.0.1:4000")),
			providers.Info{ID: "github", Name: "GitHub", Type: providers.TypeOAuth, Preset: "github", FormActions: []string{"http://127.0.0.1:4000"}},
			"http://127.0.0.1:4000/login/oauth/authorize?",
		},
		"an issuer of one's own isn't public": {
			kindOIDC,
			config{"preset": "google", "issuer": "https://login.corp.example"},
			providers.Info{ID: "google", Name: "Google", Type: providers.TypeOAuth, Preset: "google"},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			loaded, err := providertest.Load(t, tc.kind, tc.config.With(config{"client_id": "a", "client_secret": "b"}))
			if err != nil {
				t.Fatal(err)
			}
			p := loaded.(providers.Redirector)
			got := p.Info()
			if strings.Join(got.FormActions, " ") != strings.Join(tc.want.FormActions, " ") {
				t.Errorf("form actions %q, want %q", got.FormActions, tc.want.FormActions)
			}
			got.FormActions, tc.want.FormActions = nil, nil
			if !sameInfo(got, tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if tc.auth == "" { // oidc finds it out
				return
			}
			if target, err := p.Begin(t.Context(), newFlow(), nil); err != nil || !strings.HasPrefix(target, tc.auth) {
				t.Errorf("begins at %s, %v; want %s", target, err, tc.auth)
			}
		})
	}
}

func sameInfo(a, b providers.Info) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Type == b.Type && a.Preset == b.Preset && a.Public == b.Public
}

// A token of one installation never goes to another.
func TestAnOwnGitHubIsNotAskedForAddressesAtTheirs(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	c := octo(s)
	delete(c, "email_endpoint")
	if p := loadOAuth2(t, c); p.emailEndpoint != "" || p.client.config.Issuer != "" {
		t.Errorf("addresses are asked at %q, the issuer is %q", p.emailEndpoint, p.client.config.Issuer)
	}
	if p := loadOAuth2(t, config{"preset": "github", "client_id": "a", "client_secret": "b"}); p.emailEndpoint != "https://api.github.com/user/emails" {
		t.Errorf("addresses are asked at %q", p.emailEndpoint)
	}
	if p := loadOAuth2(t, config{"preset": "github", "client_id": "a", "client_secret": "b", "email_endpoint": "off"}); p.emailEndpoint != "" {
		t.Errorf("addresses are asked at %q", p.emailEndpoint)
	}
}

func TestPlaceholdersAreResolvedOutOfSight(t *testing.T) {
	s := providertest.New(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(s.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_CLIENT_ID", s.ClientID)
	t.Setenv("TEST_ISSUER", s.URL)
	t.Setenv("TEST_AUDIENCE", "api")
	p := loadOIDC(t, config{
		"id": "corp", "issuer": "{env.TEST_ISSUER}", "client_id": "{env.TEST_CLIENT_ID}",
		"client_secret": "{file." + file + "}", "params": config{"audience": "{env.TEST_AUDIENCE}"},
	})
	if _, err := signIn(t, p, s); err != nil {
		t.Fatal(err)
	}
	if got := s.Requests(providertest.AuthorizePath)[0].Form.Get("audience"); got != "api" {
		t.Errorf("audience is %q", got)
	}
	dump, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{s.ClientSecret, s.ClientID, s.URL} {
		if strings.Contains(string(dump), value) {
			t.Errorf("the configuration shows %q: %s", value, dump)
		}
	}
}

func TestConfigurationErrors(t *testing.T) {
	base := config{"id": "corp", "issuer": "https://op.example", "client_id": "a", "client_secret": "b"}
	for name, tc := range map[string]struct {
		kind   string
		config config
		want   string
	}{
		"an unset variable":            {kindOIDC, base.With(config{"client_secret": "{env.NOT_SET_ANYWHERE}"}), `provider "corp": client_secret: {env.NOT_SET_ANYWHERE} is empty or can't be read`},
		"an unreadable file":           {kindOIDC, base.With(config{"client_secret": "{file./nowhere/at/all}"}), "client_secret: {file./nowhere/at/all} is empty"},
		"a secret with braces":         {kindOIDC, base.With(config{"client_secret": "a-client-secret{x}"}), `write \{ for a brace`},
		"an unset variable in params":  {kindOIDC, base.With(config{"params": config{"a": "{env.NOT_SET_ANYWHERE}"}}), "params a: "},
		"an unset email_endpoint":      {kindOAuth2, config{"preset": "github", "client_id": "a", "client_secret": "b", "email_endpoint": "{env.NOT_SET_ANYWHERE}"}, `provider "github": email_endpoint: `},
		"an issuer that is no URL":     {kindOIDC, base.With(config{"issuer": "ftp://op.example"}), `provider "corp": issuer must be an https URL, got "ftp://op.example"`},
		"no id":                        {kindOIDC, base.With(config{"id": ""}), "id is missing"},
		"an unknown preset":            {kindOIDC, base.With(config{"preset": "gogle"}), `unknown preset "gogle": did you mean google?`},
		"a preset of the other kind":   {kindOAuth2, base.With(config{"preset": "google"}), `preset "google" is of kind oidc: write "provider": "oidc"`},
		"an unknown field":             {kindOIDC, base.With(config{"client": "a"}), "client"},
		"an unknown transport setting": {kindOIDC, base.With(config{"transport": config{"nothing": 1}}), `provider "corp": transport: `},
		"an unknown transport":         {kindOIDC, base.With(config{"transport": config{"protocol": "nothing"}}), `provider "corp": transport: only the http`},
		"another transport than http":  {kindOIDC, base.With(config{"transport": config{"protocol": "fastcgi"}}), "only the http transport"},
		"a transport that is null":     {kindOIDC, base.With(config{"transport": nil}), "transport: it must be a JSON object"},
		"a transport that is a string": {kindOIDC, base.With(config{"transport": "http"}), "transport: it must be a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := providertest.Load(t, tc.kind, tc.config)
			providertest.MustFail(t, err, tc.want)
		})
	}
}

func TestWhatWeakensASignInIsWarnedOf(t *testing.T) {
	for name, tc := range map[string]struct {
		config config
		want   []string
	}{
		"nothing":                 {nil, nil},
		"PKCE left out":           {config{"checks": []string{"state", "nonce"}}, []string{"pkce"}},
		"PKCE and nonce left out": {config{"checks": []string{"state"}}, []string{"pkce", "nonce"}},
		"plain http is permitted": {config{"insecure_http": true}, []string{"insecure_http"}},
		"any certificate will do": {config{"transport": config{"tls": config{"insecure_skip_verify": true}}}, []string{"tls_insecure_skip_verify"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := loadOIDC(t, corp(providertest.NewHandler("https://op.example")).With(tc.config))
			logs := watch(p.client)
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			warnings := logs.FilterLevelExact(zap.WarnLevel).All()
			if len(warnings) != len(tc.want) {
				t.Fatalf("%d warnings, want %d: %s", len(warnings), len(tc.want), providertest.LogText(t, logs))
			}
			for _, want := range tc.want {
				if !strings.Contains(providertest.LogText(t, logs), want) {
					t.Errorf("no warning of %s: %s", want, providertest.LogText(t, logs))
				}
			}
		})
	}
}
