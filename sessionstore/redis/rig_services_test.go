//go:build services

package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// load does what a configuration does that has the store: what it returns
// unloads it.
func load(t testing.TB, config string) (*store, context.CancelFunc) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	mod, err := ctx.LoadModuleByID(sessionstore.Namespace+".redis", json.RawMessage(config))
	if err != nil {
		t.Fatalf("loading the module: %v", err)
	}
	opened, err := mod.(sessionstore.Module).Open("realm")
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	return opened.(*store), cancel
}

// other is a second node: the same servers by a connection of its own.
func other(t testing.TB, s *store) *store {
	t.Helper()
	conn := newConnection(s.conn.settings)
	conn.hold(s.conn.holder())
	t.Cleanup(func() { _ = conn.Destruct() })
	return newStore(conn, s.prefix)
}

func at(r *servers.Redis) string { return fmt.Sprintf(`{"urls": [%q]}`, r.URL()) }

func urlsOf(nodes []*servers.Redis) string {
	urls := make([]string, len(nodes))
	for i, node := range nodes {
		urls[i] = fmt.Sprintf("%q", node.URL())
	}
	return strings.Join(urls, ", ")
}

// conforms runs the suite, each test in an empty database.
func conforms(t *testing.T, config string, nodes ...*servers.Redis) {
	t.Helper()
	storetest.Run(t, func(t *testing.T) sessionstore.Store {
		for _, node := range nodes {
			node.Command("FLUSHALL")
		}
		s, _ := load(t, config)
		return s
	}, storetest.WithClock(func(t *testing.T, opened sessionstore.Store, d time.Duration) {
		advance(t, opened.(*store), d, nodes)
	}))
}

// advance makes d pass: the server takes it from what every key has left, and
// the store's clock goes on. The store connects anew, so that it remembers nothing.
func advance(t *testing.T, s *store, d time.Duration, nodes []*servers.Redis) {
	t.Helper()
	for _, node := range nodes {
		node.Command("EVAL", `
for _, key in ipairs(redis.call('KEYS', '*')) do
	redis.call('PEXPIRE', key, redis.call('PTTL', key) - tonumber(ARGV[1]))
end`, "0", fmt.Sprint(d.Milliseconds()))
	}
	if live := s.conn.live.Load(); live != nil {
		s.conn.renounce(live)
	}
	passed := time.Until(s.now().Add(d))
	s.now = func() time.Time { return time.Now().Add(passed) }
}
