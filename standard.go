package signin

// The kinds of providers and the stores that come with this module: xcaddy's --with
// takes the root package alone, and nothing else imports them.
import (
	_ "github.com/caddy-signin/caddy-signin/providers/credentials"
	_ "github.com/caddy-signin/caddy-signin/providers/email"
	_ "github.com/caddy-signin/caddy-signin/providers/oauth"
	_ "github.com/caddy-signin/caddy-signin/sessionstore/bolt"
	_ "github.com/caddy-signin/caddy-signin/sessionstore/memory"
	_ "github.com/caddy-signin/caddy-signin/sessionstore/postgres"
	_ "github.com/caddy-signin/caddy-signin/sessionstore/redis"
)
