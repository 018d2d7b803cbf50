package providers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"golang.org/x/oauth2"
)

func init() {
	caddy.RegisterModule(OIDC{})
}

// OIDC signs people in at an OpenID Connect provider with the authorization
// code flow (OpenID Connect Core 1.0 section 3.1). The provider's endpoints and
// keys are discovered on first use, and again hourly: one that is down neither
// stops Caddy from starting nor needs a reload when it is back.
//
// The profile comes from the ID token; the userinfo endpoint is asked for what
// that lacks.
type OIDC struct {
	ClientConfig

	// The one algorithm that ID tokens are signed with (OpenID Connect Dynamic
	// Client Registration 1.0 section 2). HS256, with the client secret as its
	// key, is accepted only when it is named here. Default: whichever of RS256,
	// ES256, PS256 and EdDSA the provider offers.
	IDTokenSignedResponseAlg string `json:"id_token_signed_response_alg,omitempty"`

	// Audiences that an ID token may name besides this client; its azp must be
	// this client then. Default: none.
	TrustedAudiences []string `json:"trusted_audiences,omitempty"`

	client *client
	issuer *issuer
	held   *issuerKey
}

// CaddyModule returns the Caddy module information.
func (OIDC) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + "." + kindOIDC,
		New: func() caddy.Module { return new(OIDC) },
	}
}

// Provision resolves the configuration. It calls nobody.
func (p *OIDC) Provision(ctx caddy.Context) error {
	c, err := newClient(ctx, &p.ClientConfig, kindOIDC)
	if err != nil {
		return err
	}
	p.client = c
	shared, key, err := acquireIssuer(c)
	if err != nil {
		return c.named(err)
	}
	p.issuer, p.held = shared, &key
	return nil
}

// Validate refuses what can't work and warns of what weakens.
func (p *OIDC) Validate() error {
	if err := p.check(&p.client.config); err != nil {
		return p.client.named(err)
	}
	p.client.warn()
	return nil
}

func (p *OIDC) check(config *ClientConfig) error {
	if err := config.check(kindOIDC); err != nil {
		return err
	}
	alg := p.IDTokenSignedResponseAlg
	switch {
	case alg != "" && !slices.Contains(configurableAlgs, alg):
		return fmt.Errorf("unknown id_token_signed_response_alg %q: write one of %s", alg, strings.Join(configurableAlgs, " "))
	case alg == "HS256" && !isDynamic(config.ClientSecret) && len(config.ClientSecret) < 32:
		return errors.New("id_token_signed_response_alg HS256 needs a client_secret of at least 32 bytes (RFC 7518 section 3.2)")
	}
	return nil
}

// Cleanup gives the shared issuer back.
func (p *OIDC) Cleanup() error {
	if p.held == nil {
		return nil
	}
	_, err := issuers.Delete(*p.held)
	return err
}

// Info implements [Provider]. The authorization endpoint counts among what the
// browser visits once it is known; until then the issuer stands for it.
func (p *OIDC) Info() Info {
	found, _ := p.issuer.metadata.peek()
	return p.client.info(p.client.config.Issuer, p.endpoints(found).AuthorizationEndpoint)
}

// endpoints returns m with the configured endpoints in place of discovered ones.
func (p *OIDC) endpoints(m metadata) metadata {
	config := p.client.config
	override := func(discovered *string, configured string) {
		if configured != "" {
			*discovered = configured
		}
	}
	override(&m.AuthorizationEndpoint, config.AuthorizationEndpoint)
	override(&m.TokenEndpoint, config.TokenEndpoint)
	override(&m.UserinfoEndpoint, config.UserinfoEndpoint)
	if m.UserinfoEndpoint == off {
		m.UserinfoEndpoint = ""
	}
	return m
}

// Begin implements [Redirector].
func (p *OIDC) Begin(ctx context.Context, flow Flow, extra url.Values) (string, error) {
	discovered, err := p.issuer.discover(ctx, p.client.http)
	if err != nil {
		return "", p.client.named(err)
	}
	return p.client.authorizationURL(p.endpoints(discovered).AuthorizationEndpoint, flow, extra), nil
}

// Finish implements [Redirector].
func (p *OIDC) Finish(ctx context.Context, flow Flow, answer url.Values) (Account, error) {
	account, err := p.finish(ctx, flow, answer)
	if err != nil {
		return Account{}, p.client.named(err)
	}
	return account, nil
}

func (p *OIDC) finish(ctx context.Context, flow Flow, answer url.Values) (Account, error) {
	if err := p.client.refusal(answer); err != nil {
		return Account{}, err
	}
	discovered, err := p.issuer.discover(ctx, p.client.http)
	if err != nil {
		return Account{}, err
	}
	endpoints := p.endpoints(discovered)
	code, err := authorizationCode(answer, p.issuer.id, discovered.AnnouncesIss)
	if err != nil {
		return Account{}, err
	}
	token, err := p.client.exchange(ctx, endpoints.TokenEndpoint, flow, code)
	if err != nil {
		return Account{}, err
	}
	claims, err := p.verify(ctx, endpoints, flow, token)
	if err != nil {
		return Account{}, err
	}
	account, err := p.client.profile.account(claims)
	if err != nil {
		return Account{}, err
	}
	if endpoints.UserinfoEndpoint == "" || !p.client.profile.lacks(account) {
		return account, nil
	}
	return p.complete(ctx, endpoints.UserinfoEndpoint, token, claims, account)
}

// verify returns the claims of the ID token in a token answer.
func (p *OIDC) verify(ctx context.Context, endpoints metadata, flow Flow, token *oauth2.Token) (claims, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the token endpoint's answer has no id_token")
	}
	algs, err := acceptedAlgs(p.IDTokenSignedResponseAlg, endpoints.IDTokenAlgs)
	if err != nil {
		return nil, err
	}
	rules := idTokenRules{
		issuer:      p.issuer,
		client:      p.client.http,
		jwksURI:     endpoints.JWKSURI,
		algs:        algs,
		secret:      p.client.config.ClientSecret,
		clientID:    p.client.config.ClientID,
		audiences:   p.TrustedAudiences,
		accessToken: token.AccessToken,
	}
	if p.client.checks(checkNonce) {
		if flow.Nonce == "" {
			return nil, errors.New("the flow has no nonce to compare with the ID token's")
		}
		rules.nonce = flow.Nonce
	}
	claims, err := rules.verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("the ID token is refused: %w", err)
	}
	return claims, nil
}

// complete adds what the userinfo endpoint says of the same person (OpenID
// Connect Core 5.3.2). An answer that can't be had or speaks of somebody else
// ends the sign-in: a session whose groups depend on the weather would be worse.
func (p *OIDC) complete(ctx context.Context, endpoint string, token *oauth2.Token, idToken claims, account Account) (Account, error) {
	userinfo, err := p.client.userinfo(ctx, endpoint, token.AccessToken)
	if err != nil {
		return Account{}, err
	}
	if userinfo["sub"] != idToken["sub"] {
		p.client.logger.Warn("the userinfo endpoint speaks of another subject than the ID token", zap.String("endpoint", endpoint))
		return Account{}, errors.New("userinfo: its sub is not the ID token's")
	}
	rest, err := p.client.profile.details(userinfo)
	if err != nil {
		return Account{}, err
	}
	return account.complete(rest), nil
}

var (
	_ caddy.Provisioner  = (*OIDC)(nil)
	_ caddy.Validator    = (*OIDC)(nil)
	_ caddy.CleanerUpper = (*OIDC)(nil)
	_ Redirector         = (*OIDC)(nil)
)
