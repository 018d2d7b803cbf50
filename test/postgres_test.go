//go:build services

package test

import (
	"net/http"
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

func TestSignInAndOutWithPostgres(t *testing.T) {
	server := servers.StartPostgres(t)
	t.Setenv("DATABASE", server.DSN())
	g := start(t, postgresSite)
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

func within(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal(what)
}
