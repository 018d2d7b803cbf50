package flow

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
)

// Dialect is one generation of NextAuth's protocol. What differs between them
// is data here; the endpoints are the same.
type Dialect struct {
	// The names of the cookies on http, and on https.
	PlainCookieNames, SecureCookieNames *authjs.Names
	// jsonField says that the field json=true asks for {"url"} instead of a
	// redirect, as the header returnRedirect does in any dialect.
	jsonField bool
	// JSONType is the content type of JSON.
	JSONType string
	// jsonLocation says that {"url"} comes with a Location, too.
	jsonLocation bool
	// jsonStatus has the statuses that {"url"} does not have, and those that stand
	// for them.
	jsonStatus map[int]int
	// oidcType is the type of OpenID providers in the list.
	oidcType string
	// nobody is the session of someone who is not signed in, as JSON.
	nobody []byte
	// strictPaths says that no segment may follow the action but, where the action
	// has one, the provider's.
	strictPaths bool
	// lacks has actions that are not there.
	lacks map[string]bool
	// badRequest is the JSON that answers what is not there. Empty: text.
	badRequest []byte
	// noProvider is the error of a provider that is not there. Empty: as what is
	// not there.
	noProvider authjs.ErrorCode
	// namesProvider says that a sign-in which names no provider fails as one without
	// a CSRF token does, instead of leading to the page where one is chosen.
	namesProvider bool
	// quietErrors says that errors set no cookies but what belongs to the error.
	quietErrors bool
	// errorsOnSignInPage says that the error page passes errors that a new attempt
	// may cure to the sign-in page.
	errorsOnSignInPage bool
	// verifyRequestQuery are the parameters that the operator's own page about a
	// mailed link is told.
	verifyRequestQuery []string
	// endings are where errors lead that don't lead to error?error=<code>.
	endings map[authjs.ErrorCode]ending
}

// ending is where an error leads: an endpoint, and the parameters that tell it.
type ending struct {
	page  string // empty: the page whose form was sent
	query []string
}

// DialectNamed is the dialect that a value of the option dialect stands for; without a
// value it is next-auth.
func DialectNamed(name string) (dialect *Dialect, ok bool) {
	dialect, ok = dialects[cmp.Or(name, defaultDialect)]
	return dialect, ok
}

// DialectNames are the values of the option dialect, sorted.
func DialectNames() []string { return slices.Sorted(maps.Keys(dialects)) }

const defaultDialect = "next-auth"

var dialects = map[string]*Dialect{defaultDialect: nextAuth, "authjs": authJS}

// nextAuth is what next-auth 4 speaks.
var nextAuth = &Dialect{
	PlainCookieNames:   authjs.NextAuth.Names(false),
	SecureCookieNames:  authjs.NextAuth.Names(true),
	jsonField:          true,
	JSONType:           "application/json; charset=utf-8",
	oidcType:           "oauth",
	nobody:             []byte("{}"),
	errorsOnSignInPage: true,
	namesProvider:      true,
	endings: map[authjs.ErrorCode]ending{
		authjs.CodeMissingCSRF: {query: []string{"csrf", "true"}},
	},
}

