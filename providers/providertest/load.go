package providertest

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/providers"
)

// Config is a provider's JSON.
type Config map[string]any

// With returns a copy with more members, or others in place of its own.
func (c Config) With(more Config) Config {
	merged := maps.Clone(c)
	maps.Copy(merged, more)
	return merged
}

// Load decodes, provisions and validates a guest module of signin.providers as Caddy
// does, and cleans it up with the test.
func Load(t testing.TB, kind string, c Config) (any, error) {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	return ctx.LoadModuleByID(providers.Namespace+"."+kind, raw)
}
