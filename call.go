package signin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/pages"
	"github.com/caddy-signin/caddy-signin/providers"
)

// endpoint is one line of the protocol.
type endpoint struct {
	method string
	action string
	serve  func(*call) error
	// page endpoints are shown at the realm's url, whichever host was asked.
	page bool
	// bare endpoints neither read a body nor set a cookie.
	bare bool
	// crossSite endpoints take POSTs that another site sends: they are
	// protected by something else than the CSRF token, or change nothing.
	crossSite bool
	// named endpoints may have a provider behind their action.
	named bool
}

// endpointKey is what a request to an endpoint is looked up by.
type endpointKey struct{ method, action string }

func tableOf(all []endpoint) map[endpointKey]*endpoint {
	table := make(map[endpointKey]*endpoint, len(all))
	for i := range all {
		table[endpointKey{all[i].method, all[i].action}] = &all[i]
	}
	return table
}

// endpoints are the endpoints of a realm.
type endpoints struct {
	table   map[endpointKey]*endpoint
	dialect *dialect
	pages   customPages
	expose  []string  // further fields of the session JSON's user
	hinted  sync.Once // that the client speaks another dialect
	logger  *zap.Logger
}

// customPages are the site's own pages, each a path on the site or an absolute
// URL, instead of the built-in ones; where one is empty, the built-in one is shown.
type customPages struct {
	SignIn, SignOut, Error, VerifyRequest string
	// NewUser is where a person's first sign-in leads, if not where any other does.
	NewUser string
}

// call is one request to an endpoint.
type call struct {
	w         http.ResponseWriter
	r         *http.Request
	state     *requestState // what the realm knows of the request
	realm     *activeRealm
	site      *site
	endpoints *endpoints
	keys      *keys.Ring

	provider string // the path segment after the action
	query    url.Values
	began    time.Time
	body     fields
	form     url.Values // every value of a form body

	csrfToken   string // the browser's token, or a new one
	verified    bool   // the body shows that the sender knows the browser's token
	callbackURL string // where the flow ends, validated
	setCookies  []authjs.Cookie
	prepared    int // of them, those that come with every answer
}

// serve answers a request under the base path as the table says.
func (e *endpoints) serve(rs *requestState, w http.ResponseWriter, r *http.Request, path string) error {
	s, err := rs.getSite(r)
	if err != nil {
		rs.realm.refuseHost(w, err)
		return nil
	}
	c := &call{w: w, r: r, state: rs, realm: rs.realm, site: s, endpoints: e, began: time.Now()}
	c.query, _ = parseQuery(r.URL.RawQuery) // a malformed parameter is as if it were not given
	response.Protect(w.Header())
	segments := strings.SplitN(path, "/", 3)
	found, ok := e.table[endpointKey{r.Method, segments[0]}]
	if !ok || !e.dialect.serves(found, segments[1:]) {
		return c.unsupported()
	}
	if len(segments) > 1 {
		c.provider = segments[1]
	}
	if !found.bare {
		if err := c.prepare(found); err != nil {
			return c.refuse(err)
		}
	}
	if found.page && !s.isHome() {
		return c.goHome(path)
	}
	return found.serve(c)
}

// goHome sends the browser to the page at the realm's url, with the return
// address as the host asked understands it.
func (c *call) goHome(path string) error {
	c.query.Set("callbackUrl", c.callbackURL)
	c.sendCookies()
	response.Redirect(c.w, http.StatusFound, c.site.base+"/"+path+"?"+c.query.Encode())
	return nil
}

// prepare reads what every endpoint needs: keys, body, CSRF token, return address.
func (c *call) prepare(e *endpoint) error {
	var err error
	if c.keys, err = c.site.keys(c.r.Context()); err != nil {
		return err
	}
	if c.r.Method == http.MethodPost {
		body, err := readBody(c.w, c.r, maxBody)
		if err != nil {
			return err
		}
		if c.body, c.form, err = parseFields(c.r, body); err != nil {
			return err
		}
	}
	c.prepareCSRF(e)
	c.prepareCallbackURL()
	c.prepared = len(c.setCookies)
	return nil
}

func (c *call) prepareCSRF(e *endpoint) {
	for _, value := range authjs.AppendValues(nil, c.state.cookieLines, c.site.names.CSRF) {
		if token, ok := c.keys.CSRF.Verify(value); ok {
			c.csrfToken = token
			c.verified = c.r.Method == http.MethodPost && c.keys.CSRF.VerifyPost(value, c.body["csrfToken"])
			break
		}
	}
	if c.csrfToken == "" {
		var value string
		c.csrfToken, value = c.keys.CSRF.New()
		c.setCookies = append(c.setCookies, authjs.Cookie{Name: c.site.names.CSRF, Value: value, Secure: c.site.secure})
	}
	// A sibling host can plant a pair that verifies; the browser tells who asks.
	if !e.crossSite || c.takesToken() {
		c.verified = c.verified && !request.IsForeignPost(c.r, c.site.origin)
	}
}

