package providers

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// A code is good for one use, so it must not go into a connection that the
// provider's server is just about to close.
func TestIdleConnectionsEndBeforeServersEndThem(t *testing.T) {
	const gunicorns = 2 * time.Second // the shortest default of those in wide use
	server := providertest.New(t)
	for name, c := range map[string]struct {
		given string
		right func(idle time.Duration) bool
	}{
		"the default": {`{}`, func(idle time.Duration) bool { return idle > 0 && idle < gunicorns }},
		"one's own":   {`{"keep_alive": {"idle_timeout": "1m"}}`, func(idle time.Duration) bool { return idle == time.Minute }},
	} {
		t.Run(name, func(t *testing.T) {
			p := loadOIDC(t, corp(server).with(config{"transport": json.RawMessage(c.given)}))
			var used struct {
				KeepAlive struct {
					IdleTimeout caddy.Duration `json:"idle_timeout"`
				} `json:"keep_alive"`
			}
			if err := json.Unmarshal(p.client.transport, &used); err != nil {
				t.Fatal(err)
			}
			if idle := time.Duration(used.KeepAlive.IdleTimeout); !c.right(idle) {
				t.Errorf("idle connections end after %s", idle)
			}
		})
	}
}
