package signin

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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

// activeRealm is a realm at work: what requests need of it, made once from its
// configuration.
type activeRealm struct {
	name         string // of a global realm
	url          string // as it is written
	origin       string // of url, empty without one
	basePath     string
	cookieDomain string

	plain, secure *authjs.Names // of the cookies on http and on https
	// strip takes the gateway's cookies out of what goes upstream.
	strip     func(lines []string) []string
	redirects []string // further origins for return addresses, as they are written
	allowed   redirect.Allowed

	providers []providers.Provider
	byID      map[string]providers.Provider
	headers   *identity.HeaderPlan
	names     *request.HeaderNames // of identity headers, of all realms
	store     sessionstore.Store
	sessions  *session.Manager
	secrets   *keys.Source
	throttle  *throttle.Throttle

	urlSite *site    // the only site of a realm with a url
	servers sync.Map // *caddyhttp.Server → *serverSites, of a realm without
	logger  *zap.Logger
	sampled *zap.Logger // for lines that a client could repeat at will
}

// String names the realm in messages.
func (rl *activeRealm) String() string {
	switch {
	case rl.name != "":
		return fmt.Sprintf("realm %q", rl.name)
	case rl.url != "":
		return fmt.Sprintf("realm %s", rl.url)
	default:
		return "realm"
	}
}

// poolKey names the realm's state in what outlives a reload. A realm whose key
// is its public origin shares the pool of all such realms, and adds the origin
// to every key that it stores.
func (rl *activeRealm) poolKey() string {
	if rl.name != "" {
		return rl.name
	}
	return rl.origin
}

// owns reports whether a key that is in the realm's store is one of its own. A
// realm without a name or url has the key of each address that it is asked at.
func (rl *activeRealm) owns(key string) bool {
	if own := rl.poolKey(); own != "" {
		return key == own
	}
	_, err := request.ParseOrigin(key)
	return err == nil
}

func (rl *activeRealm) providerIDs() []string {
	ids := make([]string, 0, len(rl.providers))
	for _, provider := range rl.providers {
		ids = append(ids, provider.Info().ID)
	}
	return ids
}

func (rl *activeRealm) hasProvider(id string) bool { return rl.byID[id] != nil }

// actionPath returns what follows the base path of the endpoints in a request's path, cleaned as
// Caddy's matchers clean it, so that nothing under it reaches an upstream by
// another spelling.
func actionPath(requested, base string) (action string, ok bool) {
	if !strings.Contains(requested, "//") && !strings.Contains(requested, "/.") {
		return cutBase(requested, base)
	}
	return cutBase(path.Clean(caddyhttp.CleanPath(requested, true)), base)
}

func cutBase(requested, base string) (string, bool) {
	rest, ok := strings.CutPrefix(requested, base)
	if !ok || (rest != "" && rest[0] != '/') {
		return "", false
	}
	return strings.Trim(rest, "/"), true
}

var _ fmt.Stringer = (*activeRealm)(nil)
