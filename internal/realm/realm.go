package realm

import (
	"fmt"
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/identity"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/internal/throttle"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Realm is a realm at work: what requests need of it, made once from its
// configuration.
type Realm struct {
	Name         string // of a global realm
	URL          string // as it is written
	Origin       string // of url, empty without one
	BasePath     string
	CookieDomain string

	JSONType                            string        // what the realm's dialect calls JSON
	PlainCookieNames, SecureCookieNames *authjs.Names // on http and on https
	// Strip takes the gateway's cookies out of what goes upstream.
	Strip     func(lines []string) []string
	Redirects []string // further origins for return addresses, as they are written
	Allowed   redirect.Allowed

	Providers []providers.Provider
	ByID      map[string]providers.Provider
	// GivesOutAddress says that a provider takes the realm's own address to where it is
	// used later, and by others: it must be one that no client chooses.
	GivesOutAddress bool

	Headers         *identity.HeaderPlan
	IdentityHeaders *request.HeaderNames // of all realms
	Store           sessionstore.Store
	Sessions        *session.Manager
	Secrets         *keys.Source
	Throttle        *throttle.Throttle

	URLSite *Site    // the only site of a realm with a url
	servers sync.Map // *caddyhttp.Server → *serverSites, of a realm without
	Logger  *zap.Logger
	Sampled *zap.Logger // for lines that a client could repeat at will
}

// String names the realm in messages.
func (rl *Realm) String() string {
	switch {
	case rl.Name != "":
		return fmt.Sprintf("realm %q", rl.Name)
	case rl.URL != "":
		return fmt.Sprintf("realm %s", rl.URL)
	default:
		return "realm"
	}
}

// PoolKey names the realm's state in what outlives a reload: its name, else the origin
// of its url. A realm without either shares the state of all such realms, and has the
// address that it is asked at in every key that it stores.
func (rl *Realm) PoolKey() string {
	if rl.Name != "" {
		return rl.Name
	}
	return rl.Origin
}

// Owns reports whether a key that is in the realm's store is one of its own. A
// realm without a name or url has the key of each address that it is asked at.
func (rl *Realm) Owns(key string) bool {
	if own := rl.PoolKey(); own != "" {
		return key == own
	}
	_, err := request.ParseOrigin(key)
	return err == nil
}

// ProviderIDs are the ids of the providers, in their order.
func (rl *Realm) ProviderIDs() []string {
	ids := make([]string, 0, len(rl.Providers))
	for _, provider := range rl.Providers {
		ids = append(ids, provider.Info().ID)
	}
	return ids
}

// HasProvider reports whether the realm has a provider of this id.
func (rl *Realm) HasProvider(id string) bool { return rl.ByID[id] != nil }

var _ fmt.Stringer = (*Realm)(nil)
