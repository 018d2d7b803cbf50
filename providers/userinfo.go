package providers

import (
	"context"
	"encoding/json"
	"fmt"

	"go.uber.org/zap"
)

// userinfo asks an endpoint who the access token's person is.
func (c *client) userinfo(ctx context.Context, endpoint, accessToken string) (claims, error) {
	body, err := getJSON(ctx, c.http, endpoint, accessToken, maxAnswer)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	found, err := parseClaims(body)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	return found, nil
}

// addAddress sets the account's address from a list of addresses (GitHub's GET
// /user/emails), the only place that tells which are verified.
//
// A list that can't be had or is empty costs the address, not the sign-in:
// people may hide their addresses, and an operator may not ask for the scope.
// Rules that need an address refuse such a person by themselves. (NextAuth
// fails with OAuthCallback then.)
func (c *client) addAddress(ctx context.Context, account *Account, endpoint, accessToken string) {
	body, err := getJSON(ctx, c.http, endpoint, accessToken, maxAnswer)
	if err != nil {
		c.logger.Warn("the person's e-mail addresses can't be read: signing in without a verified one", zap.Error(err))
		return
	}
	if email, verified := pickAddress(body); email != "" {
		account.Email, account.EmailVerified = email, verified
	}
}

// pickAddress chooses from a list of addresses: the primary one when it is
// verified, else another verified one, else the primary one, unverified.
func pickAddress(body []byte) (email string, verified bool) {
	var list []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return "", false
	}
	best := 0
	for _, entry := range list {
		address, ok := parseAttestedEmail(entry.Email)
		if !ok {
			continue
		}
		rank := 0
		if entry.Verified {
			rank += 2
		}
		if entry.Primary {
			rank++
		}
		if rank > best {
			best, email, verified = rank, address, entry.Verified
		}
	}
	return email, verified
}
