package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/profile"
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

	// Audiences that an ID token may name besides this client, "*" for any; its
	// azp must be this client then. Default: the preset's; else none.
	TrustedAudiences []string `json:"trusted_audiences,omitempty"`

	// The issuer of a provider that has one for each tenant, with {tenantid} for
	// the tenant's id, a UUID: what the discovery document may say instead of
	// issuer. An ID token must then name the issuer of the tenant in its claim
	// tid. Default: the preset's; else none.
	IssuerTemplate string `json:"issuer_template,omitempty"`

	// Where the discovery document is. Default: the preset's; else
	// /.well-known/openid-configuration below the issuer.
	DiscoveryEndpoint string `json:"discovery_endpoint,omitempty"`

	// Further query parameters of the request for the discovery document.
	// Default: the preset's.
	DiscoveryParams map[string]string `json:"discovery_params,omitempty"`

	// The one algorithm that the userinfo endpoint's answer is signed with. Such
	// an answer is a JWT instead of plain JSON (OpenID Connect Core 5.3.2).
	// Default: the preset's; else plain JSON.
	UserinfoSignedResponseAlg string `json:"userinfo_signed_response_alg,omitempty"`

	client      *client
	idTokenAlg  string // resolved
	userinfoAlg string
	audiences   []string
	issuer      *issuer.Issuer
	release     func() error // gives the issuer back
}

// CaddyModule returns the Caddy module information.
func (OIDC) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  providers.Namespace + "." + kindOIDC,
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
	p.idTokenAlg = cmp.Or(p.IDTokenSignedResponseAlg, c.row.Config.IDTokenSignedResponseAlg)
	p.userinfoAlg = cmp.Or(p.UserinfoSignedResponseAlg, c.row.Config.UserinfoSignedResponseAlg)
	if p.audiences = p.TrustedAudiences; p.audiences == nil {
		p.audiences = c.row.Config.TrustedAudiences
	}
	document, err := p.discoveryURL()
	if err != nil {
		return c.named(err)
	}
	template := p.IssuerTemplate
	if rows := c.row.values(c.config).fill(c.row.Config.IssuerTemplate); maps.Equal(hosts(rows), hosts(c.config.Issuer)) {
		template = cmp.Or(template, rows)
	}
	p.issuer, p.release, err = issuer.Acquire(issuer.Source{
		Issuer: c.config.Issuer, Template: template, Discovery: document,
		Insecure: c.config.InsecureHTTP, Transport: c.transport,
	})
	return c.named(err)
}

// discoveryURL returns the address of the discovery document.
func (p *OIDC) discoveryURL() (string, error) {
	values := p.client.row.values(p.client.config)
	endpoint := p.DiscoveryEndpoint
	if err := placeholders.Expand("discovery_endpoint", &endpoint); err != nil {
		return "", err
	}
	params := p.DiscoveryParams
	if err := placeholders.ExpandMap("discovery_params", &params); err != nil {
		return "", err
	}
	endpoint = cmp.Or(endpoint, values.fill(p.client.row.Config.DiscoveryEndpoint), issuer.DiscoveryURL(p.client.config.Issuer))
	var q query
	for _, entries := range []map[string]string{values.fillMap(p.client.row.Config.DiscoveryParams), params} {
		for _, name := range sortedKeys(entries) {
			q.add(name, entries[name])
		}
	}
	if q.encoded.Len() == 0 {
		return endpoint, nil
	}
	return q.appendTo(endpoint), nil
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
	row, _ := lookUp(config.Preset)
	alg := cmp.Or(p.IDTokenSignedResponseAlg, row.Config.IDTokenSignedResponseAlg)
	template := p.IssuerTemplate
	switch {
	case alg != "" && !slices.Contains(issuer.IDTokenAlgs(), alg):
		return fmt.Errorf("unknown id_token_signed_response_alg %q: write one of %s", alg, strings.Join(issuer.IDTokenAlgs(), " "))
	case p.UserinfoSignedResponseAlg != "" && !slices.Contains(issuer.UserinfoAlgs(), p.UserinfoSignedResponseAlg):
		return fmt.Errorf("unknown userinfo_signed_response_alg %q: write one of %s", p.UserinfoSignedResponseAlg, strings.Join(issuer.UserinfoAlgs(), " "))
	case template != "" && (strings.Count(template, issuer.TenantPlace) != 1 || outgoing.CheckURL(strings.Replace(template, issuer.TenantPlace, "x", 1), config.InsecureHTTP) != nil):
		return fmt.Errorf("issuer_template must be a URL with one %s in it, got %q", issuer.TenantPlace, excerpt.Of(template))
	case alg == "HS256" && !isDynamic(config.ClientSecret) && len(config.ClientSecret) < 32:
		return errors.New("id_token_signed_response_alg HS256 needs a client_secret of at least 32 bytes (RFC 7518 section 3.2)")
	}
	return endpoint{"discovery_endpoint", p.DiscoveryEndpoint}.check(config.InsecureHTTP)
}

