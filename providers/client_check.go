package providers

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// isDynamic says that a value can't be checked before it is expanded.
func isDynamic(value string) bool { return strings.Contains(value, "{") }

// check finds what can't work. It runs on what the Caddyfile says, for the line
// number in the error, and again on what is loaded; values that still hold
// placeholders are left to the second time.
func (c *ClientConfig) check(kind string) error {
	for _, find := range []func(string) error{
		c.checkPreset, c.checkIdentity, c.checkSecret, c.checkEndpoints,
		c.checkScopes, c.checkParams, c.checkChecks,
	} {
		if err := find(kind); err != nil {
			return err
		}
	}
	return c.Profile.check()
}

func (c *ClientConfig) checkPreset(kind string) error {
	if c.Preset == "" {
		return nil
	}
	row, known := presets[c.Preset]
	if !known {
		return fmt.Errorf("unknown preset %q%s", c.Preset, didYouMean(c.Preset, PresetNames()))
	}
	if row.kind != kind {
		return fmt.Errorf(`preset %q is of kind %s: write "provider": %q`, c.Preset, row.kind, row.kind)
	}
	return nil
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$`)

func (c *ClientConfig) checkIdentity(string) error {
	switch {
	case c.ID == "":
		return errors.New("id is missing: give the provider a short name of its own, such as corp")
	case !idPattern.MatchString(c.ID):
		return fmt.Errorf("id must be 1 to 64 letters, digits or . _ ~ - and begin with a letter or digit, got %q", excerpt(c.ID))
	case cleanText(c.Name) != c.Name:
		return errors.New("name must be at most 255 bytes without control characters or space around it")
	case c.ClientID == "":
		return errors.New("client_id is missing: write the one that the provider issued")
	}
	return nil
}

var authStyles = map[string]oauth2.AuthStyle{
	"client_secret_basic": oauth2.AuthStyleInHeader,
	"client_secret_post":  oauth2.AuthStyleInParams,
	"none":                oauth2.AuthStyleInParams,
}

func (c *ClientConfig) checkSecret(string) error {
	_, known := authStyles[c.ClientAuth]
	switch {
	case c.ClientAuth == "private_key_jwt" || c.ClientAuth == "client_secret_jwt":
		return fmt.Errorf("client_auth %s is not supported yet: register the client for client_secret_basic, client_secret_post or none", c.ClientAuth)
	case !known:
		return fmt.Errorf("unknown client_auth %q: write client_secret_basic, client_secret_post or none", c.ClientAuth)
	case c.ClientAuth == "none" && c.ClientSecret != "":
		return errors.New("client_auth none sends no secret: leave client_secret out, or write client_auth client_secret_basic")
	case c.ClientAuth != "none" && c.ClientSecret == "":
		return errors.New("client_secret is missing: write {env.NAME} or {file.PATH}; a public client has client_auth none instead")
	}
	return nil
}

func (c *ClientConfig) checkEndpoints(kind string) error {
	required := map[string][]struct{ name, value string }{
		kindOIDC: {{"issuer", c.Issuer}},
		kindOAuth2: {
			{"authorization_endpoint", c.AuthorizationEndpoint},
			{"token_endpoint", c.TokenEndpoint},
			{"userinfo_endpoint", c.UserinfoEndpoint},
		},
	}[kind]
	for _, field := range required {
		if field.value == "" || field.value == off {
			return fmt.Errorf("%s is missing%s", field.name, presets[c.Preset].missingHint(c))
		}
	}
	for _, field := range []struct{ name, value string }{
		{"issuer", c.Issuer},
		{"authorization_endpoint", c.AuthorizationEndpoint},
		{"token_endpoint", c.TokenEndpoint},
		{"userinfo_endpoint", c.UserinfoEndpoint},
	} {
		isOff := field.name == "userinfo_endpoint" && field.value == off
		if field.value == "" || isOff || isDynamic(field.value) {
			continue
		}
		if err := checkURL(field.value, c.InsecureHTTP); err != nil {
			return fmt.Errorf("%s %w", field.name, err)
		}
	}
	// Discovery 1.0 section 3: an issuer has neither query nor fragment.
	if strings.Contains(c.Issuer, "?") {
		return errors.New("issuer must not have a query (?): write what the provider's discovery document says as issuer")
	}
	return nil
}

// scope-token of RFC 6749 section 3.3.
var scopePattern = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`)

func (c *ClientConfig) checkScopes(kind string) error {
	for _, scope := range c.Scopes {
		if !scopePattern.MatchString(scope) {
			return fmt.Errorf("scope %q is not one scope: write one word each, as in: scopes openid email", excerpt(scope))
		}
	}
	if kind == kindOIDC && !slices.Contains(c.Scopes, "openid") {
		return errors.New("scopes must include openid, which makes the provider issue an ID token")
	}
	return nil
}

func (c *ClientConfig) checkParams(string) error {
	for name := range c.Params {
		if name == "" || protocolParams[name] {
			return fmt.Errorf("params can't set %q: that parameter is the protocol's own", name)
		}
	}
	for _, name := range c.AllowParams {
		if name == "" || protocolParams[name] || browserForbidden[name] {
			return fmt.Errorf("allow_params can't open %q to the browser: who sets it takes over the sign-in", name)
		}
	}
	return nil
}

func (c *ClientConfig) checkChecks(kind string) error {
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
