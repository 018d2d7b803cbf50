package oauth

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/oauth2"

	"github.com/caddy-signin/caddy-signin/providers"
)

// authorizer sends a browser to the provider.
type authorizer struct {
	*registration
	http    *http.Client
	logger  *zap.Logger
	sampled *zap.Logger // for lines that a client could repeat at will
}

// request returns the parameters of the authorization request in
// the order in which NextAuth writes them. Of extra, what the browser asked
// for, it takes what [authorizer.fromBrowser] lets pass.
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
	for _, name := range a.fromBrowser(extra) {
		q.add(name, extra.Get(name))
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
