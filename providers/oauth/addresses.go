package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// addAddress sets the account's address from a list of addresses (GitHub's GET
// /user/emails), the only place that tells which are verified. The others count
// for deny.
//
// A list that can't be had or is empty costs the address, not the sign-in:
// people may hide their addresses, and an operator may not ask for the scope.
// Rules that need an address refuse such a person by themselves. (NextAuth
// fails with OAuthCallback then.)
func (c *client) addAddress(ctx context.Context, account *providers.Account, endpoint, accessToken string) {
	body, err := addressList(ctx, c.http, endpoint, accessToken)
	if err == nil {
		err = pickAddress(account, body)
	}
	if err != nil {
		account.AddIncomplete(providers.AttributeEmail, "the list of the person's addresses can't be read: %v", err)
		c.logger.Warn("the person's e-mail addresses can't be read: signing in without a verified one", zap.Error(err))
	}
}

func addressList(ctx context.Context, client *http.Client, endpoint, accessToken string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, outgoing.WithoutURL(err)
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	return outgoing.Answer(client, req, endpoint, outgoing.MaxAnswer)
}

// pickAddress chooses from a list of addresses: the primary one when it is
// verified, else another verified one, else the primary one, unverified. One that
// is listed twice is verified when each entry says so.
func pickAddress(a *providers.Account, body []byte) error {
	var list []map[string]any
	if err := json.Unmarshal(body, &list); err != nil || list == nil {
		return errors.New("the answer is not a list of objects")
	}
	if profile.HasDuplicateMember(body) {
		return profile.ErrDuplicateMember
	}
	unverified := make(map[string]bool)
	for _, entry := range list {
		raw, _ := entry["email"].(string)
		if email, ok := address.Normal(raw); ok && entry["verified"] != true {
			unverified[email] = true
		}
	}
	before, best := a.Email, 0
	for _, entry := range list {
		raw, isText := entry["email"].(string)
		if !isText {
			a.AddIncomplete(providers.AttributeEmail, "an entry of the person's addresses has %s as its email", profile.KindOf(entry["email"]))
		}
		email, ok := address.Normal(raw)
		rank := 0
		if !unverified[email] {
			rank += 2
		}
		if entry["primary"] == true {
			rank++
		}
		if ok && rank > best {
			best, a.Email, a.EmailVerified = rank, email, !unverified[email]
		}
	}
	a.AddOtherEmail(before)
	for _, entry := range list {
		raw, _ := entry["email"].(string)
		a.AddOtherEmail(raw)
	}
	return nil
}
