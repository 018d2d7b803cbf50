package ldap

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func openLDAP(t testing.TB, c config) (*Directory, error) {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var backend Backend
	if err := json.Unmarshal(raw, &backend); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	d, err := backend.Open(ctx, zap.NewNop())
	if err == nil {
		t.Cleanup(d.Close)
	}
	return d, err
}

func loadLDAP(t testing.TB, c config) *Directory {
	t.Helper()
	d, err := openLDAP(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// config is a provider's JSON.
type config = providertest.Config
