// Package outgoing makes calls to other people's servers: identity providers, mail
// services, an operator's own endpoints. It bounds what a call may cost, keeps secrets
// with the server that they are meant for, and keeps what the server writes out of
// errors.
package outgoing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
)

// What one call may cost: time, and bytes of a body after decompression.
const (
	CallTimeout = 10 * time.Second
	MaxAnswer   = 1 << 20
)

var errTooLarge = errors.New("the answer is larger than 1 MiB")

// Client returns the client for every call to one other party. It follows no
// redirect, so that codes, secrets and tokens stay with the endpoint they were meant
// for; a call may last [CallTimeout], and a body have [MaxAnswer] bytes.
func Client(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     bounded{transport},
		Timeout:       CallTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded is how every request leaves.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	// Caddy's transport keeps notes in the variables of the request it serves
	// and dials in a goroutine of its own, so it gets variables that nobody shares.
	ctx := context.WithValue(req.Context(), caddyhttp.VarsCtxKey, make(map[string]any))
	ctx = context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())
	req = req.Clone(ctx)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "caddy-signin")
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{body: resp.Body, left: MaxAnswer + 1}
	return resp, nil
}

// boundedBody fails once more than MaxAnswer bytes were read.
type boundedBody struct {
	body io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (b *boundedBody) Close() error { return b.body.Close() }

// Get returns the body, of so many bytes at most, of a GET that was answered with
// status 200. Errors hold nothing that the other side wrote.
func Get(ctx context.Context, client *http.Client, endpoint string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", endpoint, WithoutURL(err))
	}
	return Answer(client, req, endpoint, limit)
}

// Answer returns the body, of so many bytes at most, of an answer with status 200.
// name stands for the request's URL in errors, for that may hold a token.
func Answer(client *http.Client, req *http.Request, name string, limit int64) ([]byte, error) {
	resp, err := client.Do(req) //nolint:gosec // the URL is the operator's, or one that the provider which they trust names
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", name, WithoutURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered with status %d", name, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", name, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%s: the answer is larger than %d bytes", name, limit)
	}
	return body, nil
}

// CheckURL accepts what may be called: an absolute https URL, or http where
// the host is this machine or insecure is set.
func CheckURL(raw string, insecure bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return fmt.Errorf("must be an https URL, got %q", excerpt.Of(raw))
	case u.User != nil:
		return errors.New("must not hold a user name or password")
	case u.Fragment != "":
		return errors.New("must not have a fragment (#)")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("must be an https URL, got %q", excerpt.Of(raw))
	case insecure || IsLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("must be an https URL, got %q; insecure_http permits plain http, over which anyone on the way reads secrets and signs in as anyone", excerpt.Of(raw))
}

// IsLoopback says whether a host is this machine: it knows the names of RFC 6761 section 6.3 and the loopback networks.
func IsLoopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// WithoutURL keeps an error of net/http from printing the URL, which may hold
// a secret or token.
func WithoutURL(err error) error {
	if call := (*url.Error)(nil); errors.As(err, &call) {
		return call.Err
	}
	return err
}
