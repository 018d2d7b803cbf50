package redis_test

import (
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/sessionstore/redis"
)

// A server that sentinels watch, as it stands behind `store` in a Caddyfile.
func ExampleRedis_UnmarshalCaddyfile() {
	store := new(redis.Redis)
	err := store.UnmarshalCaddyfile(caddyfile.NewTestDispenser(`
redis redis://one.example:26379 redis://two.example:26379 {
	sentinel sessions
	password {env.REDIS_PASSWORD}
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := json.MarshalIndent(store, "", "  ")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {
	//   "urls": [
	//     "redis://one.example:26379",
	//     "redis://two.example:26379"
	//   ],
	//   "sentinel": {
	//     "master": "sessions"
	//   },
	//   "password": "{env.REDIS_PASSWORD}"
	// }
}
