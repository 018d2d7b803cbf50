package servers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// OIDCProvider is the npm package oidc-provider, a certified OpenID provider,
// with features that its clients ask for. Everyone who comes is signed in at
// once as dora.
type OIDCProvider struct {
	*Process
	// Issuer is its address.
	Issuer string
}

// StartOIDCProvider starts one with these clients, whose members are those of
// RFC 7591.
func StartOIDCProvider(t testing.TB, clients []map[string]any) *OIDCProvider {
	t.Helper()
	encoded, err := json.Marshal(clients)
	if err != nil {
		t.Fatal(err)
	}
	_, here, _, _ := runtime.Caller(0) //nolint:dogsled // only the file is wanted
	script := filepath.Join(filepath.Dir(here), "../browser/rig/features.mjs")
	port := FreePort(t)
	issuer := fmt.Sprintf("http://127.0.0.1:%d", port)
	cmd := exec.Command("node", script, fmt.Sprint(port), string(encoded))
	process := Start(t, cmd, func() error {
		resp, err := http.Get(issuer + "/.well-known/openid-configuration") // the server just started
		if err != nil {
			return fmt.Errorf("asking the provider: %w", err)
		}
		return resp.Body.Close()
	})
	return &OIDCProvider{process, issuer}
}

// Rotate replaces the provider's keys.
func (p *OIDCProvider) Rotate() {
	p.t.Helper()
	resp, err := http.Post(p.Issuer+"/rotate", "", nil) // the server of the test
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close()
}
