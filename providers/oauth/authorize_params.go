package oauth

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"
)

// protocolParams are the authorization request's own parameters (RFC 6749
// section 4.1.1, RFC 7636, OpenID Connect Core 3.1.2.1 and 6, RFC 9101): neither
// the configuration nor the browser sets them.
var protocolParams = set(
	"client_id", "redirect_uri", "response_type", "scope", "state", "nonce",
	"code_challenge", "code_challenge_method", "request", "request_uri",
)

// browserForbidden are parameters with which a browser could have the answer or
// the token go elsewhere, or be somebody else's; the configuration may set them.
var browserForbidden = set(
	"response_mode", "resource",
	"registration",                          // OpenID Connect Core 7.2.1
	"dpop_jkt",                              // RFC 9449 section 10
	"web_message_uri", "web_message_target", // where a popup's answer goes
)

// browserParamsByLeave are what a browser sets only where allow_params says so: they
// change what the token is good for, and so what a sign-in proves.
var browserParamsByLeave = set(
	paramClaims, "id_token_hint", // OpenID Connect Core 5.5 and 3.1.2.1
	"authorization_details",                                                                                 // RFC 9396
	"audience",                                                                                              // Auth0's resource
	"include_granted_scopes", "user_scope", "optional_scope", "optional_scopes", "config_id", "permissions", // vendors' further scopes
)

const (
	maxBrowserParams     = 20
	maxBrowserParamBytes = 2 << 10 // names and values together
)

// browserParamName has what no server reads as another name: PHP makes a dot, a blank
// and a bracket an underscore.
var browserParamName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// takesOverSignIn says of a parameter that it chooses where the answer goes or whose it
// is, in the words of the standards or of vendors. Servers differ in whether names have
// their case.
func takesOverSignIn(name string) bool {
	name = strings.ToLower(name)
	return protocolParams[name] || browserForbidden[name] ||
		strings.HasPrefix(name, "client_") || strings.HasPrefix(name, "code_") ||
		strings.Contains(name, "redirect") || strings.Contains(name, "callback")
}

// isBrowserParam says whether signIn() may add a parameter.
func (a authorizer) isBrowserParam(name string) bool {
	is := func(other string) bool { return strings.EqualFold(other, name) }
	switch {
	case !browserParamName.MatchString(name), takesOverSignIn(name), slices.ContainsFunc(a.config.DenyParams, is):
		return false
	case browserParamsByLeave[strings.ToLower(name)] && !slices.Contains(a.config.AllowParams, name):
		return false
	}
	for _, vendors := range a.config.ParamNames { // of the protocol's own
		if is(vendors) {
			return false
		}
	}
	for fixed, value := range a.config.Params { // what the configuration sets stays as it is
		if value != "" && is(fixed) {
			return false
		}
	}
	return true
}

// fromBrowser are the parameters of signIn() that go along, in the order of their
// names: each once, no more of them and no longer than the bounds. The others are
// told to the log, for NextAuth.js passes them all.
func (a authorizer) fromBrowser(extra url.Values) (taken []string) {
	var left []string
	size := 0
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if ownParams[name] {
			continue
		}
		value, more := extra.Get(name), size+len(name)+len(extra.Get(name))
		if len(extra[name]) != 1 || !isParamValue(value) || !a.isBrowserParam(name) || len(taken) == maxBrowserParams || more > maxBrowserParamBytes {
			left = append(left, name)
			continue
		}
		size, taken = more, append(taken, name)
	}
	if len(left) > 0 {
		a.sampled.Info("authorization parameters of a sign-in were left out: see allow_params", zap.Strings("parameters", forLog(left)))
	}
	return taken
}

// ownParams are those of the endpoint itself, which the client sends beside the others.
var ownParams = set("callbackUrl", "json", "csrfToken", "redirect")

// isParamValue bounds what a browser can put into the URL.
func isParamValue(s string) bool {
	return s != "" && len(s) <= 1024 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// forLog are names that a stranger wrote, as far as a line of the log takes them.
func forLog(names []string) []string {
	shown := make([]string, 0, maxBrowserParams)
	for _, name := range names[:min(len(names), maxBrowserParams)] {
		if !browserParamName.MatchString(name) {
			name = "(not a plain name)"
		}
		shown = append(shown, name)
	}
	return shown
}
