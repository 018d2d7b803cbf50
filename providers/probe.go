package providers

import (
	"context"
	"fmt"
)

// Probe implements [Prober]: it discovers the provider, and fetches its keys
// where ID tokens are signed with some.
func (p *OIDC) Probe(ctx context.Context) error {
	found, err := p.issuer.discover(ctx, p.client.http)
	if err != nil {
		return p.client.named(err)
	}
	if _, err := p.client.pushEndpoint(found); err != nil {
		return p.client.named(err)
	}
	if _, err := acceptedAlgs(p.idTokenAlg, found.IDTokenAlgs); err != nil {
		return p.client.named(err)
	}
	if p.idTokenAlg == "HS256" {
		return nil
	}
	if _, err := fetchKeys(ctx, p.client.http, found.JWKSURI); err != nil {
		return p.client.named(fmt.Errorf("fetching the provider's keys: %w", err))
	}
	return nil
}

var _ Prober = (*OIDC)(nil)
