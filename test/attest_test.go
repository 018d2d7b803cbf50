package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// brokerSite signs in at a broker, as a Caddyfile with an organization has it.
const brokerSite = `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		workos id a-client-secret {
			issuer {$BROKER}
			organization org_A
		}
	}
	require_signin /app/*
	reverse_proxy {$ECHO}
}
`

// newBroker plays WorkOS: whoever comes is let in as somebody of the organization,
// or of the provider, that the address asks for.
func newBroker(t *testing.T) *httptest.Server {
	t.Helper()
	answer := func(w http.ResponseWriter, body map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sso/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		code := url.QueryEscape(q.Get("organization") + "|" + q.Get("provider"))
		http.Redirect(w, r, q.Get("redirect_uri")+"?code="+code+"&state="+q.Get("state"), http.StatusFound)
	})
	mux.HandleFunc("POST /sso/token", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"access_token": r.PostFormValue("code"), "token_type": "bearer"})
	})
	mux.HandleFunc("GET /sso/profile", func(w http.ResponseWriter, r *http.Request) {
		organization, provider, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "|")
		profile := map[string]any{"id": "prof_1", "email": "eve@example.com", "connection_type": "OktaSAML", "organization_id": organization}
		if organization == "" {
			profile["organization_id"], profile["connection_type"] = nil, provider
		}
		answer(w, profile)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// What a visitor makes of the address of the provider is held against what the
// provider attests.
func TestAnEditedAddressOfTheProviderLetsNobodyIn(t *testing.T) {
	broker := newBroker(t)
	t.Setenv("BROKER", broker.URL)
	g := start(t, brokerSite)
	for name, test := range map[string]struct {
		edit     func(url.Values)
		admitted bool
	}{
		"as it is":              {func(url.Values) {}, true},
		"another organization":  {func(q url.Values) { q.Set("organization", "org_B") }, false},
		"a provider instead":    {func(q url.Values) { q.Del("organization"); q.Set("provider", "GoogleOAuth") }, false},
		"a provider beside it":  {func(q url.Values) { q.Set("provider", "GoogleOAuth") }, true}, // the organization decides
		"nothing to select by":  {func(q url.Values) { q.Del("organization") }, false},
		"another letter's case": {func(q url.Values) { q.Set("organization", "ORG_A") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := g.browser()
			var target struct{ URL string }
			b.decode(b.post("/api/auth/signin/workos", b.form("callbackUrl", "/app/", "json", "true")), &target)
			asked, err := url.Parse(target.URL)
			if err != nil {
				t.Fatal(err)
			}
			query := asked.Query()
			if query.Get("organization") != "org_A" {
				t.Errorf("the address is %s", asked)
			}
			test.edit(query)
			asked.RawQuery = query.Encode()
			back := redirectOf(t, asked.String())
			if test.admitted {
				wantLocation(t, b.get(back), g.origin+"/app/")
			} else {
				wantLocation(t, b.get(back), g.origin+"/api/auth/error?error=AccessDenied")
				g.waitForLog("the refusal", func(line logLine) bool {
					text := fmt.Sprint(line)
					return strings.Contains(text, "doesn't attest") && strings.Contains(text, "organization") && strings.Contains(text, "org_A")
				})
			}
			if b.signedIn() != test.admitted || len(b.pending()) != 0 {
				t.Errorf("signed in: %t, with %q left", b.signedIn(), b.pending())
			}
		})
	}
}

// redirectOf is where an address redirects to.
func redirectOf(t *testing.T, target string) string {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	location, err := response.Location()
	if err != nil {
		t.Fatal(err)
	}
	return location.String()
}
