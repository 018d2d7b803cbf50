package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// storedTokens are a provider's tokens as a store that keeps people has them,
// sealed. They name their account, so that a row opens nothing in another's place.
type storedTokens struct {
	Provider     string `json:"provider"`
	Account      string `json:"account"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	ExpiresAt    int64  `json:"expires_at,omitempty"` // Unix seconds
}

// ErrTokensTooLong says that tokens are longer than what can be opened again.
var ErrTokensTooLong = fmt.Errorf("a provider's tokens are too long to be kept: sealed they have more than %d bytes", authjs.MaxToken)

// SealTokens makes what is stored of an account's tokens.
func SealTokens(keys *keys.Ring, key sessionstore.AccountKey, tokens *providers.Tokens) ([]byte, error) {
	stored := storedTokens{
		Provider: key.Provider, Account: key.ID,
		AccessToken: tokens.Access, RefreshToken: tokens.Refresh, IDToken: tokens.ID, Scope: tokens.Scope,
	}
	if !tokens.Expires.IsZero() {
		stored.ExpiresAt = tokens.Expires.Unix()
	}
	payload, err := json.Marshal(stored) //nolint:gosec // to be sealed
	if err != nil {
		return nil, fmt.Errorf("sealing a provider's tokens: %w", err)
	}
	sealed := keys.Tokens.Seal(payload)
	if len(sealed) > authjs.MaxToken {
		return nil, ErrTokensTooLong
	}
	return []byte(sealed), nil
}

// openAccessToken is the access token in what is stored of an account, while it is
// good; else empty. What was sealed under a secret that is gone is of no use until
// the next sign-in.
func openAccessToken(keys *keys.Ring, found sessionstore.SealedTokens, now time.Time) string {
	payload, _, err := keys.Tokens.Open(string(found.Tokens))
	if err != nil {
		return ""
	}
	var stored storedTokens
	if err := json.Unmarshal([]byte(payload), &stored); err != nil || stored.Provider != found.Provider || stored.Account != found.ID {
		return ""
	}
	if stored.ExpiresAt != 0 && now.Unix() >= stored.ExpiresAt {
		return ""
	}
	return stored.AccessToken
}

// AccessToken is the access token that the session's user got at the session's
// provider by the last sign-in there; empty where there is none that is good.
func (s *Site) AccessToken(ctx context.Context, live *Session) (string, error) {
	users, ok := s.Store.(sessionstore.Users)
	if !ok || live.Claims.User == "" {
		return "", nil
	}
	ctx, done := deadline.Step(ctx)
	defer done()
	found, err := users.SealedTokens(ctx, live.Claims.Subject, live.Claims.Provider)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the access token of %s: %w", live.UserID, err)
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return "", err
	}
	return openAccessToken(keys, found, time.Now()), nil
}