// authJS is what next-auth 5 speaks.
var authJS = &Dialect{
	PlainCookieNames:  authjs.AuthJS.Names(false),
	SecureCookieNames: authjs.AuthJS.Names(true),
	JSONType:          "application/json",
	jsonLocation:      true,
	jsonStatus:        map[int]int{http.StatusUnauthorized: http.StatusOK, http.StatusForbidden: http.StatusOK},
	oidcType:          "oidc",
	nobody:            []byte("null"),
	strictPaths:       true,
	lacks:             map[string]bool{"_log": true},
	badRequest:        []byte(`"Bad request."`),
	noProvider:        authjs.CodeConfiguration,
	quietErrors:       true,

	verifyRequestQuery: []string{"provider", "type"},
	endings: map[authjs.ErrorCode]ending{
		authjs.CodeMissingCSRF:           {"signin", []string{"error", "MissingCSRF"}},
		authjs.CodeCallback:              {"signin", []string{"error", "OAuthCallbackError"}},
		authjs.CodeOAuthAccountNotLinked: {"signin", []string{"error", "OAuthAccountNotLinked"}},
		authjs.CodeEmailSignin:           {"signin", []string{"error", "EmailSignin"}},
		authjs.CodeUnavailable:           {"signin", []string{"error", "Unavailable"}},
		authjs.CodeCredentialsSignin:     credentialsError("credentials"),
		authjs.CodeAccountLocked:         credentialsError(string(authjs.CodeAccountLocked)),
		authjs.CodeAccountDisabled:       credentialsError(string(authjs.CodeAccountDisabled)),
		authjs.CodePasswordExpired:       credentialsError(string(authjs.CodePasswordExpired)),
		authjs.CodeCodeRequired:          credentialsError(string(authjs.CodeCodeRequired)),
		authjs.CodeCodeInvalid:           credentialsError(string(authjs.CodeCodeInvalid)),
		authjs.CodeNoLinkToken:           configurationError,
		authjs.CodeOAuthSignin:           configurationError,
		authjs.CodeOAuthCallback:         configurationError,
		authjs.CodeOAuthCreateAccount:    configurationError,
		authjs.CodeEmailCreateAccount:    configurationError,
	},
}

// configurationError is what Auth.js says of all that it doesn't explain.
var configurationError = ending{"error", []string{"error", "Configuration"}}

// credentialsError is an error of CredentialsSignin, whose code says more.
func credentialsError(code string) ending {
	return ending{"signin", []string{"error", string(authjs.CodeCredentialsSignin), "code", code}}
}

// ending is where an error leads; more are parameters for where the dialect has
// nothing of its own to say.
func (d *Dialect) ending(code authjs.ErrorCode, more []string) ending {
	if end, ok := d.endings[code]; ok {
		return end
	}
	return ending{"error", append([]string{"error", string(code)}, more...)}
}

// serves reports whether an endpoint is there, with these segments behind its
// action.
func (d *Dialect) serves(e *Endpoint, behind []string) bool {
	if d.lacks[e.Action] {
		return false
	}
	return !d.strictPaths || len(behind) == 0 || (len(behind) == 1 && e.Named)
}

// returnRedirect is the header by which the client of next-auth 5 asks for a
// redirect's target as JSON, whatever its value.
const returnRedirect = "X-Auth-Return-Redirect"

// wantsJSON reports that the client asks for the redirect's target as JSON. A
// client of the other generation is answered where that is possible.
func (c *Call) wantsJSON() bool {
	_, header := c.r.Header[returnRedirect]
	field, byField := c.body["json"] == "true", c.endpoints.Dialect.jsonField
	both := header && field // as the gateway's own client sends them
	other := (header && byField) || (field && !byField)
	if other && !both && c.endpoints.OtherClient != nil {
		c.endpoints.OtherClient()
	}
	return header || (field && byField)
}

// missingCSRF ends a POST whose sender didn't show that it knows the browser's
// token. page is the one whose form it may be.
func (c *Call) missingCSRF(page string) error {
	end := c.endpoints.Dialect.endings[authjs.CodeMissingCSRF]
	if end.page != "" {
		page = end.page
	}
	c.dropPreparedCookies()
	return c.redirect(http.StatusOK, redirect.AddQuery(c.site.Base+"/"+page, end.query...))
}

// dropPreparedCookies drops the cookies that every answer brings, where errors have none.
func (c *Call) dropPreparedCookies() {
	if c.endpoints.Dialect.quietErrors {
		c.setCookies = c.setCookies[min(c.prepared, len(c.setCookies)):]
		c.prepared = 0
	}
}

// noProvider answers for a provider that is not there, or not for this.
func (c *Call) noProvider(otherwise func() error) error {
	if code := c.endpoints.Dialect.noProvider; code != "" {
		return c.fail(http.StatusOK, code)
	}
	return otherwise()
}

// badRequest answers what is not there: for NextAuth.js with a text, without a
// content type.
func (c *Call) badRequest(text string) error {
	if body := c.endpoints.Dialect.badRequest; body != nil {
		return c.realm.SendJSON(c.w, http.StatusBadRequest, body)
	}
	return c.plainError(http.StatusBadRequest, text)
}
