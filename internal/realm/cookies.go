package realm

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/request"
)

// sentCookies are the Cookie lines as the client sent them, of a request that has
// no realm yet.
type sentCookies []string

// cookiesVar is the request variable that holds the sentCookies.
const cookiesVar = "caddy_signin_cookies"

// String keeps {http.vars.caddy_signin_cookies} from printing a session.
func (sentCookies) String() string { return "" }

// clean removes from a request that has no realm what clients must not send to an
// upstream. The cookies are kept for a signin handler behind.
func clean(r *http.Request, names *request.HeaderNames) {
	request.Strip(r, names)
	if lines, ok := r.Header["Cookie"]; ok {
		if caddyhttp.GetVar(r.Context(), cookiesVar) == nil {
			caddyhttp.SetVar(r.Context(), cookiesVar, sentCookies(lines))
		}
		stripCookies(r, authjs.Strip)
	}
}

var _ fmt.Stringer = sentCookies(nil)
