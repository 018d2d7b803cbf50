package flow

import (
	"net/http"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/providers"
)

// formAnswer are the parameters of a provider's answer that count (RFC 6749
// section 4.1.2, RFC 9207; user is the name that Apple sends once). Tokens in
// it are not among them.
var formAnswer = []string{"code", "state", "iss", "error", "error_description", "user"}

// maxFormAnswer is the longest query that an answer may become.
const maxFormAnswer = 8 << 10

// lacksCookies reports the answer of a provider that has the browser post
// a form from its own site (OAuth 2.0 Form Post Response Mode): SameSite=Lax
// keeps the cookies of this site, and so the pending sign-in, out of it.
func lacksCookies(c *Call, provider providers.Redirector) bool {
	states := c.form["state"]
	return c.r.Method == http.MethodPost && provider.Info().FormPost &&
		len(states) == 1 && states[0] != "" &&
		len(authjs.AppendValues(nil, c.rs.CookieLines, c.site.CookieNames.Pending(states[0]))) == 0
}

// repeatWithCookies has the browser ask once more, by a GET, which carries the
// cookies. This answer sets none: those that the browser keeps for this site
// weren't seen, and must not be replaced.
func repeatWithCookies(c *Call) error {
	c.setCookies = nil
	var pairs []string
	for _, name := range formAnswer {
		switch values := c.form[name]; {
		case len(values) > 1:
			return c.fail(http.StatusOK, authjs.CodeOAuthCallback)
		case len(values) == 1:
			pairs = append(pairs, name, values[0])
		}
	}
	target := redirect.AddQuery(c.site.Base+"/callback/"+c.provider, pairs...)
	if len(target) > maxFormAnswer {
		return c.fail(http.StatusOK, authjs.CodeOAuthCallback)
	}
	response.Redirect(c.w, http.StatusSeeOther, target)
	return nil
}
