//go:build services

package test

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

// fault is something that happens to the server of a store, and ends.
type fault struct {
	begin, end func()
	// goesOn says that gates go on, and people sign in and out.
	goesOn bool
	// slow says that the server is reached by the backing's proxy.
	slow bool
}

// backing is a store with its real server, and what may happen to that.
type backing struct {
	site              func(strategy string) string
	faults            map[string]fault
	reach             func(t *testing.T, byProxy bool) // before the site is loaded
	readOnly, writing func(t *testing.T)               // writing undoes readOnly
	empty             func(t *testing.T, strategy string)
}

// backings are the stores that are servers.
var backings = map[string]func(*testing.T) backing{"redis": redisBacking, "postgres": postgresBacking}

// slowness are the faults of a proxy before a server: half a second, and more,
// is too slow for Redis, and three quarters are for PostgreSQL.
func slowness(faults map[string]fault, proxy *servers.Proxy) map[string]fault {
	for name, slow := range map[string]struct {
		by     time.Duration
		goesOn bool
	}{"slow": {3 * time.Second, false}, "a little slow": {50 * time.Millisecond, true}} {
		faults[name] = fault{
			begin: func() { proxy.Delay(slow.by) }, end: func() { proxy.Delay(0) },
			goesOn: slow.goesOn, slow: true,
		}
	}
	return faults
}

func redisBacking(t *testing.T) backing {
	t.Helper()
	// Kept on the disk, for sessions are in the store: a restart must lose none.
	server := servers.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	proxy := servers.StartProxy(t, fmt.Sprintf("127.0.0.1:%d", server.Port))
	var release func()
	return backing{
		site: func(strategy string) string {
			return identitySite("session {\nstrategy " + strategy + "\n}\nstore redis {env.REDIS} {\nprefix " + strategy + ":\n}")
		},
		faults: slowness(map[string]fault{
			"stopped":            {begin: func() { server.Stop() }, end: server.Restart},
			"killed":             {begin: func() { server.Kill() }, end: server.Restart},
			"frozen":             {begin: func() { server.Freeze() }, end: func() { server.Thaw() }},
			"out of connections": {begin: func() { release = server.TakeConnections() }, end: func() { release() }},
		}, proxy),
		reach: func(t *testing.T, byProxy bool) {
			t.Helper()
			t.Setenv("REDIS", map[bool]string{false: server.URL(), true: "redis://" + proxy.Address}[byProxy])
		},
		readOnly: func(*testing.T) { server.Command("REPLICAOF", "127.0.0.1", "1") },
		writing:  func(*testing.T) { server.Command("REPLICAOF", "NO", "ONE") },
		empty:    func(*testing.T, string) { server.Command("FLUSHALL") },
	}
}

func postgresBacking(t *testing.T) backing {
	t.Helper()
	server := servers.StartPostgres(t, "max_connections=20")
	proxy := servers.StartProxy(t, fmt.Sprintf("127.0.0.1:%d", server.Port))
	run := func(t *testing.T, statements ...string) {
		t.Helper()
		for _, statement := range statements {
			execSQL(t, server, statement, "default_transaction_read_only=off")
		}
	}
	var release func()
	return backing{
		site: func(strategy string) string {
			return identitySite("session {\nstrategy " + strategy + "\n}\nstore postgres {env.DATABASE} {\nschema " + strategy + "\n}")
		},
		faults: slowness(map[string]fault{
			"stopped":            {begin: server.Stop, end: server.Start},
			"killed":             {begin: func() { server.Kill() }, end: server.Start},
			"frozen":             {begin: server.Freeze, end: server.Thaw},
			"out of connections": {begin: func() { release = server.TakeConnections("caddy-signin") }, end: func() { release() }},
		}, proxy),
		reach: func(t *testing.T, byProxy bool) {
			t.Helper()
			t.Setenv("DATABASE", map[bool]string{false: server.DSN(), true: "postgres://postgres@" + proxy.Address + "/postgres"}[byProxy])
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
