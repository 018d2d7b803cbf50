package oauth

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"
	"golang.org/x/oauth2"

	"github.com/caddy-signin/caddy-signin/providers"
)

// protocolParams are the authorization request's own parameters (RFC 6749
// section 4.1.1, RFC 7636, OpenID Connect Core 3.1.2.1 and 6, RFC 9101): neither
// the configuration nor the browser sets them.
var protocolParams = set(
	"client_id", "redirect_uri", "response_type", "scope", "state", "nonce",
	"code_challenge", "code_challenge_method", "request", "request_uri",
)

// browserForbidden are parameters with which a browser could have the answer or
// the token go elsewhere; the configuration may set them.
var browserForbidden = set("response_mode", "resource")

// browserParams are what signIn()'s authorization parameters may always set.
var browserParams = []string{"prompt", "login_hint", "ui_locales", "max_age", "acr_values", "screen_hint"}

// authorizer sends a browser to the provider.
type authorizer struct {
	*registration
	http   *http.Client
	logger *zap.Logger
}

// request returns the parameters of the authorization request in
// the order in which NextAuth writes them. Of extra, what the browser asked
// for, it takes the allowed parameters that the configuration doesn't fix.
func (a authorizer) request(flow providers.Flow, extra url.Values) *query {
	q := &query{names: a.config.ParamNames}
	q.add("client_id", a.config.ClientID)
	if len(a.config.Scopes) > 0 || a.config.EmptyScope {
		q.add("scope", strings.Join(a.config.Scopes, cmp.Or(a.config.ScopeSeparator, " ")))
	}
	q.add("response_type", cmp.Or(a.row.ResponseType, "code"))
	q.add("redirect_uri", flow.RedirectURI)
	for _, name := range sortedKeys(a.config.Params) {
		if value := a.config.Params[name]; value != "" {
			q.add(name, value)
		}
	}
	for _, name := range slices.Concat(browserParams, a.config.AllowParams) {
		if a.config.Params[name] == "" && isParamValue(extra.Get(name)) {
			q.add(name, extra.Get(name))
		}
	}
	q.add("state", flow.State)
	if a.checks(checkPKCE) {
		q.add("code_challenge", oauth2.S256ChallengeFromVerifier(flow.Verifier))
		q.add("code_challenge_method", "S256")
	}
	if a.checks(checkNonce) {
		q.add("nonce", flow.Nonce)
	}
	return q
}

// isParamValue bounds what a browser can put into the URL.
func isParamValue(s string) bool {
	return s != "" && len(s) <= 1024 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
