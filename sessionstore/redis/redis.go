// Package redis keeps sessions in Redis or Valkey: a single server, one watched
// by Sentinel, or a cluster. Several nodes share it: a sign-out on one is seen
// by all within milliseconds.
//
// Reads are answered from memory for as long as the server promises to say when
// a value changes (client-side caching, https://redis.io/docs/latest/develop/reference/client-side-caching/).
// When the server can't be heard for about a second, nothing is answered any
// more and every call fails within half a second, until it is back.
package redis

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func init() {
	caddy.RegisterModule(Redis{})
}

const defaultPrefix = "si:"

// Redis is the store redis: a Redis (6 or newer) or Valkey server, or several.
//
// urls, username, password and those of sentinel may hold placeholders such as
// {env.REDIS_URL} or {file./run/secrets/redis}, which are resolved when the
// configuration is loaded and don't show in it. A brace that is part of the
// value is written \{.
type Redis struct {
	// Where the servers are: redis://host:6379/0, rediss:// for TLS, or
	// unix:///path?db=0. valkey:// and valkeys:// mean the same. User name and
	// password may be in them. With sentinel they are the sentinels' addresses;
	// without it several URLs mean a cluster. Default: none, one is required.
	URLs []string `json:"urls,omitempty"`

	// Whether the one URL is a node of a cluster. Default: false, a single
	// server; always true with several URLs and no sentinel.
	Cluster bool `json:"cluster,omitempty"`

	// The sentinels that know the server. Default: none.
	Sentinel *Sentinel `json:"sentinel,omitempty"`

	// The ACL user. Default: the one in the URL, else Redis's user "default".
	Username string `json:"username,omitempty"`

	// The user's password. Default: the one in the URL, else none.
	Password string `json:"password,omitempty"`

	// How to connect by TLS, when the URLs are rediss://. Default: see its fields.
	TLS *TLS `json:"tls,omitempty"`

	// What every key begins with: 1 to 64 printable ASCII characters. Gateways
	// that share sessions have the same; others on the same server another one.
	// Default: si:
	Prefix string `json:"prefix,omitempty"`

	settings settings
	held     string // the pool's key of conn: the reference that Cleanup gives back
	conn     *connection
	holder   *holder
}

// Sentinel names a server that sentinels watch.
type Sentinel struct {
	// The name under which the sentinels know it. Default: none, required.
	Master string `json:"master,omitempty"`

	// The ACL user at the sentinels themselves. Default: none.
	Username string `json:"username,omitempty"`

	// The password at the sentinels themselves. Default: none is sent; the
	// server's own password is not.
	Password string `json:"password,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Redis) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  sessionstore.Namespace + ".redis",
		New: func() caddy.Module { return new(Redis) },
	}
}

// Provision resolves the placeholders and checks what they stand for. It
// connects to nobody.
func (r *Redis) Provision(ctx caddy.Context) error {
	if r.Prefix == "" {
		r.Prefix = defaultPrefix
	}
	settings, err := r.resolve()
	if err != nil {
		return fmt.Errorf("redis store: %w", err)
	}
	r.holder = &holder{logger: ctx.Logger()}
	if settings.secure {
		if r.holder.tls, err = r.TLS.config(ctx); err != nil {
			return fmt.Errorf("redis store: tls: %w", err)
		}
	}
	r.settings = settings
	return nil
}

// Validate refuses a prefix that can't be meant.
func (r *Redis) Validate() error {
	if err := checkPrefix(r.Prefix); err != nil {
		return fmt.Errorf("redis store: %w", err)
	}
	return nil
}

func checkPrefix(prefix string) error {
	if prefix == "" || len(prefix) > 64 || strings.ContainsFunc(prefix, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("prefix %.80q must be 1 to 64 printable ASCII characters, such as %s", prefix, defaultPrefix)
	}
	return nil
}

// connections holds one connection per set of connection options, so that
// realms share it and a reload finds the old one's.
var connections = caddy.NewUsagePool()

// Open implements [sessionstore.Module].
func (r *Redis) Open(realm string) (sessionstore.Store, error) {
	if r.conn != nil {
		return nil, fmt.Errorf("redis store of realm %q: already open", realm)
	}
	key := r.settings.key()
	v, _, err := connections.LoadOrNew(key, func() (caddy.Destructor, error) { return newConnection(r.settings), nil })
	if err != nil {
		return nil, fmt.Errorf("redis store of realm %q: %w", realm, err)
	}
	r.held, r.conn = key, v.(*connection)
	r.conn.hold(r.holder)
	return newStore(r.conn, r.Prefix), nil
}

// Cleanup gives the connection back; the last reference closes it.
func (r *Redis) Cleanup() error {
	if r.conn == nil {
		return nil
	}
	r.conn.release(r.holder)
	_, err := connections.Delete(r.held)
	return err
}

// Interface guards
var (
	_ caddy.Provisioner   = (*Redis)(nil)
	_ caddy.Validator     = (*Redis)(nil)
	_ caddy.CleanerUpper  = (*Redis)(nil)
	_ sessionstore.Module = (*Redis)(nil)
)
