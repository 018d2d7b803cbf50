package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/internal/sampled"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// client is a ClientConfig at work: its placeholders resolved, its defaults
// filled in, its way to the provider open.
type client struct {
	registration
	public  bool
	profile profile.Reader
	// transport is the transport's whole configuration, for the key of what
	// providers share.
	transport json.RawMessage
	http      *http.Client
	logger    *zap.Logger
	sampled   *zap.Logger // for lines that a client could repeat at will
}

// newClient resolves a configuration, which it leaves as it is but for the
// transport, which Caddy takes out.
func newClient(ctx caddy.Context, written *ClientConfig, kind string) (*client, error) {
	config, err := written.expand()
	if err != nil {
		return nil, fmt.Errorf("provider %q: %w", written.withDefaults(kind).ID, err)
	}
	config = config.withDefaults(kind)
	row, _ := lookUp(config.Preset)
	c := &client{
		registration: registration{kind: kind, row: row, config: config},

		public:  row.isPublic(config),
		profile: config.Profile.Compile(false),
		logger:  ctx.Logger().With(zap.String("provider", config.ID)),
	}
	c.sampled = sampled.Logger(c.logger)
	if c.restrictions, err = restrictionsOf(kind, row, &config); err != nil {
		return nil, c.named(err)
	}
	c.public = c.public && !c.restrictions.closed()
	if c.http, c.transport, err = outgoing.NewClient(ctx, written, &written.TransportRaw); err != nil {
		return nil, c.named(err)
	}
	// A key that can't be read is reported by the checks.
	c.signer, _ = newSigner(&config)
	return c, nil
}

// warn tells what weakens the sign-in, once per configuration.
func (c *client) warn() {
	for _, check := range kindDefaults[c.kind].Checks {
		if !c.checks(check) {
			c.logger.Warn("a check is left out: a stolen authorization code is easier to use", zap.String("check", check))
		}
	}
	c.restrictions.warn(c.logger)
	if c.row.TokenByGET {
		c.logger.Warn("this provider demands the client secret in a URL: keep the logs of proxies on the way to it closed")
	}
	if c.config.InsecureHTTP {
		c.logger.Warn("insecure_http: whoever sits between this server and the provider can sign in as anyone")
	}
	if outgoing.VerifiesNobody(c.transport) {
		c.logger.Warn("tls_insecure_skip_verify: whoever sits between this server and the provider can sign in as anyone; name the authority with tls_trust_pool instead")
	}
}

// named tells whose error it is.
func (c *client) named(err error) error { return providers.Named(c.config.ID, err) }

// info describes the provider; reached are the URLs that a browser visits on
// its way to it.
func (c *client) info(reached ...string) providers.Info {
	info := providers.Info{
		ID: c.config.ID, Name: c.config.Name, Type: providers.TypeOAuth,
		Preset: c.config.Preset, Public: c.public,
		FormPost: c.config.Params["response_mode"] == "form_post",
	}
	for _, raw := range reached {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" {
			continue
		}
		if origin := "http://" + strings.TrimSuffix(u.Host, ":80"); !slices.Contains(info.FormActions, origin) {
			info.FormActions = append(info.FormActions, origin)
		}
	}
	return info
}

func (c *client) authorizer() authorizer {
	return authorizer{registration: &c.registration, http: c.http, logger: c.logger, sampled: c.sampled}
}

func (c *client) tokenEndpoint() tokenEndpoint {
	return tokenEndpoint{registration: &c.registration, http: c.http, logger: c.logger}
}

func (c *client) userinfoEndpoint() userinfoEndpoint {
	return userinfoEndpoint{registration: &c.registration, http: c.http}
}
