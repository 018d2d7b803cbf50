package flow

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/response"
	"github.com/caddy-signin/caddy-signin/pages"
)

// Endpoint is one line of the protocol: what a method of HTTP does at an action, the
// first segment of the path below the base path.
type Endpoint struct {
	Method string
	Action string
	// Serve answers. An error means that nothing was written.
	Serve func(*Call) error
	// Page endpoints are shown at the realm's url, whichever host was asked.
	Page bool
	// Bare endpoints set no cookie and have no CSRF token. Those that take a body read
	// it themselves.
	Bare bool
	// CrossSite endpoints take POSTs that another site sends: they are
	// protected by something else than the CSRF token, or change nothing.
	CrossSite bool
	// Named endpoints may have a provider behind their action.
	Named bool
}

// Endpoints are the endpoints of a realm.
type Endpoints struct {
	// Protocol has each method and action once.
	Protocol []Endpoint
	// Dialect is what the realm's clients speak.
	Dialect *Dialect
	// Pages are the site's own pages, which may all be empty.
	Pages CustomPages
	// Expose are further fields of the user in the session's JSON: id, username,
	// provider or groups.
	Expose []string
	// OtherClient is called for each request of a client that speaks another dialect.
	// It may be nil.
	OtherClient func()
}

// CustomPages are the site's own pages, each a path on the site or an absolute
// URL, instead of the built-in ones; where one is empty, the built-in one is shown.
type CustomPages struct {
	// SignIn, SignOut, Error and VerifyRequest stand for the pages of these endpoints.
	SignIn, SignOut, Error, VerifyRequest string
	// NewUser is where a person's first sign-in leads, if not where any other does.
	NewUser string
}

// kind is what the endpoints do for one kind of provider.
type kind struct {
	signIn   func(*Call) error // nil: the page with its form
	callback func(*Call) error
	// formSignsIn says that the callback signs in by what a form of ours holds, so
	// that, unlike a provider's answer, it needs the CSRF token.
	formSignsIn bool
	// typed says that people type what they sign in with into a form, which shows
	// what failed.
	typed bool
	// givesOutAddress says that the realm's own address goes where it is used later,
	// and by others.
	givesOutAddress bool
}

