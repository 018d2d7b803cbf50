package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// userinfo asks an endpoint who the access token's person is, and returns the
// body of its answer.
func (c *client) userinfo(ctx context.Context, endpoint string, t *tokens) ([]byte, error) {
	req, err := c.userinfoRequest(ctx, endpoint, t)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	body, err := outgoing.Answer(c.http, req, endpoint, outgoing.MaxAnswer)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	return body, nil
}

func (c *client) userinfoRequest(ctx context.Context, endpoint string, t *tokens) (*http.Request, error) {
	values := callValues{accessToken: t.accessToken, clientID: c.config.ClientID, answer: t.answer}
	target, err := values.url(endpoint, c.config.UserinfoParams)
	if err != nil {
		return nil, err
	}
	method, body := http.MethodGet, io.Reader(nil)
	if c.config.UserinfoBody != "" {
		method, body = http.MethodPost, strings.NewReader(c.config.UserinfoBody)
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(c.config.UserinfoMethod, method), target, body)
	if err != nil {
		return nil, outgoing.WithoutURL(err)
	}
	if c.config.UserinfoBody != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	elsewhere := holdsToken(endpoint)
	for _, text := range c.config.UserinfoParams {
		elsewhere = elsewhere || holdsToken(text)
	}
	if !elsewhere {
		req.Header.Set("Authorization", "Bearer "+t.accessToken)
	}
	for name, text := range c.config.UserinfoHeaders {
		value, err := values.fill(text, unescaped)
		if err != nil {
			return nil, err
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// checkUserinfo finds userinfo requests that can't be made.
func (c *ClientConfig) checkUserinfo(string) error {
	switch method := c.UserinfoMethod; {
	case method != "" && method != http.MethodGet && method != http.MethodPost:
		return fmt.Errorf("userinfo_method must be GET or POST, got %q", excerpt.Of(method))
	case method == http.MethodGet && c.UserinfoBody != "":
		return errors.New("userinfo_method GET has no body: leave userinfo_body out, or write POST")
	case c.UserinfoBody != "" && !json.Valid([]byte(c.UserinfoBody)):
		return errors.New("userinfo_body must be JSON")
	}
	for _, name := range sortedKeys(c.UserinfoHeaders) {
		value := c.UserinfoHeaders[name]
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || ownHeaders[http.CanonicalHeaderKey(name)] {
			return fmt.Errorf("userinfo_headers can't set %q", excerpt.Of(name))
		}
	}
	return nil
}

// ownHeaders belong to the connection or the request's own making.
var ownHeaders = set("Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Cookie", "Accept-Encoding")

// addAddress sets the account's address from a list of addresses (GitHub's GET
// /user/emails), the only place that tells which are verified. The others count
// for deny.
//
// A list that can't be had or is empty costs the address, not the sign-in:
// people may hide their addresses, and an operator may not ask for the scope.
// Rules that need an address refuse such a person by themselves. (NextAuth
// fails with OAuthCallback then.)
func (c *client) addAddress(ctx context.Context, account *providers.Account, endpoint, accessToken string) {
	body, err := c.bearerJSON(ctx, endpoint, accessToken)
	if err == nil {
		err = pickAddress(account, body)
	}
	if err != nil {
		account.AddIncomplete(providers.AttributeEmail, "the list of the person's addresses can't be read: %v", err)
		c.logger.Warn("the person's e-mail addresses can't be read: signing in without a verified one", zap.Error(err))
	}
}

func (c *client) bearerJSON(ctx context.Context, endpoint, accessToken string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, outgoing.WithoutURL(err)
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	return outgoing.Answer(c.http, req, endpoint, outgoing.MaxAnswer)
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
		if address, ok := address.Normal(raw); ok && entry["verified"] != true {
			unverified[address] = true
		}
	}
	before, best := a.Email, 0
	for _, entry := range list {
		raw, isText := entry["email"].(string)
		if !isText {
			a.AddIncomplete(providers.AttributeEmail, "an entry of the person's addresses has %s as its email", profile.KindOf(entry["email"]))
		}
		address, ok := address.Normal(raw)
		rank := 0
		if !unverified[address] {
			rank += 2
		}
		if entry["primary"] == true {
			rank++
		}
		if ok && rank > best {
			best, a.Email, a.EmailVerified = rank, address, !unverified[address]
		}
	}
	a.AddOtherEmail(before)
	for _, entry := range list {
		raw, _ := entry["email"].(string)
		a.AddOtherEmail(raw)
	}
	return nil
}
