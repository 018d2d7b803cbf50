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

	"golang.org/x/net/http/httpguts"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
)

// userinfoEndpoint is where the profile is read.
type userinfoEndpoint struct {
	*registration
	http *http.Client
}

// ask asks an endpoint who the access token's person is, and returns the
// body of its answer.
func (e userinfoEndpoint) ask(ctx context.Context, endpoint string, t *tokens) ([]byte, error) {
	req, err := e.request(ctx, endpoint, t)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	body, err := outgoing.Answer(e.http, req, endpoint, outgoing.MaxAnswer)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	return body, nil
}

func (e userinfoEndpoint) request(ctx context.Context, endpoint string, t *tokens) (*http.Request, error) {
	values := callValues{accessToken: t.accessToken, clientID: e.config.ClientID, answer: t.answer}
	target, err := values.url(endpoint, e.config.UserinfoParams)
	if err != nil {
		return nil, err
	}
	method, body := http.MethodGet, io.Reader(nil)
	if e.config.UserinfoBody != "" {
		method, body = http.MethodPost, strings.NewReader(e.config.UserinfoBody)
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(e.config.UserinfoMethod, method), target, body)
	if err != nil {
		return nil, outgoing.WithoutURL(err)
	}
	if e.config.UserinfoBody != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	elsewhere := holdsToken(endpoint)
	for _, text := range e.config.UserinfoParams {
		elsewhere = elsewhere || holdsToken(text)
	}
	if !elsewhere {
		req.Header.Set("Authorization", "Bearer "+t.accessToken)
	}
	for name, text := range e.config.UserinfoHeaders {
		value, err := values.fill(text, unescaped)
		if err != nil {
			return nil, err
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// checkUserinfo finds userinfo requests that can't be made.
func checkUserinfo(c *ClientConfig, _ string) error {
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
