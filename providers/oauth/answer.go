package oauth

import (
	"errors"
	"fmt"
	"net/url"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
)

// answerErrors are the error codes of RFC 6749 section 4.1.2.1 and OpenID
// Connect Core 3.1.2.6. Another one is the provider's own text.
var answerErrors = set(
	"access_denied", "invalid_request", "unauthorized_client", "unsupported_response_type",
	"invalid_scope", "server_error", "temporarily_unavailable", "interaction_required",
	"login_required", "account_selection_required", "consent_required",
)

// refusal is the provider's own error answer, or nil. The provider's words go to
// the debug log only; a code beside them is worth nothing.
func refusal(logger *zap.Logger, answer url.Values) error {
	if !answer.Has("error") {
		return nil
	}
	logger.Debug("the provider answered with an error",
		zap.String("error", excerpt.Of(answer.Get("error"))),
		zap.String("error_description", excerpt.Of(answer.Get("error_description"))))
	if code := answer.Get("error"); answerErrors[code] {
		return fmt.Errorf("%w: %s", providers.ErrProviderRefused, code)
	}
	return providers.ErrProviderRefused
}

// authorizationCode returns the code of a callback, after comparing its iss
// (RFC 9207 section 2.4). expected is empty where none is known; announced says
// that the provider always sends iss.
func authorizationCode(answer url.Values, expected string, announced bool) (string, error) {
	iss, sent := answer["iss"]
	switch {
	case !sent && announced:
		return "", errors.New("the callback lacks the iss parameter that the provider announces")
	case sent && expected != "" && (len(iss) != 1 || !issuer.Matches(expected, iss[0])):
		return "", errors.New("the callback's iss parameter is not the issuer: the answer comes from another provider")
	}
	if codes := answer["code"]; len(codes) == 1 && codes[0] != "" {
		return codes[0], nil
	}
	return "", errors.New("the callback holds no code, or several")
}