// prepareCallbackURL takes the return address from the body, else the query,
// else the cookie, else the site's origin. An empty value counts as absent, and
// anything that the policy refuses falls back to the origin.
func (c *call) prepareCallbackURL() {
	value, given := c.body["callbackUrl"]
	if !given && len(c.query["callbackUrl"]) == 1 {
		value = c.query.Get("callbackUrl")
	}
	var kept string
	if values := authjs.AppendValues(nil, c.state.cookieLines, c.site.names.CallbackURL); len(values) > 0 {
		kept = values[0]
	}
	if value == "" {
		value = kept
	}
	c.callbackURL = c.site.origin
	if value != "" {
		c.callbackURL, _ = c.site.returns.Resolve(value)
	}
	if c.callbackURL != kept {
		c.setCookies = append(c.setCookies, c.site.cookie(c.site.names.CallbackURL, c.callbackURL))
	}
}

// redirect ends a flow: 302 to target, or for the client {"url"} with status.
func (c *call) redirect(status int, target string) error {
	c.sendCookies()
	if c.wantsJSON() {
		if instead, ok := c.endpoints.dialect.jsonStatus[status]; ok {
			status = instead
		}
		if c.endpoints.dialect.jsonLocation {
			response.SetLocation(c.w, target)
		}
		return c.writeJSON(status, struct {
			URL string `json:"url"`
		}{target})
	}
	response.Redirect(c.w, http.StatusFound, target)
	return nil
}

// takesToken reports a callback that signs in by what a form of ours holds, so
// that, unlike a provider's answer, it needs the CSRF token.
func (c *call) takesToken() bool {
	switch c.realm.byID[c.provider].(type) {
	case providers.Checker, providers.Mailer:
		return true
	}
	return false
}

// fail sends the browser to the page that the dialect has for a code; more are
// parameters that the dialect may leave out. The page at the end of its redirects
// shows the reference of this request, which is the one in the log.
func (c *call) fail(status int, code authjs.ErrorCode, more ...string) error {
	end := c.endpoints.dialect.ending(code, more)
	c.dropPreparedCookies()
	if c.showsPages() {
		c.setFlash(flash{
			Code: end.query[1], Reference: request.Reference(c.r), Provider: c.provider,
			Username: response.Cut(c.body["username"], maxFlashValue), Email: response.Cut(c.body["email"], maxFlashValue),
		}, failureLife)
	}
	return c.redirect(status, redirect.AddQuery(c.site.base+"/"+end.page, end.query...))
}

func (c *call) sendCookies() {
	for _, cookie := range c.setCookies {
		c.w.Header().Add("Set-Cookie", cookie.String())
	}
}

// unsupported is the answer to what the table does not hold.
func (c *call) unsupported() error {
	return c.badRequest("Error: This action with HTTP " + c.r.Method + " is not supported by NextAuth.js")
}

func (c *call) plainError(status int, text string) error {
	c.w.Header()["Content-Type"] = nil
	c.w.WriteHeader(status)
	_, _ = c.w.Write([]byte(text)) // the client is gone: nobody to tell
	return nil
}

// refuse answers a request that could not be prepared.
func (c *call) refuse(err error) error {
	if bad, ok := errors.AsType[*bodyError](err); ok {
		// Otherwise net/http would read the rest of the body first.
		c.w.Header().Set("Connection", "close")
		if bad.status == http.StatusBadRequest {
			return c.badRequest(bad.reason)
		}
		return c.plainError(bad.status, bad.reason)
	}
	return c.unavailable(err)
}

// unavailable answers while something that the realm needs is out of order.
func (c *call) unavailable(err error) error {
	c.state.blame("an endpoint can't answer now", zap.String("path", c.r.URL.Path), zap.Error(err))
	return c.retryLater()
}

func (c *call) retryLater() error {
	if c.wantsJSON() {
		// The client takes an absolute URL out of every answer to a POST.
		c.w.Header().Set("Retry-After", response.RetryAfterSeconds)
		return c.fail(http.StatusServiceUnavailable, authjs.CodeUnavailable)
	}
	return unavailable(c.w, c.r, c.state, pages.Unavailable{RetryURL: c.formPage()})
}

// formPage is the page whose form was sent, for a GET of where forms go to is no
// way to try again. It is empty for requests that a reload repeats.
func (c *call) formPage() string {
	switch {
	case c.r.Method != http.MethodPost:
		return ""
	case strings.HasSuffix(c.r.URL.Path, "/signout"):
		return c.site.base + "/signout"
	}
	return c.site.base + "/signin"
}

// writeJSON and sendJSON of an endpoint call the content as the dialect does.
func (c *call) writeJSON(status int, value any) error {
	body, err := response.EncodeJSON(value)
	if err != nil {
		return err
	}
	return c.sendJSON(status, body)
}

func (c *call) sendJSON(status int, body []byte) error {
	return response.SendAs(c.w, c.endpoints.dialect.jsonType, status, body)
}
