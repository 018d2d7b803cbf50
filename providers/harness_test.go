package providers

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// config is a provider's JSON.
type config map[string]any

func (c config) with(more config) config {
	merged := maps.Clone(c)
	maps.Copy(merged, more)
	return merged
}

// load decodes, provisions and validates a guest module as Caddy does, and
// cleans it up with the test.
func load(t testing.TB, kind string, c config) (any, error) {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	return ctx.LoadModuleByID(Namespace+"."+kind, raw)
}

// corp is the configuration of an oidc provider at a fake one.
func corp(s *providertest.Server) config {
	return config{"id": "corp", "issuer": s.URL, "client_id": s.ClientID, "client_secret": s.ClientSecret}
}

// octo is the configuration of the github preset at a fake GitHub.
func octo(s *providertest.Server) config {
	return config{
		"preset": "github", "client_id": s.ClientID, "client_secret": s.ClientSecret,
		"authorization_endpoint": s.URL + providertest.GitHubAuthorizePath,
		"token_endpoint":         s.URL + providertest.GitHubTokenPath,
		"userinfo_endpoint":      s.URL + providertest.GitHubUserPath,
		"email_endpoint":         s.URL + providertest.GitHubEmailsPath,
	}
}

func loadOIDC(t testing.TB, c config) *OIDC {
	t.Helper()
	p, err := load(t, kindOIDC, c)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*OIDC)
}

func loadOAuth2(t testing.TB, c config) *OAuth2 {
	t.Helper()
	p, err := load(t, kindOAuth2, c)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*OAuth2)
}

// or returns m with the values of defaults where it has none.
func (m ProfileMap) or(defaults ProfileMap) ProfileMap {
	c := ClientConfig{Profile: m}
	fill(&c, ClientConfig{Profile: defaults})
	return c.Profile
}

func newFlow() Flow {
	return Flow{
		State: strings.Repeat("s", 43), Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 43),
		RedirectURI: "http://localhost:8080/api/auth/callback/corp",
	}
}

// begin starts a sign-in and lets the fake provider approve it.
func begin(t testing.TB, p Redirector, s *providertest.Server) url.Values {
	t.Helper()
	target, err := p.Begin(t.Context(), newFlow(), nil)
	if err != nil {
		t.Fatal("begin:", err)
	}
	answer, err := s.Authorize(target)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// signIn goes the whole way and returns the person; the tokens that came along,
// and what only deny looks at, are other tests'.
func signIn(t testing.TB, p Redirector, s *providertest.Server) (Account, error) {
	t.Helper()
	account, err := signInWhole(t, p, s)
	account.Tokens, account.OtherEmails, account.OtherGroups, account.Incomplete = nil, nil, nil, nil
	return account, err
}

func signInWhole(t testing.TB, p Redirector, s *providertest.Server) (Account, error) {
	t.Helper()
	return p.Finish(t.Context(), newFlow(), begin(t, p, s))
}

// mustFail checks an error's text, and that it holds nothing secret and
// nothing that the provider wrote.
func mustFail(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("it worked; want an error with %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q; want one with %q", err, want)
	}
	for _, secret := range []string{"access-token-", "code-", "a-client-secret", "words of the provider", "eyJ"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q holds %q", err, secret)
		}
	}
}

// watch has a client log into memory.
func watch(c *client) *observer.ObservedLogs {
	core, logs := observer.New(zap.DebugLevel)
	c.logger = zap.New(core)
	return logs
}

// logText is everything that was logged, in one string.
func logText(t testing.TB, logs *observer.ObservedLogs) string {
	t.Helper()
	var text strings.Builder
	for _, entry := range logs.All() {
		fields, err := json.Marshal(entry.ContextMap())
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(entry.Message + " " + string(fields) + "\n")
	}
	return text.String()
}

// inProcess answers requests by calling a handler, without a network, so that
// it works under a fake clock.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, req)
	return recorder.Result(), nil
}

func isRefusal(err error) bool { return errors.Is(err, ErrProviderRefused) }