// Cleanup gives the shared issuer back.
func (p *OIDC) Cleanup() error {
	if p.release == nil {
		return nil
	}
	return p.release()
}

// Info implements [providers.Provider]. The authorization endpoint counts among what the
// browser visits once it is known; until then the issuer stands for it.
func (p *OIDC) Info() providers.Info {
	info := p.client.info(p.client.config.Issuer, p.endpoints(p.issuer.Known()).AuthorizationEndpoint)
	info.OIDC = true
	return info
}

// endpoints returns m with the configured endpoints in place of discovered ones.
func (p *OIDC) endpoints(m issuer.Metadata) issuer.Metadata {
	config := p.client.config
	override := func(discovered *string, configured string) {
		if configured != "" {
			*discovered = configured
		}
	}
	override(&m.AuthorizationEndpoint, config.AuthorizationEndpoint)
	override(&m.TokenEndpoint, config.TokenEndpoint)
	override(&m.UserinfoEndpoint, config.UserinfoEndpoint)
	if m.UserinfoEndpoint == profile.Off {
		m.UserinfoEndpoint = ""
	}
	return m
}

// discover returns what the provider's discovery document says.
func (p *OIDC) discover(ctx context.Context) (issuer.Metadata, error) {
	found, err := p.issuer.Discover(ctx, p.client.http)
	if err != nil {
		return issuer.Metadata{}, fmt.Errorf("discovery of issuer %s failed: %w", p.client.config.Issuer, err)
	}
	return found, nil
}

// Begin implements [providers.Redirector].
func (p *OIDC) Begin(ctx context.Context, flow providers.Flow, extra url.Values) (string, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", p.client.named(err)
	}
	target, err := p.client.authorizer().begin(ctx, p.endpoints(found), flow, extra)
	if err != nil {
		return "", p.client.named(err)
	}
	return target, nil
}

// Refused implements [providers.Redirector].
func (p *OIDC) Refused(answer url.Values) error {
	return p.client.named(refusal(p.client.logger, answer))
}

// Finish implements [providers.Redirector].
func (p *OIDC) Finish(ctx context.Context, flow providers.Flow, answer url.Values) (providers.Account, error) {
	account, err := p.finish(ctx, flow, answer)
	if err != nil {
		return providers.Account{}, p.client.named(err)
	}
	return account, nil
}

func (p *OIDC) finish(ctx context.Context, flow providers.Flow, answer url.Values) (providers.Account, error) {
	if err := refusal(p.client.logger, answer); err != nil {
		return providers.Account{}, err
	}
	found, err := p.discover(ctx)
	if err != nil {
		return providers.Account{}, err
	}
	endpoints := p.endpoints(found)
	code, err := authorizationCode(answer, found.Issuer, found.AnnouncesIss)
	if err != nil {
		return providers.Account{}, err
	}
	token, err := p.client.tokenEndpoint().exchange(ctx, endpoints.TokenEndpoint, flow, code)
	if err != nil {
		return providers.Account{}, err
	}
	idToken, err := p.verify(ctx, endpoints, flow, token)
	if err != nil {
		return providers.Account{}, err
	}
	account, err := p.client.account(idToken, token, answer)
	if err != nil {
		return providers.Account{}, err
	}
	attested, asks := []profile.Claims{idToken.With(token.answer, nil)}, endpoints.UserinfoEndpoint != ""
	if asks && (p.client.profile.Lacks(account, idToken.With(token.answer, nil)) || !p.client.restrictions.hasValuesFor(attested[0])) {
		var userinfo profile.Claims
		if account, userinfo, err = p.complete(ctx, endpoints, token, idToken, account); err != nil {
			return providers.Account{}, err
		}
		attested = append(attested, userinfo)
	}
	p.client.noteMissing(&account, token, endpoints, asks, false)
	return account, p.client.restrictions.check(p.client.logger, flow, attested...)
}

