package oauth

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

func set(names ...string) map[string]bool {
	members := make(map[string]bool, len(names))
	for _, name := range names {
		members[name] = true
	}
	return members
}

// authorizationRequest returns the parameters of the authorization request in
// the order in which NextAuth writes them. Of extra, what the browser asked
// for, it takes the allowed parameters that the configuration doesn't fix.
func (c *client) authorizationRequest(flow providers.Flow, extra url.Values) *query {
	q := &query{names: c.config.ParamNames}
	q.add("client_id", c.config.ClientID)
	if len(c.config.Scopes) > 0 || c.config.EmptyScope {
		q.add("scope", strings.Join(c.config.Scopes, cmp.Or(c.config.ScopeSeparator, " ")))
	}
	q.add("response_type", cmp.Or(c.row.responseType, "code"))
	q.add("redirect_uri", flow.RedirectURI)
	for _, name := range sortedKeys(c.config.Params) {
		if value := c.config.Params[name]; value != "" {
			q.add(name, value)
		}
	}
	for _, name := range slices.Concat(browserParams, c.config.AllowParams) {
		if c.config.Params[name] == "" && isParamValue(extra.Get(name)) {
			q.add(name, extra.Get(name))
		}
	}
	q.add("state", flow.State)
	if c.checks(checkPKCE) {
		q.add("code_challenge", oauth2.S256ChallengeFromVerifier(flow.Verifier))
		q.add("code_challenge_method", "S256")
	}
	if c.checks(checkNonce) {
		q.add("nonce", flow.Nonce)
	}
	return q
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// isParamValue bounds what a browser can put into the URL.
func isParamValue(s string) bool {
	return s != "" && len(s) <= 1024 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// query is a query string in the order of its making, a space as %20.
type query struct {
	encoded strings.Builder
	names   map[string]string // other names for parameters
}

func (q *query) add(name, value string) {
	name = cmp.Or(q.names[name], name)
	if q.encoded.Len() > 0 {
		q.encoded.WriteByte('&')
	}
	q.encoded.WriteString(escape(name) + "=" + escape(value))
}

func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// appendTo keeps the query that the endpoint has (RFC 6749 section 3.1).
func (q *query) appendTo(endpoint string) string {
	switch {
	case !strings.Contains(endpoint, "?"):
		return endpoint + "?" + q.encoded.String()
	case strings.HasSuffix(endpoint, "?"), strings.HasSuffix(endpoint, "&"):
		return endpoint + q.encoded.String()
	}
	return endpoint + "&" + q.encoded.String()
}
