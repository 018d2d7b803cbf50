// Package issuer knows identity providers by their issuer identifiers: it discovers their
// endpoints, keeps their keys, and verifies what they sign. It knows nothing of clients
// but the id and secret that a token is measured by.
package issuer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/internal/outgoing"
)

// Metadata is what is used of a discovery document (OpenID Connect Discovery
// 1.0 section 3, RFC 9126 section 5, RFC 9207 section 3).
type Metadata struct {
	// Issuer is the identifier, or the template of every tenant's.
	Issuer string `json:"issuer"`
	// AuthorizationEndpoint is where the browser is sent.
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	// TokenEndpoint is where the code is exchanged.
	TokenEndpoint string `json:"token_endpoint"`
	// UserinfoEndpoint is where the profile is read; empty where there is none.
	UserinfoEndpoint string `json:"userinfo_endpoint"`
	// JWKSURI is where the keys are.
	JWKSURI string `json:"jwks_uri"`
	// PAREndpoint takes authorization requests beforehand; empty where there is none.
	PAREndpoint string `json:"pushed_authorization_request_endpoint"`
	// RequiresPAR says that it takes no others.
	RequiresPAR bool `json:"require_pushed_authorization_requests"`
	// IDTokenAlgs are the algorithms that it signs ID tokens with; nil where it
	// doesn't say.
	IDTokenAlgs textOrList `json:"id_token_signing_alg_values_supported"`
	// AnnouncesIss says that every callback has the parameter iss.
	AnnouncesIss bool `json:"authorization_response_iss_parameter_supported"`
}

// textOrList is a list of texts, of which some providers write a single one without
// brackets.
type textOrList []string

// UnmarshalJSON implements [json.Unmarshaler].
func (l *textOrList) UnmarshalJSON(written []byte) error {
	var one string
	if json.Unmarshal(written, &one) == nil && one != "" {
		*l = textOrList{one}
		return nil
	}
	return json.Unmarshal(written, (*[]string)(l))
}

// issuers hold what was learnt of each issuer. They outlive a reload, so that a
// new configuration doesn't have to ask again.
var issuers = caddy.NewUsagePool()

// issuerKey tells apart what may have been learnt differently: over another
// transport, at another address, or with plain http permitted.
type issuerKey struct {
	issuer    string
	template  string
	discovery string
	insecure  bool
	transport [sha256.Size]byte
}

// Issuer is an identity provider's metadata and keys. Nothing is fetched before
// the first use. The configuration that asks lends its HTTP client.
type Issuer struct {
	id string
	// template, where there is one, is the issuer of every tenant, with
	// [TenantPlace] for the tenant.
	template  string
	discovery string // the discovery document's address
	insecure  bool
	metadata  cache[Metadata]
	keys      cache[[]jose.JSONWebKey]
}

// Destruct implements [caddy.Destructor]. A fetch under way ends by itself.
func (*Issuer) Destruct() error { return nil }

// Source is where an issuer's metadata comes from, and how.
type Source struct {
	// Issuer is its identifier.
	Issuer string
	// Template is the issuer of every tenant, with [TenantPlace] for the tenant; empty
	// where the issuer has no tenants.
	Template string
	// Discovery is the address of the discovery document.
	Discovery string
	// Insecure permits plain http.
	Insecure bool
	// Transport is the configuration of the HTTP client that asks.
	Transport []byte
}

// Acquire returns the shared issuer of a source, and what gives it back when nobody
// needs it any more.
func Acquire(from Source) (shared *Issuer, release func() error, err error) {
	key := issuerKey{from.Issuer, from.Template, from.Discovery, from.Insecure, sha256.Sum256(from.Transport)}
	loaded, _, err := issuers.LoadOrNew(key, func() (caddy.Destructor, error) {
		return &Issuer{id: key.issuer, template: from.Template, discovery: from.Discovery, insecure: key.insecure}, nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("sharing the issuer's metadata: %w", err)
	}
	release = func() error {
		_, err := issuers.Delete(key)
		return err
	}
	return loaded.(*Issuer), release, nil
}

// Known is what is known of the issuer now, without asking.
func (i *Issuer) Known() Metadata {
	found, _ := i.metadata.peek()
	return found
}

// Discover returns the issuer's metadata: what is at hand while it is fresh, else what
// its discovery document says now, else the last one for as long as it may serve in an
// outage. The caller says of an error whose discovery failed.
func (i *Issuer) Discover(ctx context.Context, client *http.Client) (Metadata, error) {
	m, _, err := i.metadata.get(ctx, func(ctx context.Context) (Metadata, error) {
		body, err := outgoing.Get(ctx, client, i.discovery, outgoing.MaxAnswer)
		if err != nil {
			return Metadata{}, err
		}
		return i.read(body)
	})
	return m, err
}

// WellKnown is where below an issuer its document is.
const WellKnown = "/.well-known/openid-configuration"

// DiscoveryURL follows OpenID Connect Discovery 1.0 section 4.1.
func DiscoveryURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + WellKnown
}

// read accepts a document that is this very issuer's (section 4.3), or one of its
// tenants', and whose endpoints can be used.
func (i *Issuer) read(document []byte) (Metadata, error) {
	var m Metadata
	if err := json.Unmarshal(document, &m); err != nil {
		return Metadata{}, errors.New("the discovery document is not the JSON object it should be")
	}
	if m.Issuer != i.id && !isTenantOf(i.template, m.Issuer) {
		if strings.TrimSuffix(m.Issuer, "/") == strings.TrimSuffix(i.id, "/") {
			return Metadata{}, fmt.Errorf("the provider writes its issuer %s: set issuer to exactly that", m.Issuer)
		}
		if strings.Contains(m.Issuer, TenantPlace) {
			return Metadata{}, fmt.Errorf("the discovery document names another issuer, which stands for every tenant: set issuer to your own tenant's, or, for people of all of them, issuer_template to %s", excerpt.Of(m.Issuer))
		}
		return Metadata{}, fmt.Errorf("the discovery document names another issuer: set issuer to %s if that is yours", excerpt.Of(m.Issuer))
	}
	for _, endpoint := range []struct {
		name, url string
		required  bool
	}{
		{"authorization_endpoint", m.AuthorizationEndpoint, true},
		{"token_endpoint", m.TokenEndpoint, true},
		{"jwks_uri", m.JWKSURI, true},
		{"userinfo_endpoint", m.UserinfoEndpoint, false},
		{"pushed_authorization_request_endpoint", m.PAREndpoint, false},
	} {
		if endpoint.url == "" {
			if endpoint.required {
				return Metadata{}, fmt.Errorf("the discovery document has no %s", endpoint.name)
			}
			continue
		}
		// An https issuer can't send us to this machine's own http services.
		if outgoing.CheckURL(endpoint.url, i.insecure) != nil || !i.insecure && i.isSecure() && !isSecure(endpoint.url) {
			return Metadata{}, fmt.Errorf("the discovery document's %s is not an https URL", endpoint.name)
		}
	}
	return m, nil
}

func (i *Issuer) isSecure() bool { return isSecure(i.id) }

func isSecure(url string) bool { return strings.HasPrefix(strings.ToLower(url), "https:") }
