package providers

import (
	"bytes"
	"context"
	"encoding/json"
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

// What one call to a provider may cost. Bodies are counted after decompression.
const (
	callTimeout = 10 * time.Second
	maxAnswer   = 1 << 20
	maxKeySet   = 512 << 10
	maxHeader   = 64 << 10
)

var (
	errTooLarge        = errors.New("the answer is larger than 1 MiB")
	errNotObject       = errors.New("the answer is not a JSON object")
	errDuplicateMember = errors.New("an object in the answer has a member twice")
)

// newHTTPClient returns the client for every call to one provider. It follows
// no redirect, so that codes, secrets and tokens stay with the endpoint they
// were meant for.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// outgoing is how every request to a provider leaves.
type outgoing struct{ next http.RoundTripper }

func (o outgoing) RoundTrip(req *http.Request) (*http.Response, error) {
	// Caddy's transport keeps notes in the variables of the request it serves
	// and dials in a goroutine of its own, so it gets variables that nobody shares.
	ctx := context.WithValue(req.Context(), caddyhttp.VarsCtxKey, make(map[string]any))
	ctx = context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())
	req = req.Clone(ctx)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "caddy-signin")
	resp, err := o.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{body: resp.Body, left: maxAnswer + 1}
	return resp, nil
}

// boundedBody fails once more than maxAnswer bytes were read.
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

// getJSON returns the body of a GET that was answered with status 200. Errors
// hold nothing that the other side wrote.
func getJSON(ctx context.Context, client *http.Client, endpoint string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", endpoint, withoutURL(err))
	}
	return answerOf(client, req, endpoint, limit)
}

// answerOf returns the body of an answer with status 200. name stands for the
// request's URL in errors, for that may hold a token.
func answerOf(client *http.Client, req *http.Request, name string, limit int64) ([]byte, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", name, withoutURL(err))
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

// claims are the members of a JSON object, numbers as [json.Number].
type claims map[string]any

// parseClaims reads exactly one JSON object, in which no object has a member twice:
// readers differ in which of the two counts (RFC 8259 section 4).
func parseClaims(body []byte) (claims, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var c claims
	if err := decoder.Decode(&c); err != nil || c == nil {
		return nil, errNotObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	if hasDuplicateMember(body) {
		return nil, errDuplicateMember
	}
	return c, nil
}

// checkURL accepts what may be called: an absolute https URL, or http where
// the host is this machine or insecure is set.
func checkURL(raw string, insecure bool) error {
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
	case insecure || isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("must be an https URL, got %q; insecure_http permits plain http, over which anyone on the way reads secrets and signs in as anyone", excerpt.Of(raw))
}

// isLoopback knows the names of RFC 6761 section 6.3 and the loopback networks.
func isLoopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
