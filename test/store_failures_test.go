//go:build services

package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

// faults are what may happen to a server that keeps answering.
type faults struct {
	site              func(strategy string) string
	readOnly, writing func(t *testing.T) // writing undoes readOnly
	empty             func(t *testing.T, strategy string)
}

func redisFaults(t *testing.T) faults {
	t.Helper()
	server := servers.StartRedis(t)
	t.Setenv("REDIS", server.URL())
	return faults{
		site: func(strategy string) string {
			return identitySite("session {\nstrategy " + strategy + "\n}\nstore redis {env.REDIS} {\nprefix " + strategy + ":\n}")
		},
		readOnly: func(*testing.T) { server.Command("REPLICAOF", "127.0.0.1", "1") },
		writing:  func(*testing.T) { server.Command("REPLICAOF", "NO", "ONE") },
		empty:    func(*testing.T, string) { server.Command("FLUSHALL") },
	}
}

func postgresFaults(t *testing.T) faults {
	t.Helper()
	server := servers.StartPostgres(t)
	t.Setenv("DATABASE", server.DSN())
	run := func(t *testing.T, statements ...string) {
		t.Helper()
		for _, statement := range statements {
			exec(t, server, statement, "default_transaction_read_only=off")
		}
	}
	return faults{
		site: func(strategy string) string {
			return identitySite("session {\nstrategy " + strategy + "\n}\nstore postgres {$DATABASE} {\nschema " + strategy + "\n}")
		},
		readOnly: func(t *testing.T) {
			t.Helper()
			run(t, "alter system set default_transaction_read_only = on", "select pg_reload_conf()")
		},
		writing: func(t *testing.T) {
			t.Helper()
			run(t, "alter system reset default_transaction_read_only", "select pg_reload_conf()")
		},
		empty: func(t *testing.T, strategy string) {
			t.Helper()
			run(t, "truncate "+strategy+".signin_kv")
		},
	}
}

// Issue 4, part 6: the tables of docs/operations.md, for servers that answer but
// take no writes, or have lost what they had.
func TestStoresThatFailInPart(t *testing.T) {
	for name, server := range map[string]func(*testing.T) faults{"redis": redisFaults, "postgres": postgresFaults} {
		t.Run(name, func(t *testing.T) {
			f := server(t)
			for _, strategy := range []string{"jwt", "database"} {
				t.Run(strategy, func(t *testing.T) {
					g := start(t, f.site(strategy))
					takesNoWrites(t, g, f)
					losesEverything(t, g, f, strategy)
				})
			}
		})
	}
}

// takesNoWrites: gates go on, and what has to be written is answered 503, and
// is as if it had not been asked.
func takesNoWrites(t *testing.T, g *gateway, f faults) {
	t.Helper()
	b, gone := g.browser().signIn("alice"), g.browser().signIn("bob")
	copied := gone.token()
	gone.signOut()
	f.readOnly(t)
	newcomer := g.browser()
	within(t, 10*time.Second, "a server that takes no writes signs in", func() bool {
		got := newcomer.trySignIn("bob", password)
		return got.status == http.StatusServiceUnavailable && got.header.Get("Retry-After") != ""
	})
	if newcomer.token() != "" {
		t.Error("a sign-in that was not stored sets a session cookie")
	}
	token := b.token()
	got := b.post("/api/auth/signout", b.form("json", "true"))
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "error=Unavailable") || b.token() != token {
		t.Errorf("a sign-out that can't be stored is answered %d %s", got.status, got.body)
	}
	for range 3 {
		if got := b.get("/app/"); got.status != http.StatusOK {
			t.Errorf("a gate answers %d", got.status)
		}
	}
	if got := g.browser().withToken(copied).get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a session that was signed out is answered %d", got.status)
	}
	f.writing(t)
	within(t, 10*time.Second, "signing in stays out of order", func() bool {
		return newcomer.trySignIn("bob", password).status == http.StatusOK
	})
	b.signOut()
	if g.browser().withToken(token).signedIn() {
		t.Error("signing out does not hold afterwards")
	}
}

// losesEverything: sessions in the store are over, those in cookies go on, and
// of these also the ones that had been revoked.
func losesEverything(t *testing.T, g *gateway, f faults, strategy string) {
	t.Helper()
	b, gone := g.browser().signIn("alice"), g.browser().signIn("bob")
	copied := gone.token()
	gone.signOut()
	if got := b.get("/app/"); got.status != http.StatusOK { // so that it is remembered
		t.Fatalf("a gate answers %d", got.status)
	}
	f.empty(t, strategy)
	lost := map[string]int{"jwt": http.StatusOK, "database": http.StatusUnauthorized}[strategy]
	for what, one := range map[string]*browser{"a session": b, "a session that was signed out": g.browser().withToken(copied)} {
		within(t, 10*time.Second, what+" does not do what docs/operations.md says", func() bool { return one.get("/app/").status == lost })
	}
	g.browser().signIn("alice").signOut()
}