// Call is one request to an endpoint.
type Call struct {
	w         http.ResponseWriter
	r         *http.Request
	rs        *realm.Request // what the realm knows of the request
	realm     *realm.Realm
	site      *realm.Site
	endpoints *Endpoints
	keys      *keys.Ring

	provider string // the path segment after the action
	kind     kind   // of that provider, zero where the realm has none of this id
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

// goHome sends the browser to the page at the realm's url, with the return
// address as the host asked understands it.
func (c *Call) goHome(path string) error {
	c.query.Set("callbackUrl", c.callbackURL)
	c.sendCookies()
	page := url.URL{Path: "/" + path, RawQuery: c.query.Encode()}
	response.Redirect(c.w, http.StatusFound, c.site.Base+page.String())
	return nil
}

// prepare reads what every endpoint needs: keys, body, CSRF token, return address.
func (c *Call) prepare(e *Endpoint) error {
	var err error
	if c.keys, err = c.site.Keys(c.r.Context()); err != nil {
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

func (c *Call) prepareCSRF(e *Endpoint) {
	for _, value := range authjs.AppendValues(nil, c.rs.CookieLines, c.site.CookieNames.CSRF) {
		if token, ok := c.keys.CSRF.Verify(value); ok {
			c.csrfToken = token
			c.verified = c.r.Method == http.MethodPost && c.keys.CSRF.VerifyPost(value, c.body["csrfToken"])
			break
		}
	}
	if c.csrfToken == "" {
		var value string
		c.csrfToken, value = c.keys.CSRF.New()
		c.setCookies = append(c.setCookies, authjs.Cookie{Name: c.site.CookieNames.CSRF, Value: value, Secure: c.site.Secure})
	}
	// A sibling host can plant a pair that verifies; the browser tells who asks.
	if !e.CrossSite || c.kind.formSignsIn {
		c.verified = c.verified && !request.IsForeignPost(c.r, c.site.Origin)
	}
}

// prepareCallbackURL takes the return address from the body, else the query,
// else the cookie, else the site's origin. An empty value counts as absent, and
// anything that the policy refuses falls back to the origin.
func (c *Call) prepareCallbackURL() {
	value, given := c.body["callbackUrl"]
	if !given && len(c.query["callbackUrl"]) == 1 {
		value = c.query.Get("callbackUrl")
	}
	var kept string
	if values := authjs.AppendValues(nil, c.rs.CookieLines, c.site.CookieNames.CallbackURL); len(values) > 0 {
		kept = values[0]
	}
	if value == "" {
		value = kept
	}
	c.callbackURL = c.site.Origin
	if value != "" {
		c.callbackURL, _ = c.site.Returns.Resolve(value)
	}
	if c.callbackURL != kept {
		c.setCookies = append(c.setCookies, c.site.Cookie(c.site.CookieNames.CallbackURL, c.callbackURL))
	}
}

// redirect ends a flow: 302 to target, or for the client {"url"} with status.
func (c *Call) redirect(status int, target string) error {
	c.sendCookies()
	if c.wantsJSON() {
		if instead, ok := c.endpoints.Dialect.jsonStatus[status]; ok {
			status = instead
		}
		if c.endpoints.Dialect.jsonLocation {
			response.SetLocation(c.w, target)
		}
		return c.realm.WriteJSON(c.w, status, struct {
			URL string `json:"url"`
		}{target})
	}
	response.Redirect(c.w, http.StatusFound, target)
	return nil
}

// fail sends the browser to the page that the dialect has for a code; more are
// parameters that the dialect may leave out. The page at the end of its redirects
// shows the reference of this request, which is the one in the log.
func (c *Call) fail(status int, code authjs.ErrorCode, more ...string) error {
	end := c.endpoints.Dialect.ending(code, more)
	c.dropPreparedCookies()
	if c.showsPages() {
		c.setFlash(flash{
			Code: end.query[1], Reference: request.Reference(c.r), Provider: c.provider,
			Username: response.Cut(c.body["username"], maxFlashValue), Email: response.Cut(c.body["email"], maxFlashValue),
		}, failureLife)
	}
	return c.redirect(status, redirect.AddQuery(c.site.Base+"/"+end.page, end.query...))
}

func (c *Call) sendCookies() {
	for _, cookie := range c.setCookies {
		c.w.Header().Add("Set-Cookie", cookie.String())
	}
}

// unsupported is the answer to what the protocol does not have.
func (c *Call) unsupported() error {
	return c.badRequest("Error: This action with HTTP " + c.r.Method + " is not supported by NextAuth.js")
}

func (c *Call) plainError(status int, text string) error {
	c.w.Header()["Content-Type"] = nil
	c.w.WriteHeader(status)
	_, _ = c.w.Write([]byte(text)) // the client is gone: nobody to tell
	return nil
}

// refuse answers a request that could not be prepared.
func (c *Call) refuse(err error) error {
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
func (c *Call) unavailable(err error) error {
	c.rs.Blame("an endpoint can't answer now", zap.String("path", c.r.URL.Path), zap.Error(err))
	return c.retryLater()
}

func (c *Call) retryLater() error {
	if c.wantsJSON() {
		// The client takes an absolute URL out of every answer to a POST.
		response.SetRetryAfter(c.w.Header())
		return c.fail(http.StatusServiceUnavailable, authjs.CodeUnavailable)
	}
	return realm.Unavailable(c.w, c.r, c.rs, pages.Unavailable{RetryURL: c.formPage()})
}

// formPage is the page whose form was sent, for a GET of where forms go to is no
// way to try again. It is empty for requests that a reload repeats.
func (c *Call) formPage() string {
	switch {
	case c.r.Method != http.MethodPost:
		return ""
	case strings.HasSuffix(c.r.URL.Path, "/signout"):
		return c.site.Base + "/signout"
	}
	return c.site.Base + "/signin"
}
