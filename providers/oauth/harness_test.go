package oauth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// config is a provider's JSON.
type config = providertest.Config

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
	p, err := providertest.Load(t, kindOIDC, c)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*OIDC)
}

func loadOAuth2(t testing.TB, c config) *OAuth2 {
	t.Helper()
	p, err := providertest.Load(t, kindOAuth2, c)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*OAuth2)
}

func newFlow() providers.Flow {
	return providers.Flow{
		State: strings.Repeat("s", 43), Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 43),
		RedirectURI: "http://localhost:8080/api/auth/callback/corp",
	}
}

// begin starts a sign-in and lets the fake provider approve it.
func begin(t testing.TB, p providers.Redirector, s *providertest.Server) url.Values {
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
func signIn(t testing.TB, p providers.Redirector, s *providertest.Server) (providers.Account, error) {
	t.Helper()
	account, err := signInWhole(t, p, s)
	account.Tokens, account.OtherEmails, account.OtherGroups, account.Incomplete = nil, nil, nil, nil
	return account, err
}

func signInWhole(t testing.TB, p providers.Redirector, s *providertest.Server) (providers.Account, error) {
	t.Helper()
	return p.Finish(t.Context(), newFlow(), begin(t, p, s))
}

// watch has a client log into memory.
func watch(c *client) *observer.ObservedLogs {
	core, logs := observer.New(zap.DebugLevel)
	c.logger = zap.New(core)
	return logs
}

// inProcess answers requests by calling a handler, without a network, so that
// it works under a fake clock.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, req)
	return recorder.Result(), nil
}

func isRefusal(err error) bool { return errors.Is(err, providers.ErrProviderRefused) }
