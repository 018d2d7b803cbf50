package signin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/flow"
	"github.com/caddy-signin/caddy-signin/internal/identity"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/sampled"
	"github.com/caddy-signin/caddy-signin/providers"
)

// Rule is one condition on a signed-in person, in gates and in allow and deny.
type Rule = access.Rule

// IdentityHeaders are the request headers by which a gate tells the upstream who
// is signed in.
type IdentityHeaders = identity.Headers

// Realm is one identity domain: its public address, secret, providers, session
// rules and store. Sites that refer to one realm share sign-ins; another
// realm's sessions mean nothing to it, even under the same secret.
type Realm struct {
	// The public address: scheme, host and port, without a path. Required where a
	// site's host is a wildcard or a placeholder of the request, and the realm has
	// providers that mail links or that the browser is sent to. Default: the
	// address asked, when a host matcher of the server names it (or it is a
	// loopback address asked from this machine).
	URL string `json:"url,omitempty"`

	// The domain whose hosts share the session, such as example.com: every host
	// in it receives the session cookie. It needs url, at whose host the pages
	// are. Default: the session is the host's alone.
	CookieDomain string `json:"cookie_domain,omitempty"`

	// The path under which the endpoints are served. Default: /api/auth.
	BasePath string `json:"base_path,omitempty"`

	// The secrets, each of at least 32 bytes: the first seals, all of them
	// open. Placeholders such as {env.AUTH_SECRET} are expanded. Default: one
	// is generated on first use and kept in Caddy's storage.
	Secrets []string `json:"secrets,omitempty"`

	// Which generation of NextAuth's client the endpoints speak to: next-auth (v4)
	// or authjs (v5): the cookies' names, the session token's format, and the
	// answers. Default: next-auth.
	Dialect string `json:"dialect,omitempty"`

	// Whether the session cookie goes on to the upstream: strip or pass.
	// Default: strip.
	UpstreamCookies string `json:"upstream_cookies,omitempty"`

	// Where server-side state is kept. Default: bolt, a file in Caddy's data
	// directory.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=signin.stores inline_key=store"`

	// How long sessions live. Default: see its fields.
	Session SessionConfig `json:"session,omitzero"`

	// The ways to sign in, in the order that the sign-in page shows them.
	// Default: none, which is refused.
	ProvidersRaw []json.RawMessage `json:"providers,omitempty" caddy:"namespace=signin.providers inline_key=provider"`

	// Who may come in: any rule admits. It holds at sign-in and on every
	// request. Default: everyone that the providers let in.
	Allow []access.Rule `json:"allow,omitempty"`

	// Who may not, even if allowed; unverified e-mail addresses count too.
	// Default: nobody.
	Deny []access.Rule `json:"deny,omitempty"`

	// Further origins that a callbackUrl may name, such as
	// https://docs.example.com or https://*.example.org. Default: none.
	Redirect []string `json:"redirect,omitempty"`

	// The headers by which gates tell the upstream who the user is.
	// Default: the set remote.
	IdentityHeaders identity.Headers `json:"identity_headers,omitzero"`

	// What the user name is: id, email or login. Default: the login name for
	// credentials, else the verified e-mail address, else the id.
	Username string `json:"username,omitempty"`

	// The site's own pages instead of the built-in ones. Default: built-in.
	Pages Pages `json:"pages,omitzero"`

	active    *realm.Realm // what provision makes of it
	endpoints *flow.Endpoints
	pooled    bool // the open streams have to be given back
	// written are digests of the providers' options, and tells is what they say of
	// people, by id.
	written map[string]string
	tells   map[string]providers.Parts
}

// Pages are the site's own pages, each a path on the site or an absolute URL.
type Pages struct {
	// Default: the built-in sign-in page.
	SignIn string `json:"signin,omitempty"`
	// Default: the built-in sign-out page.
	SignOut string `json:"signout,omitempty"`
	// Default: the built-in error page.
	Error string `json:"error,omitempty"`
	// Default: the built-in page that says to look for the e-mail.
	VerifyRequest string `json:"verify_request,omitempty"`
	// Where a person's first sign-in leads. Default: where any sign-in leads.
	NewUser string `json:"new_user,omitempty"`
}

const defaultBasePath = "/api/auth"

// provision makes the realm at work, and its endpoints. It does no I/O: caddy
// validate provisions too. name is empty for a realm written in place.
func (rl *Realm) provision(ctx caddy.Context, name string) error {
	logger := ctx.Logger()
	rl.active = &realm.Realm{
		Name: name, URL: rl.URL, Redirects: rl.Redirect,
		BasePath: cmp.Or(rl.BasePath, defaultBasePath),
		Logger:   logger, Sampled: sampled.Logger(logger),
	}
	if err := rl.provisionParts(ctx); err != nil {
		return fmt.Errorf("%s: %w", rl.active, err)
	}
	return nil
}

func (rl *Realm) provisionParts(ctx caddy.Context) error {
	written := slices.Clone(rl.ProvidersRaw) // Caddy takes them out
	ids, err := rl.loadProviders(ctx)
	if err != nil {
		return err
	}
	if err := rl.check(ids, written); err != nil {
		return err
	}
	rl.tells = tellsOf(ids, written)
	rl.written = make(map[string]string, len(ids))
	for i, id := range ids {
		rl.written[id] = keys.Digest(string(written[i]))
	}
	rl.active.Sessions = rl.newSessions()
	for _, step := range []func(caddy.Context) error{
		rl.provisionAddress, rl.provisionStrategy, rl.provisionStore, rl.provisionStreams,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if rl.active.Sessions.Admission, err = newAdmission(rl.Allow, rl.Deny, rl.tells); err != nil {
		return err
	}
	if err := rl.provisionHeaders(); err != nil {
		return err
	}
	return rl.provisionSecrets(ctx)
}

func (rl *Realm) provisionHeaders() error {
	plan, err := rl.IdentityHeaders.Plan()
	if err != nil {
		return fmt.Errorf("identity_headers: %w", err)
	}
	rl.active.Headers, rl.active.IdentityHeaders = plan, identity.DefaultIdentity()
	rl.active.IdentityHeaders.Add(plan.Names...)
	return nil
}

func (rl *Realm) provisionSecrets(ctx caddy.Context) error {
	active := rl.active
	secrets := make([]string, len(rl.Secrets))
	for i, value := range rl.Secrets {
		secrets[i] = value
		if err := directive.Expand(fmt.Sprintf("secret: value %d", i+1), &secrets[i]); err != nil {
			return err
		}
	}
	source, err := keys.NewSource(secrets, []*authjs.Names{active.PlainCookieNames, active.SecureCookieNames}, ctx.Storage(), active.Logger)
	if err != nil {
		return err
	}
	active.Secrets = source
	if active.Origin != "" {
		active.URLSite = active.NewSite(active.Origin, active.SecretName(""))
	}
	return nil
}

// cleanup gives back what provisioning took, of a realm that may have failed
// half-way.
func (rl *Realm) cleanup() error {
	if rl == nil || !rl.pooled {
		return nil
	}
	rl.pooled = false
	_, err := streamPool.Delete(rl.active.PoolKey())
	return err
}
