//go:build services

package test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

// postgresSite keeps its state in the database whose dsn is {$DATABASE}.
const postgresSite = `
http://localhost:{$HTTP} {
	signin {
		secret {$SECRET}
		store postgres {$DATABASE} {
			schema auth
		}
		{$USERS}
	}
	handle /app/* {
		require_signin
		reverse_proxy {$ECHO}
	}
	handle {
		respond "open"
	}
}
`

func TestPostgres(t *testing.T) {
	server := servers.StartPostgres(t)
	t.Setenv("DATABASE", server.DSN())
	g := start(t, postgresSite)
	for name, test := range map[string]func(t *testing.T, g *gateway, server *servers.Postgres){
		"sign-in and sign-out":  signsInAndOut,
		"the server is stopped": func(t *testing.T, g *gateway, s *servers.Postgres) { survives(t, g, s.Stop, s.Start) },
		"the server is killed":  func(t *testing.T, g *gateway, s *servers.Postgres) { survives(t, g, s.Kill, s.Start) },
		"the server is frozen":  func(t *testing.T, g *gateway, s *servers.Postgres) { survives(t, g, s.Freeze, s.Thaw) },
	} {
		t.Run(name, func(t *testing.T) { test(t, g, server) })
	}
}

func signsInAndOut(t *testing.T, g *gateway, _ *servers.Postgres) {
	b := g.browser().signIn("alice")
	copied := b.token()
	if got := b.get("/app/"); got.status != http.StatusOK {
		t.Fatalf("a gate answers %d", got.status)
	}
	b.signOut()
	if got := g.browser().withToken(copied).get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a copy answers %d after sign-out", got.status)
	}
	// The revocation is in the database, so another configuration knows it.
	g.reload("", strings.Replace(postgresSite, `respond "open"`, `respond "open again"`, 1))
	if got := g.browser().withToken(copied).get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a copy answers %d after a reload", got.status)
	}
}

// survives checks what a gate does while the server is away: it stays shut, says
// so in time, and signs nobody out.
func survives(t *testing.T, g *gateway, away, back func()) {
	b := g.browser().signIn("alice")
	gone := g.browser().signIn("bob")
	revoked := gone.token()
	gone.signOut()
	token := b.token()
	away()
	var slowest time.Duration
	shut := func() bool {
		asked := time.Now()
		got := b.get("/app/")
		slowest = max(slowest, time.Since(asked))
		if len(got.header["Set-Cookie"]) > 0 {
			t.Errorf("an answer %d sets a cookie: %v", got.status, got.header["Set-Cookie"])
		}
		seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
		return got.status == http.StatusServiceUnavailable && err == nil && seconds > 0
	}
	within(t, 10*time.Second, "gates stay open", shut)
	if slowest > 5*time.Second { // a bound against hanging; 2 s are what is meant
		t.Errorf("an answer took %v", slowest)
	}
	if got := g.browser().get("/open"); got.status != http.StatusOK {
		t.Errorf("an open route answers %d", got.status)
	}
	if got := g.browser().withToken(revoked).get("/app/"); got.status == http.StatusOK {
		t.Error("a session that was revoked passes while the store is away")
	}
	t.Logf("the slowest answer took %v", slowest)
	back()
	began := time.Now()
	within(t, 20*time.Second, "gates don't open again", func() bool { return b.get("/app/").status == http.StatusOK })
	t.Logf("gates opened again after %v", time.Since(began))
	if b.token() != token {
		t.Error("the session's cookie has changed")
	}
	if got := g.browser().withToken(revoked).get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a session that was revoked answers %d afterwards", got.status)
	}
}

func within(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal(what)
}
