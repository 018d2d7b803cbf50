//go:build services

package test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

func startWithRedis(t *testing.T) (*gateway, *servers.Redis) {
	t.Helper()
	// Kept on the disk, for sessions are in the store: a restart must lose none.
	server := servers.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	t.Setenv("REDIS", server.URL())
	return start(t, identitySite("store redis {env.REDIS}")), server
}

func TestSignInAndOutWithRedis(t *testing.T) {
	g, server := startWithRedis(t)
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

// Issue 4, part 6: gates answer 503 while Redis is away, nobody is signed out
// by it, everything else goes on, and it heals by itself. What Redis has
// acknowledged it finds again.
func TestRedisFailsUnderTheGateway(t *testing.T) {
	for _, test := range []struct {
		name       string
		harm, heal func(*servers.Redis)
	}{
		{"stopped", func(r *servers.Redis) { r.Stop() }, func(r *servers.Redis) { r.Restart() }},
		{"killed", func(r *servers.Redis) { r.Kill() }, func(r *servers.Redis) { r.Restart() }},
		{"frozen", func(r *servers.Redis) { r.Freeze() }, func(r *servers.Redis) { r.Thaw() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, server := startWithRedis(t)
			b := g.browser().signIn("alice")
			if got := b.get("/app/"); got.status != http.StatusOK {
				t.Fatalf("a gate answers %d", got.status)
			}
			names := fmt.Sprint(b.cookieNames(""))
			test.harm(server)
			began := time.Now()
			servers.Await(t, "the gate", func() error {
				if got := b.get("/app/"); got.status != http.StatusServiceUnavailable {
					return fmt.Errorf("a gate answers %d", got.status)
				}
				return nil
			})
			t.Logf("503 after %v", time.Since(began).Round(time.Millisecond))
			g.shutBy(t, b)
			if now := fmt.Sprint(b.cookieNames("")); now != names {
				t.Errorf("the cookies were %s and are %s", names, now)
			}
			test.heal(server)
			began = time.Now()
			servers.Await(t, "the gate", func() error {
				if got := b.get("/app/"); got.status != http.StatusOK {
					return errors.New("still shut")
				}
				return nil
			})
			t.Logf("200 after %v", time.Since(began).Round(time.Millisecond))
			if !b.signedIn() {
				t.Error("the person was signed out")
			}
		})
	}
}

// shutBy checks what a gateway answers whose store is away.
func (g *gateway) shutBy(t *testing.T, b *browser) {
	t.Helper()
	g.echo.take()
	for name, got := range map[string]answer{"a request": b.get("/app/"), "a page view": b.visit("/app/")} {
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || len(got.header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s is answered with %d, %v", name, got.status, got.header)
		}
	}
	g.echo.none(t)
	if got := b.get("/public"); got.status != http.StatusOK {
		t.Errorf("a public route answers %d", got.status)
	}
	stranger := g.browser()
	if got := stranger.get("/public"); got.status != http.StatusOK {
		t.Errorf("a public route answers %d to a stranger", got.status)
	}
	if got := stranger.get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a gate answers %d to a stranger", got.status)
	}
	g.echo.take()
}
