package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/profile"
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
		ID:  providers.Namespace + "." + kindOAuth2,
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
		p.emailEndpoint = cmp.Or(p.emailEndpoint, c.row.Config.EmailEndpoint)
	}
	if p.emailEndpoint == profile.Off {
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
	if emailEndpoint == profile.Off {
		return nil
	}
	return endpoint{"email_endpoint", emailEndpoint}.check(config.InsecureHTTP)
}

// Info implements [providers.Provider].
func (p *OAuth2) Info() providers.Info {
	return p.client.info(p.client.config.AuthorizationEndpoint)
}

// Begin implements [providers.Redirector].
func (p *OAuth2) Begin(ctx context.Context, flow providers.Flow, extra url.Values) (string, error) {
	target, err := p.client.authorizer().begin(ctx, p.endpoints(), flow, extra)
	if err != nil {
		return "", p.client.named(err)
	}
	return target, nil
}

func (p *OAuth2) endpoints() issuer.Metadata {
	config := &p.client.config
	return issuer.Metadata{AuthorizationEndpoint: config.AuthorizationEndpoint, TokenEndpoint: config.TokenEndpoint}
}

// Refused implements [providers.Redirector].
func (p *OAuth2) Refused(answer url.Values) error {
	return p.client.named(refusal(p.client.logger, answer))
}

// Finish implements [providers.Redirector].
func (p *OAuth2) Finish(ctx context.Context, flow providers.Flow, answer url.Values) (providers.Account, error) {
	account, err := p.finish(ctx, flow, answer)
	if err != nil {
		return providers.Account{}, p.client.named(err)
	}
	return account, nil
}

func (p *OAuth2) finish(ctx context.Context, flow providers.Flow, answer url.Values) (providers.Account, error) {
	if err := refusal(p.client.logger, answer); err != nil {
		return providers.Account{}, err
	}
	code, err := authorizationCode(answer, p.client.config.Issuer, false)
	if err != nil {
		return providers.Account{}, err
	}
	token, err := p.client.tokenEndpoint().exchange(ctx, p.client.config.TokenEndpoint, flow, code)
	if err != nil {
		return providers.Account{}, err
	}
	body, err := p.client.userinfoEndpoint().ask(ctx, p.client.config.UserinfoEndpoint, token)
	if err != nil {
		return providers.Account{}, err
	}
	userinfo, err := profile.ParseClaims(body)
	if err == nil {
		err = userinfo.Contradiction()
	}
	if err != nil {
		return providers.Account{}, fmt.Errorf("userinfo: %w", err)
	}
	account, err := p.client.account(userinfo, token, answer)
	if err != nil {
		return providers.Account{}, err
	}
	if err := p.client.restrictions.check(p.client.logger, flow, userinfo.With(token.answer, nil)); err != nil {
		return providers.Account{}, err
	}
	if p.emailEndpoint != "" {
		p.client.addAddress(ctx, &account, p.emailEndpoint, token.accessToken)
	}
	p.client.noteMissing(&account, token, p.endpoints(), true, p.emailEndpoint != "")
	return account, nil
}

var (
	_ caddy.Provisioner    = (*OAuth2)(nil)
	_ caddy.Validator      = (*OAuth2)(nil)
	_ providers.Redirector = (*OAuth2)(nil)
)
