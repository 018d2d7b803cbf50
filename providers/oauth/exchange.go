package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// tokenProtocolParams are the token request's own parameters (RFC 6749 section
// 4.1.3, RFC 7636 section 4.5, RFC 7521 section 4.2).
var tokenProtocolParams = set(
	"grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier",
	"assertion", "client_assertion",
)

// renameable are the parameters for which param_names may have another name.
var renameable = set("client_id", "client_secret", "code")

// tokens are a token endpoint's answer.
type tokens struct {
	accessToken  string
	idToken      string
	refreshToken string
	answer       profile.Claims // all the rest
	granted      bool           // the answer says that every scope was granted
}

// longestLife is the longest that expires_in is believed.
const longestLife = 10 * 365 * 24 * time.Hour

// kept is what is handed on of the answer, as it came at now. Vendors send
// expires_in as a number or as text.
func (t *tokens) kept(now time.Time) *providers.Tokens {
	made := &providers.Tokens{Access: t.accessToken, Refresh: t.refreshToken, ID: t.idToken}
	made.Scope, _ = t.answer["scope"].(string)
	seconds, err := strconv.ParseFloat(fmt.Sprint(t.answer["expires_in"]), 64)
	if err == nil && seconds > 0 && seconds < longestLife.Seconds() {
		made.Expires = now.Add(time.Duration(seconds) * time.Second)
	}
	return made
}

// tokenEndpoint is where a code is exchanged for tokens.
type tokenEndpoint struct {
	*registration
	http   *http.Client
	logger *zap.Logger
}

// exchange redeems a code (RFC 6749 section 4.1.3) with the redirect URI and the
// PKCE verifier of its flow.
func (e tokenEndpoint) exchange(ctx context.Context, endpoint string, flow providers.Flow, code string) (*tokens, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {flow.RedirectURI}}
	if e.row.GrantType != "" {
		form.Set("grant_type", e.row.GrantType)
	}
	if e.checks(checkPKCE) {
		form.Set("code_verifier", flow.Verifier)
	}
	header := make(http.Header)
	if err := (clientAuth{e.registration}).authenticate(header, form, endpoint); err != nil {
		return nil, err
	}
	for name, value := range e.config.TokenParams {
		form.Set(name, value)
	}
	status, body, err := backChannel{e.http, e.config.ParamNames}.post(ctx, endpoint, header, form, e.row.TokenByGET)
	if err != nil {
		return nil, fmt.Errorf("asking the token endpoint: %w", err)
	}
	return e.readTokens(status, body, flow)
}

// readTokens accepts a success only in the form of RFC 6749 section 5.1: status
// 200 and a JSON object with an access token of type bearer, whatever its media
// type says.
func (e tokenEndpoint) readTokens(status int, body []byte, flow providers.Flow) (*tokens, error) {
	if status < 200 || status > 299 {
		return nil, e.tokenRefusal(status, body, flow)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("asking the token endpoint: the answer has status %d, not 200", status)
	}
	if !json.Valid(body) || bytes.TrimSpace(body)[0] != '{' {
		return nil, fmt.Errorf("asking the token endpoint: %w", profile.ErrNotObject)
	}
	answer, err := profile.ParseClaims(body)
	if err != nil {
		return nil, fmt.Errorf("asking the token endpoint: %w", err)
	}
	if answer.Contradiction() != nil { // whatever tokens there are beside it
		return nil, e.tokenRefusal(status, body, flow)
	}
	var found tokens
	found.accessToken, _ = answer["access_token"].(string)
	found.idToken, _ = answer["id_token"].(string)
	found.refreshToken, _ = answer["refresh_token"].(string)
	kind, typed := answer["token_type"].(string)
	_, sent := answer["token_type"]
	switch {
	case found.accessToken == "" || len(found.accessToken) > issuer.MaxToken || sent && !typed:
		return nil, errors.New("the token endpoint's answer has no access_token, or members of the wrong type")
	case !strings.EqualFold(kind, "Bearer") && (sent || !e.config.TokenTypeOptional):
		return nil, errors.New("the token endpoint's answer is not of token_type Bearer")
	}
	for _, secret := range []string{"access_token", "refresh_token", "id_token"} {
		delete(answer, secret)
	}
	found.answer = answer
	if found.granted, err = (scopeRules{e.registration}).check(answer); err != nil {
		return nil, err
	}
	return &found, nil
}

// tokenErrors say what an error code of the token endpoint (RFC 6749 section
// 5.2, and GitHub's own) means to the operator.
var tokenErrors = map[string]string{
	"invalid_request":              "it found the request malformed",
	"invalid_client":               "it doesn't accept client_id and client_secret: compare them with the registration, or set client_auth",
	"incorrect_client_credentials": "it doesn't accept client_id and client_secret: compare them with the registration",
	"invalid_grant":                "the code is used up, too old, or of another client or redirect URI",
	"bad_verification_code":        "the code is used up or too old",
	"redirect_uri_mismatch":        "the redirect URI is not registered there",
	"unauthorized_client":          "this client may not use the authorization code grant: change its registration",
	"unsupported_grant_type":       "it doesn't support the authorization code grant",
	"invalid_scope":                "it doesn't accept the scopes: set scopes",
}

// tokenRefusal takes the provider's words out of its refusal; only the debug
// log gets them.
func (e tokenEndpoint) tokenRefusal(status int, body []byte, flow providers.Flow) error {
	answer, _ := profile.ParseClaims(body)
	code, _ := answer["error"].(string)
	description, _ := answer["error_description"].(string)
	e.logger.Debug("the token endpoint refused the code", zap.Int("status", status),
		zap.String("error", excerpt.Of(code)), zap.String("error_description", excerpt.Of(description)))
	if meaning, known := tokenErrors[code]; known {
		return fmt.Errorf("the token endpoint answered %s: %s (redirect URI %s)", code, meaning, flow.RedirectURI)
	}
	return fmt.Errorf("the token endpoint refused the code with status %d; the debug log has its words", status)
}
