package providers

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
)

// Prober is implemented by providers of which more can be checked than their
// configuration, without anybody signing in.
type Prober interface {
	Provider
	// Probe asks the other side for what every sign-in needs first (discovery
	// document, keys, a login at the mail server), and changes nothing there.
	// The findings come in a fixed order.
	Probe(ctx context.Context) []Finding
}

// Finding is one thing that a probe looked at.
type Finding struct {
	// What it was, in a few words: "discovery of issuer https://login.example".
	What string
	// Err says what is wrong, and what to do. It is nil when all is well.
	Err error
}

// Probe implements [Prober]: it discovers the provider, fetches its keys where
// ID tokens are signed with some, and connects to the other endpoints' servers.
func (p *OIDC) Probe(ctx context.Context) []Finding {
	found, err := p.issuer.find(ctx, p.client.http)
	findings := []Finding{{"discovery of issuer " + p.issuer.id, advised(err)}}
	if err != nil {
		return findings
	}
	endpoints := p.endpoints(found)
	pushed, err := p.client.pushEndpoint(found)
	if err != nil {
		findings = append(findings, Finding{"pushed authorization requests", err})
	}
	if _, err := acceptedAlgs(p.idTokenAlg, found.IDTokenAlgs); err != nil {
		findings = append(findings, Finding{"signatures of ID tokens", err})
	}
	if p.idTokenAlg != "HS256" {
		_, err := fetchKeys(ctx, p.client.http, found.JWKSURI)
		findings = append(findings, Finding{"keys", advised(err)})
	}
	return append(findings, reach(ctx, p.client.http, endpoints.TokenEndpoint, endpoints.UserinfoEndpoint, pushed)...)
}

// Probe implements [Prober]: it connects to the servers of the endpoints. What
// they say to a client's credentials only a sign-in shows.
func (p *OAuth2) Probe(ctx context.Context) []Finding {
	config := &p.client.config
	pushed, err := p.client.pushEndpoint(metadata{})
	if err != nil {
		pushed = "" // Validate refuses it
	}
	return reach(ctx, p.client.http, config.TokenEndpoint, config.UserinfoEndpoint, p.emailEndpoint, pushed)
}

// reach asks the server of each URL for its first page, once. Any answer shows
// that its name resolves, that it is up and that its certificate is right; the
// URLs themselves are not asked, for they may do something.
func reach(ctx context.Context, client *http.Client, urls ...string) []Finding {
	origins := make(map[string]struct{})
	for _, raw := range urls {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			origins[u.Scheme+"://"+u.Host] = struct{}{}
		}
	}
	findings := make([]Finding, 0, len(origins))
	for _, origin := range slices.Sorted(maps.Keys(origins)) {
		findings = append(findings, Finding{"connection to " + origin, advised(answers(ctx, client, origin))})
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

// advised adds what to do, where that is known; nil stays nil.
func advised(err error) error {
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

// Probe implements [Prober]: it asks a directory or an endpoint of the
// operator's. Users in the configuration or in a file were read already.
func (c *Credentials) Probe(ctx context.Context) []Finding { return c.backend.probe(ctx) }

func (*localUsers) probe(context.Context) []Finding { return nil }

func (e *httpEndpoint) probe(ctx context.Context) []Finding { return reach(ctx, e.client, e.url) }

// Probe implements [Prober]: it asks whether the sender takes a mail, of which
// there is none, and names nobody whom it would be for.
func (e *Email) Probe(ctx context.Context) []Finding {
	return e.sender.Probe(ctx, e.from.Address)
}

var (
	_ Prober = (*OIDC)(nil)
	_ Prober = (*OAuth2)(nil)
	_ Prober = (*Credentials)(nil)
	_ Prober = (*Email)(nil)
)