// verify returns the claims of the ID token in a token answer.
func (p *OIDC) verify(ctx context.Context, endpoints issuer.Metadata, flow providers.Flow, token *tokens) (profile.Claims, error) {
	if token.idToken == "" {
		return nil, errors.New("the token endpoint's answer has no id_token")
	}
	algs, err := issuer.AcceptedAlgs(p.idTokenAlg, endpoints.IDTokenAlgs)
	if err != nil {
		return nil, err
	}
	rules := issuer.Rules{
		Algs: algs, Secret: p.client.config.ClientSecret, ClientID: p.client.config.ClientID,
		Audiences: p.audiences, AccessToken: token.accessToken,
	}
	if p.client.checks(checkNonce) {
		if flow.Nonce == "" {
			return nil, errors.New("the flow has no nonce to compare with the ID token's")
		}
		rules.Nonce = flow.Nonce
	}
	claims, err := p.issuer.Verify(ctx, p.client.http, endpoints, rules, token.idToken)
	if err != nil {
		return nil, fmt.Errorf("the ID token is refused: %w", err)
	}
	return claims, nil
}

// complete adds what the userinfo endpoint says of the same person, and returns
// that too (OpenID Connect Core 5.3.2). An answer that can't be had or speaks of somebody else
// ends the sign-in: a session whose groups depend on the weather would be worse.
func (p *OIDC) complete(ctx context.Context, endpoints issuer.Metadata, token *tokens, idToken profile.Claims, account providers.Account) (providers.Account, profile.Claims, error) {
	userinfo, err := p.userinfo(ctx, endpoints, token)
	if err != nil {
		return providers.Account{}, nil, err
	}
	if userinfo["sub"] != idToken["sub"] {
		p.client.logger.Warn("the userinfo endpoint speaks of another subject than the ID token", zap.String("endpoint", endpoints.UserinfoEndpoint))
		return providers.Account{}, nil, errors.New("userinfo: its sub is not the ID token's")
	}
	all := userinfo.With(token.answer, nil)
	rest, err := p.client.profile.Details(all)
	if err != nil {
		return providers.Account{}, nil, err
	}
	if account.EmailVerified && rest.Email == account.Email && p.client.profile.DeniesAddress(all) {
		return providers.Account{}, nil, errors.New("the ID token says that the address is verified, and userinfo that it isn't")
	}
	if rest.EmailVerified && rest.Email == account.Email && p.client.profile.DeniesAddress(idToken.With(token.answer, nil)) {
		return providers.Account{}, nil, errors.New("userinfo says that the address is verified, and the ID token that it isn't")
	}
	return profile.Complete(account, rest), userinfo, nil
}

// userinfo returns the userinfo endpoint's answer, with its signature checked
// where it is signed (OpenID Connect Core 5.3.2).
func (p *OIDC) userinfo(ctx context.Context, endpoints issuer.Metadata, token *tokens) (profile.Claims, error) {
	body, err := p.client.userinfoEndpoint().ask(ctx, endpoints.UserinfoEndpoint, token)
	if err != nil {
		return nil, err
	}
	var found profile.Claims
	if p.userinfoAlg == "" {
		found, err = profile.ParseClaims(body)
	} else {
		rules := issuer.Rules{Algs: []string{p.userinfoAlg}, ClientID: p.client.config.ClientID, Audiences: p.audiences}
		if found, err = p.issuer.VerifyUserinfo(ctx, p.client.http, endpoints, rules, strings.TrimSpace(string(body))); err != nil {
			return nil, fmt.Errorf("userinfo: its signed answer is refused: %w", err)
		}
	}
	if err == nil {
		err = found.Contradiction()
	}
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	return found, nil
}

var (
	_ caddy.Provisioner    = (*OIDC)(nil)
	_ caddy.Validator      = (*OIDC)(nil)
	_ caddy.CleanerUpper   = (*OIDC)(nil)
	_ providers.Redirector = (*OIDC)(nil)
)
