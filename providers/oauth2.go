package providers

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(OAuth2{})
}

// OAuth2 signs people in at a provider of plain OAuth 2.0 (RFC 6749, RFC 7636):
// the code is exchanged for an access token, and that for the profile at the
// userinfo endpoint.
type OAuth2 struct {
	ClientConfig

	// Where the person's addresses are listed, in GitHub's form: an array of
	// objects with email, primary and verified. "off" asks nobody.
	// Default: the preset's; without a preset off.
	EmailEndpoint string `json:"email_endpoint,omitempty"`

	client        *client
	emailEndpoint string // resolved; empty: none
}

// CaddyModule returns the Caddy module information.
func (OAuth2) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + "." + kindOAuth2,
		New: func() caddy.Module { return new(OAuth2) },
	}
}

// Provision resolves the configuration. It calls nobody.
func (p *OAuth2) Provision(ctx caddy.Context) error {
	c, err := newClient(ctx, &p.ClientConfig, kindOAuth2)
	if err != nil {
		return err
	}
	p.client, p.emailEndpoint = c, p.EmailEndpoint
	if err := placeholders.Expand("email_endpoint", &p.emailEndpoint); err != nil {
		return c.named(err)
	}
	if !c.row.selfHosted(c.config) {
		setDefault(&p.emailEndpoint, c.row.emailEndpoint)
	}
	if p.emailEndpoint == off {
		p.emailEndpoint = ""
	}
	return nil
}

// Validate refuses what can't work and warns of what weakens.
func (p *OAuth2) Validate() error {
	if err := p.check(&p.client.config, p.emailEndpoint); err != nil {
		return p.client.named(err)
	}
	p.client.warn()
	return nil
}

func (p *OAuth2) check(config *ClientConfig, emailEndpoint string) error {
	if err := config.check(kindOAuth2); err != nil {
		return err
	}
	if config.PushedAuthorizationRequestEndpoint == discovered {
		return errors.New("pushed_authorization_request_endpoint must be a URL here: an oauth2 provider is not discovered")
	}
	if emailEndpoint == off {
		return nil
	}
	return endpoint{"email_endpoint", emailEndpoint}.check(config.InsecureHTTP)
}

// Info implements [Provider].
func (p *OAuth2) Info() Info {
	return p.client.info(p.client.config.AuthorizationEndpoint)
}

// Begin implements [Redirector].
func (p *OAuth2) Begin(ctx context.Context, flow Flow, extra url.Values) (string, error) {
	target, err := p.client.begin(ctx, p.endpoints(), flow, extra)
	if err != nil {
		return "", p.client.named(err)
	}
	return target, nil
}

func (p *OAuth2) endpoints() metadata {
	config := &p.client.config
	return metadata{AuthorizationEndpoint: config.AuthorizationEndpoint, TokenEndpoint: config.TokenEndpoint}
}

// Finish implements [Redirector].
func (p *OAuth2) Finish(ctx context.Context, flow Flow, answer url.Values) (Account, error) {
	account, err := p.finish(ctx, flow, answer)
	if err != nil {
		return Account{}, p.client.named(err)
	}
	return account, nil
}

func (p *OAuth2) finish(ctx context.Context, flow Flow, answer url.Values) (Account, error) {
	if err := p.client.refusal(answer); err != nil {
		return Account{}, err
	}
	code, err := authorizationCode(answer, p.client.config.Issuer, false)
	if err != nil {
		return Account{}, err
	}
	token, err := p.client.exchange(ctx, p.client.config.TokenEndpoint, flow, code)
	if err != nil {
		return Account{}, err
	}
	body, err := p.client.userinfo(ctx, p.client.config.UserinfoEndpoint, token)
	if err != nil {
		return Account{}, err
	}
	userinfo, err := parseClaims(body)
	if err == nil {
		err = userinfo.contradiction()
	}
	if err != nil {
		return Account{}, fmt.Errorf("userinfo: %w", err)
	}
	account, err := p.client.account(userinfo, token, answer)
	if err != nil {
		return Account{}, err
	}
	if err := p.client.checkAttested(flow, userinfo.with(token.answer, nil)); err != nil {
		return Account{}, err
	}
	if p.emailEndpoint != "" {
		p.client.addAddress(ctx, &account, p.emailEndpoint, token.accessToken)
	}
	p.client.noteMissing(&account, token, p.endpoints(), true, p.emailEndpoint != "")
	return account, nil
}

var (
	_ caddy.Provisioner = (*OAuth2)(nil)
	_ caddy.Validator   = (*OAuth2)(nil)
	_ Redirector        = (*OAuth2)(nil)
)
