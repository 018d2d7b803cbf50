package oauth

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// check finds what can't work. It runs on what the Caddyfile says, for the line
// number in the error, and again on what is loaded; values that still hold
// placeholders are left to the second time.
func (c *ClientConfig) check(kind string) error {
	for _, find := range []func(c *ClientConfig, kind string) error{
		checkPreset, checkIdentity, checkOptions, checkSecret, checkEndpoints,
		checkScopes, checkParams, checkAttests, checkUserinfo, checkChecks,
	} {
		if err := find(c, kind); err != nil {
			return err
		}
	}
	return c.Profile.Check()
}

func checkPreset(c *ClientConfig, kind string) error {
	if c.Preset == "" {
		return nil
	}
	row, known := lookUp(c.Preset)
	if !known {
		return fmt.Errorf("unknown preset %q%s", c.Preset, directive.DidYouMean(c.Preset, PresetNames()))
	}
	if row.Kind != kind {
		return fmt.Errorf(`preset %q is of kind %s: write "provider": %q`, c.Preset, row.Kind, row.Kind)
	}
	return nil
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func checkIdentity(c *ClientConfig, _ string) error {
	switch {
	case c.ID == "":
		return errors.New("id is missing: give the provider a short name of its own, such as corp")
	case !idPattern.MatchString(c.ID):
		return fmt.Errorf("id must be 1 to 64 letters, digits or . _ - and begin with a letter or digit, got %q", excerpt.Of(c.ID))
	case profile.CleanText(c.Name) != c.Name:
		return errors.New("name must be at most 255 bytes without control characters or space around it")
	case c.ClientID == "":
		return errors.New("client_id is missing: write the one that the provider issued")
	}
	return nil
}

func checkEndpoints(c *ClientConfig, kind string) error {
	row, _ := lookUp(c.Preset)
	required := map[string][]endpoint{
		kindOIDC: {{"issuer", c.Issuer}},
		kindOAuth2: {
			{"authorization_endpoint", c.AuthorizationEndpoint},
			{"token_endpoint", c.TokenEndpoint},
			{"userinfo_endpoint", c.UserinfoEndpoint},
		},
	}[kind]
	for _, field := range required {
		if strings.Contains(field.url, "{issuer}") {
			field = endpoint{name: "issuer"}
		}
		if field.url == "" || field.url == profile.Off {
			return fmt.Errorf("%s is missing%s", field.name, row.missingHint(field.name, c))
		}
	}
	for _, field := range []endpoint{
		{"issuer", c.Issuer},
		{"authorization_endpoint", c.AuthorizationEndpoint},
		{"token_endpoint", c.TokenEndpoint},
		{"userinfo_endpoint", c.UserinfoEndpoint},
		{"pushed_authorization_request_endpoint", c.PushedAuthorizationRequestEndpoint},
	} {
		if err := field.check(c.InsecureHTTP); err != nil {
			return err
		}
	}
	// Discovery 1.0 section 3: an issuer has neither query nor fragment.
	if base, ok := strings.CutSuffix(c.Issuer, issuer.WellKnown); ok {
		return fmt.Errorf("issuer is not the address of the discovery document but what that says as issuer, such as %s", base)
	}
	if strings.Contains(c.Issuer, "?") {
		return errors.New("issuer must not have a query (?): write what the provider's discovery document says as issuer")
	}
	return nil
}

// endpoint is an address and the option that sets it.
type endpoint struct{ name, url string }

// check accepts what may be called, words that stand for no address, and
// what can't be told yet. Only the userinfo endpoint has places that a sign-in
// fills in, and never in its host.
func (e endpoint) check(insecure bool) error {
	isWord := e.name == "pushed_authorization_request_endpoint" && (e.url == profile.Off || e.url == discovered)
	if e.url == "" || isWord || e.name == "userinfo_endpoint" && e.url == profile.Off || isDynamic(e.url) {
		return nil
	}
	filled := e.url
	if e.name == "userinfo_endpoint" {
		filled = callPlaceholder.ReplaceAllString(e.url, "x")
	}
	if err := outgoing.CheckURL(filled, insecure); err != nil {
		return fmt.Errorf("%s %w", e.name, err)
	}
	if rest := filled[strings.Index(filled, "//")+2:]; !strings.HasPrefix(e.url[strings.Index(e.url, "//")+2:], rest[:strings.IndexAny(rest+"/", "/?")]) {
		return fmt.Errorf("%s must not have a placeholder in its host, got %q", e.name, excerpt.Of(e.url))
	}
	if strings.Contains(filled, "{") {
		return fmt.Errorf("%s can't hold {access_token} and the like", e.name)
	}
	return nil
}

// scope-token of RFC 6749 section 3.3.
var scopePattern = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`)

func checkScopes(c *ClientConfig, kind string) error {
	for _, scope := range c.Scopes {
		if !scopePattern.MatchString(scope) {
			return fmt.Errorf("scope %q is not one scope: write one word each, as in: scopes openid email", excerpt.Of(scope))
		}
	}
	for name := range c.ScopeNames {
		if !slices.Contains(c.Scopes, name) && !isRowsScope(c, name) {
			return fmt.Errorf("scope_names has %q, which is none of the scopes: write scope_names <scope>=<what the provider calls it>", excerpt.Of(name))
		}
	}
	row, _ := lookUp(c.Preset)
	isRows := len(row.defaults.Scopes) > 0 && !slices.Contains(row.defaults.Scopes, "openid")
	if kind == kindOIDC && !slices.Contains(c.Scopes, "openid") && !isRows {
		return errors.New("scopes must include openid, which makes the provider issue an ID token: write one word each, as in: scopes openid email")
	}
	return nil
}

// isRowsScope: what the preset knows of a scope may stay where others are asked for.
func isRowsScope(c *ClientConfig, name string) bool {
	row, _ := lookUp(c.Preset)
	_, known := row.defaults.ScopeNames[name]
	return known
}

func checkParams(c *ClientConfig, _ string) error {
	for name := range c.Params {
		if name == "" || protocolParams[name] {
			return fmt.Errorf("params can't set %q: that parameter is the protocol's own", name)
		}
	}
	if mode := c.Params["response_mode"]; !isDynamic(mode) && !slices.Contains([]string{"", "query", "form_post"}, mode) {
		return fmt.Errorf("params response_mode=%s is an answer that can't be read here: write form_post, or leave it out", excerpt.Of(mode))
	}
	for name := range c.TokenParams {
		if name == "" || protocolParams[name] || tokenProtocolParams[name] {
			return fmt.Errorf("token_params can't set %q: that parameter is the protocol's own", name)
		}
	}
	for name, other := range c.ParamNames {
		if !renameable[name] || !scopePattern.MatchString(other) || protocolParams[other] || tokenProtocolParams[other] && other != "client_assertion" && other != "assertion" {
			return fmt.Errorf("param_names can't call %q %q: write another name of client_id, client_secret or code, as in: param_names client_id=client_key", name, excerpt.Of(other))
		}
	}
	return checkBrowserParams(c)
}

// checkBrowserParams refuses what would open a sign-in to the browser, and lists that
// contradict each other.
func checkBrowserParams(c *ClientConfig) error {
	for _, name := range c.AllowParams {
		if name == "" || takesOverSignIn(name) {
			return fmt.Errorf("allow_params can't open %q to the browser: who sets it takes over the sign-in", name)
		}
		if slices.Contains(c.DenyParams, name) {
			return fmt.Errorf("allow_params and deny_params both name %q: leave it out of one of them", name)
		}
	}
	return nil
}

func checkChecks(c *ClientConfig, kind string) error {
	known := kindDefaults[kind].Checks
	for _, check := range c.Checks {
		if !slices.Contains(known, check) {
			return fmt.Errorf("unknown check %q of an %s provider: write %s", check, kind, strings.Join(known, " "))
		}
	}
	if !slices.Contains(c.Checks, checkState) {
		return errors.New("checks must include state, which ties the callback to the browser that began: write checks pkce state")
	}
	return nil
}
