package signin

// The stores that come with this module, each a package of its own for its
// heavy dependency: xcaddy's --with takes the root package alone.
import (
	_ "github.com/caddy-signin/caddy-signin/sessionstore/bolt"
	_ "github.com/caddy-signin/caddy-signin/sessionstore/postgres"
	_ "github.com/caddy-signin/caddy-signin/sessionstore/redis"
)
