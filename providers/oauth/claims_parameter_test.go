package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// What the parameter claims asks for comes only while the visitor leaves it in
// the address bar.
func TestAClaimThatTheParameterClaimsAsksForIsNotedWhereItIsMissing(t *testing.T) {
	const asked = `{"userinfo":{"groups":null}}`
	escaped := strings.ReplaceAll(asked, "{", `\{`)
	lacking := providertest.Alice()
	delete(lacking, "groups")
	for name, tc := range map[string]struct {
		config func(s *providertest.Server) config
		offers bool // PAR
		lacks  string
	}{
		"no such parameter": {func(*providertest.Server) config { return nil }, false, ""},
		"in params":         {func(*providertest.Server) config { return config{"params": config{"claims": escaped}} }, false, "groups"},
		"in the endpoint's query": {func(s *providertest.Server) config {
			return config{"authorization_endpoint": s.URL + providertest.AuthorizePath + "?claims=" + url.QueryEscape(asked)}
		}, true, "groups"},
		"from the browser's script": {func(*providertest.Server) config { return config{"allow_params": []string{"claims"}} }, true, "groups"},
		"pushed":                    {func(*providertest.Server) config { return config{"params": config{"claims": escaped}} }, true, ""},
		"pushing is off": {func(*providertest.Server) config {
			return config{"params": config{"claims": escaped}, "pushed_authorization_request_endpoint": "off"}
		}, true, "groups"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(providertest.Behaviour{
				Claims:          lacking,
				EditTokenAnswer: func(answer map[string]any) { answer["scope"] = "openid email profile" },
				EditDiscovery: func(document map[string]any) {
					if tc.offers {
						document["pushed_authorization_request_endpoint"] = s.URL + "/par"
					}
				},
				Handle: map[string]http.HandlerFunc{"/par": func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusCreated)
					_ = json.NewEncoder(w).Encode(map[string]any{"request_uri": "urn:x", "expires_in": 60})
				}},
			})
			p := loadOIDC(t, corp(s).With(tc.config(s)))
			if _, err := p.Begin(t.Context(), newFlow(), nil); err != nil {
				t.Fatal(err)
			}
			if pushed := len(s.Requests("/par")) > 0; pushed != (name == "pushed") {
				t.Errorf("pushed: %t", pushed)
			}
			m := issuer.Metadata{AuthorizationEndpoint: s.URL + providertest.AuthorizePath}
			if tc.offers {
				m.PAREndpoint = s.URL + "/par"
			}
			account := providers.Account{ID: "1", Email: "alice@example.com"}
			p.client.noteMissing(&account, &tokens{granted: true}, p.endpoints(m), true, false)
			if providertest.Missing(account) != tc.lacks {
				t.Errorf("%v", account.Incomplete)
			}
		})
	}
}

func TestTheAddressOfTwitchIsNotedWhereItIsMissing(t *testing.T) {
	t.Parallel()
	row, _ := lookUp("twitch")
	config := ClientConfig{Preset: "twitch"}.withDefaults(row.Kind)
	c := &client{registration: registration{kind: row.Kind, row: row, config: config}, profile: config.Profile.Compile(false)}
	account := providers.Account{ID: "1"}
	c.noteMissing(&account, &tokens{granted: true}, issuer.Metadata{}, true, false)
	if providertest.Missing(account) != "email" {
		t.Errorf("%v", account.Incomplete)
	}
}
