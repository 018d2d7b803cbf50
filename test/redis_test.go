//go:build services

package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

func TestSignInAndOutWithRedis(t *testing.T) {
	server := servers.StartRedis(t)
	t.Setenv("REDIS", server.URL())
	g := start(t, identitySite("store redis {env.REDIS}"))
	b, bystander := g.browser().signIn("alice"), g.browser().signIn("bob")
	token := b.token()
	if got := b.get("/app/"); got.status != http.StatusOK {
		t.Fatalf("a gate answers %d", got.status)
	}
	b.signOut()
	if stolen := g.browser().withToken(token); stolen.signedIn() || stolen.get("/app/").status != http.StatusUnauthorized {
		t.Error("a copy of the token still works")
	}
	if !strings.Contains(server.Command("KEYS", "si:*"), "si:") {
		t.Error("Redis holds nothing")
	}
	g.reload("", identitySite("store redis {env.REDIS} {\nprefix si:\n}"))
	if g.browser().withToken(token).signedIn() || !bystander.signedIn() {
		t.Error("a reload revived a session or ended one")
	}
}
