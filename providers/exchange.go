package providers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/oauth2"
)

// exchange redeems a code (RFC 6749 section 4.1.3) with the redirect URI and the
// PKCE verifier of its flow.
func (c *client) exchange(ctx context.Context, endpoint string, flow Flow, code string) (*oauth2.Token, error) {
	config := oauth2.Config{
		ClientID:     c.config.ClientID,
		ClientSecret: c.config.ClientSecret,
		RedirectURL:  flow.RedirectURI,
		Endpoint:     oauth2.Endpoint{TokenURL: endpoint, AuthStyle: authStyles[c.config.ClientAuth]},
	}
	var options []oauth2.AuthCodeOption
	if c.checks(checkPKCE) {
		options = append(options, oauth2.VerifierOption(flow.Verifier))
	}
	token, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, c.tokenHTTP), code, options...)
	if err != nil {
		return nil, c.exchangeError(err, flow)
	}
	if !strings.EqualFold(token.TokenType, "Bearer") {
		return nil, errors.New("the token endpoint's answer is not of token_type Bearer")
	}
	return token, nil
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

// exchangeError takes the provider's words and the codes in them out of an
// error; only the debug log gets them.
func (c *client) exchangeError(err error, flow Flow) error {
	var refused *oauth2.RetrieveError
	var call *url.Error
	switch {
	case errors.As(err, &refused):
		c.logger.Debug("the token endpoint refused the code",
			zap.Int("status", refused.Response.StatusCode),
			zap.String("error", excerpt(refused.ErrorCode)),
			zap.String("error_description", excerpt(refused.ErrorDescription)))
		if meaning, known := tokenErrors[refused.ErrorCode]; known {
			return fmt.Errorf("the token endpoint answered %s: %s (redirect URI %s)", refused.ErrorCode, meaning, flow.RedirectURI)
		}
		return fmt.Errorf("the token endpoint refused the code with status %d; the debug log has its words", refused.Response.StatusCode)
	case errors.As(err, &call):
		return fmt.Errorf("asking the token endpoint: %w", call)
	}
	return errors.New("the token endpoint's answer has no access_token, or members of the wrong type")
}

// tokenAnswer lets a token endpoint's success through only in the form of RFC
// 6749 section 5.1: status 200 and a JSON object, whatever its media type says.
type tokenAnswer struct{ next http.RoundTripper }

func (t tokenAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil || resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer has status %d, not 200", resp.StatusCode)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if !json.Valid(body) || bytes.TrimSpace(body)[0] != '{' {
		return nil, errNotObject
	}
	resp.Header.Set("Content-Type", "application/json")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}
