package oauth

import (
	"context"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/probe"
)

// Probe implements [providers.Prober]: it discovers the provider, fetches its keys where
// ID tokens are signed with some, and connects to the other endpoints' servers.
func (p *OIDC) Probe(ctx context.Context) []providers.Finding {
	found, err := p.issuer.Discover(ctx, p.client.http)
	findings := []providers.Finding{{What: "discovery of issuer " + p.client.config.Issuer, Err: probe.Advised(err)}}
	if err != nil {
		return findings
	}
	endpoints := p.endpoints(found)
	pushed, err := p.client.authorizer().pushEndpoint(found)
	if err != nil {
		findings = append(findings, providers.Finding{What: "pushed authorization requests", Err: err})
	}
	if _, err := issuer.AcceptedAlgs(p.idTokenAlg, found.IDTokenAlgs); err != nil {
		findings = append(findings, providers.Finding{What: "signatures of ID tokens", Err: err})
	}
	if p.idTokenAlg != "HS256" {
		err := p.issuer.CheckKeys(ctx, p.client.http, found)
		findings = append(findings, providers.Finding{What: "keys", Err: probe.Advised(err)})
	}
	return append(findings, probe.Reach(ctx, p.client.http, endpoints.TokenEndpoint, endpoints.UserinfoEndpoint, pushed)...)
}

// Probe implements [providers.Prober]: it connects to the servers of the endpoints. What
// they say to a client's credentials only a sign-in shows.
func (p *OAuth2) Probe(ctx context.Context) []providers.Finding {
	config := &p.client.config
	pushed, err := p.client.authorizer().pushEndpoint(issuer.Metadata{})
	if err != nil {
		pushed = "" // Validate refuses it
	}
	return probe.Reach(ctx, p.client.http, config.TokenEndpoint, config.UserinfoEndpoint, p.emailEndpoint, pushed)
}

var (
	_ providers.Prober = (*OIDC)(nil)
	_ providers.Prober = (*OAuth2)(nil)
)
