package test

import (
	"crypto/tls"
	"encoding/json"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// loaded is held while a configuration is loaded, and taken before a TLS handshake
// goes on. Caddy's http app may serve before its tls app has started, and a
// handshake reads what that start writes: over QUIC, which unlike TCP gives the race
// detector no order of what is sent and received, even one after the load would be
// reported. That is also why Caddy issues no certificates here.
var loaded sync.Mutex

func init() { caddy.RegisterModule(afterLoad{}) }

// afterLoad is a matcher of handshakes that matches all.
type afterLoad struct{}

func (afterLoad) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "tls.handshake_match.after_load", New: func() caddy.Module { return new(afterLoad) }}
}

func (afterLoad) Match(*tls.ClientHelloInfo) bool {
	loaded.Lock()
	defer loaded.Unlock()
	return true
}

// orderHandshakes gives every connection policy of a configuration an afterLoad.
func orderHandshakes(t *testing.T, raw []byte) []byte {
	t.Helper()
	var config map[string]any
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	apps, _ := config["apps"].(map[string]any)
	web, _ := apps["http"].(map[string]any)
	servers, _ := web["servers"].(map[string]any)
	for _, server := range servers {
		policies, _ := server.(map[string]any)["tls_connection_policies"].([]any)
		for _, policy := range policies {
			policy := policy.(map[string]any)
			match, ok := policy["match"].(map[string]any)
			if !ok {
				match = make(map[string]any)
			}
			match["after_load"], policy["match"] = struct{}{}, match
		}
	}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var _ caddytls.ConnectionMatcher = afterLoad{}
