// Package probe looks at other people's servers without anybody signing in, and says what
// an operator can do about a connection that fails.
package probe

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
)

// Reach asks the server of each URL for its first page, once. Any answer shows
// that its name resolves, that it is up and that its certificate is right; the
// URLs themselves are not asked, for they may do something.
func Reach(ctx context.Context, client *http.Client, urls ...string) []providers.Finding {
	origins := make(map[string]struct{})
	for _, raw := range urls {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			origins[u.Scheme+"://"+u.Host] = struct{}{}
		}
	}
	findings := make([]providers.Finding, 0, len(origins))
	for _, origin := range slices.Sorted(maps.Keys(origins)) {
		findings = append(findings, providers.Finding{What: "connection to " + origin, Err: Advised(answers(ctx, client, origin))})
	}
	return findings
}

func answers(ctx context.Context, client *http.Client, origin string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, origin+"/", nil)
	if err != nil {
		return outgoing.WithoutURL(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return outgoing.WithoutURL(err)
	}
	_ = resp.Body.Close() // a HEAD has none
	return nil
}

// remedies are what an operator can do about a failed connection, by what the
// error says: Caddy's transport hides the types of those of dialing.
var remedies = []struct{ says, remedy string }{
	{"answered with status 3", "redirects are not followed: is the issuer what the provider itself writes?"},
	{"x509: ", "its certificate must be for this name, not expired, and of an authority that this machine, or tls_trust_pool, trusts"},
	{"certificate", "its certificate is refused, or it wants one of ours"},
	{"first record does not look like a TLS handshake", "what answers there speaks no TLS: is the port right?"},
	{"HTTP response to HTTPS client", "what answers there speaks no TLS: is the port right?"},
	{"no such host", "is the host name right, and does this machine's resolver work?"},
	{"connection refused", "nothing listens there: is it up, and are host and port right?"},
	{"timeout", "it is too slow, or a firewall swallows what is sent"},
	{"deadline exceeded", "it is too slow, or a firewall swallows what is sent"},
	{"dial ", "does a firewall let this machine out?"},
}

// Advised adds what to do, where that is known; nil stays nil.
func Advised(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, known := range remedies {
		if strings.Contains(text, known.says) {
			return fmt.Errorf("%w (%s)", err, known.remedy)
		}
	}
	return err
}
