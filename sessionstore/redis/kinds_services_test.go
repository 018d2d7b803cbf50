//go:build services

package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

func works(t *testing.T, s *store) {
	t.Helper()
	put(t, s, "k", "v")
	sees(t, other(t, s), "k", "v")
}

func TestUnixSocket(t *testing.T) {
	server := servers.StartRedis(t)
	s, _ := load(t, fmt.Sprintf(`{"urls": ["unix://%s?db=3"]}`, server.Socket))
	works(t, s)
	if got := server.Command("-n", "3", "GET", "si:k"); got != "v" {
		t.Errorf("database 3 holds %q", got)
	}
}

func TestTLS(t *testing.T) {
	server := servers.StartRedisTLS(t)
	trusting := fmt.Sprintf(`{"urls": [%q], "tls": {"ca": {"provider": "file", "pem_files": [%q]}}}`, server.URL(), server.CAFile)
	s, _ := load(t, trusting)
	works(t, s)
	named, _ := load(t, fmt.Sprintf(`{"urls": [%q], "tls": {"ca": {"provider": "file", "pem_files": [%q]}, "server_name": "elsewhere.example"}}`,
		server.URL(), server.CAFile))
	system, _ := load(t, fmt.Sprintf(`{"urls": [%q]}`, server.URL()))
	for what, untrusting := range map[string]*store{"another name": named, "the system's authorities": system} {
		// A busy machine takes longer than a call may to shake hands.
		servers.Await(t, "the refusal with "+what, func() error {
			err := untrusting.Put(t.Context(), "k", nil, inAnHour())
			switch {
			case err == nil:
				t.Errorf("with %s the server is trusted", what)
			case !strings.Contains(err.Error(), "certificate"):
				return err
			}
			return nil
		})
	}
	careless, _ := load(t, fmt.Sprintf(`{"urls": [%q], "tls": {"insecure_skip_verify": true}}`, server.URL()))
	works(t, careless)
}

// The newest configuration's certificates are those of the next connection.
func TestCertificatesAreReadAgain(t *testing.T) {
	server := servers.StartRedisTLS(t)
	conn := newConnection(settings{endpoint: endpoint{
		network: tcp, secure: true,
		addresses: []string{strings.TrimPrefix(server.URL(), "rediss://")},
	}})
	t.Cleanup(func() { _ = conn.Destruct() })
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	hold := func(options TLS) *holder {
		config, err := options.config(ctx)
		if err != nil {
			t.Fatal(err)
		}
		h := &holder{tls: config, logger: zap.NewNop()}
		conn.hold(h)
		return h
	}
	s := newStore(conn, defaultPrefix)
	hold(TLS{})
	if err := s.Put(t.Context(), "k", nil, inAnHour()); err == nil {
		t.Fatal("an unknown authority is trusted")
	}
	newer := hold(TLS{CARaw: json.RawMessage(fmt.Sprintf(`{"provider": "file", "pem_files": [%q]}`, server.CAFile))})
	servers.Await(t, "the store", func() error { return s.Put(t.Context(), "k", nil, inAnHour()) })
	conn.release(newer)
	conn.renounce(conn.live.Load())
	if err := s.Put(t.Context(), "k", nil, inAnHour()); err == nil {
		t.Error("the authority of a configuration that is gone is trusted")
	}
}

// permit makes the user gateway as docs/operations.md says, with the password
// "p@ss w/rd", and further permissions.
func permit(t *testing.T, server *servers.Redis, further ...string) {
	t.Helper()
	documentation, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(documentation), "ACL SETUSER gateway ")
	line, _, _ := strings.Cut(rest, "\n")
	if !found {
		t.Fatal("docs/operations.md lists no permissions")
	}
	rules := append([]string{"ACL", "SETUSER", "gateway"}, strings.Fields(line)...)
	for i, rule := range rules {
		if rule == ">the-password" {
			rules[i] = ">p@ss w/rd"
		}
	}
	server.Command(append(rules, further...)...)
}

// permitted checks that nothing that the store does is denied.
func permitted(t *testing.T, s *store, nodes ...*servers.Redis) {
	t.Helper()
	works(t, s)
	if err := sessionstore.Add(t.Context(), s, "added", nil, inAnHour()); err != nil {
		t.Error(err)
	}
	if err := s.List(t.Context(), "", func(string, []byte) bool { return true }); err != nil {
		t.Error(err)
	}
	group := "group" + sessionstore.GroupMark
	put(t, s, group+"a", "v")
	if err := s.List(t.Context(), group, func(key string, _ []byte) bool { return s.Delete(t.Context(), key) == nil }); err != nil {
		t.Error(err)
	}
	if s.conn.warned {
		t.Error("client-side caching is refused")
	}
	for _, node := range nodes {
		if denied := node.Command("ACL", "LOG"); denied != "" {
			t.Errorf("commands were denied: %s", denied)
		}
	}
}

func TestDocumentedPermissions(t *testing.T) {
	server := servers.StartRedis(t)
	permit(t, server)
	s, _ := load(t, fmt.Sprintf(`{"urls": ["redis://gateway:p%%40ss%%20w%%2Frd@127.0.0.1:%d"]}`, server.Port))
	permitted(t, s, server)
}

func TestDocumentedPermissionsInACluster(t *testing.T) {
	nodes := servers.StartRedisCluster(t)
	for _, node := range nodes {
		permit(t, node, "+cluster|slots")
	}
	s, _ := load(t, fmt.Sprintf(`{"urls": [%s], "username": "gateway", "password": "p@ss w/rd"}`, urlsOf(nodes)))
	permitted(t, s, nodes...)
}

func TestDocumentedPermissionsAtSentinels(t *testing.T) {
	primary := servers.StartRedis(t)
	servers.StartRedisReplica(t, primary)
	sentinel := servers.StartRedisSentinel(t, "sessions", primary)
	permit(t, primary, "+role")
	sentinel.Command("ACL", "SETUSER", "watcher", "on", ">other", "-@all", "&*", "+hello", "+ping", "+client|tracking",
		"+subscribe", "+unsubscribe", "+sentinel|sentinels", "+sentinel|get-master-addr-by-name")
	s, _ := load(t, fmt.Sprintf(`{
		"urls": [%q], "username": "gateway", "password": "p@ss w/rd",
		"sentinel": {"master": "sessions", "username": "watcher", "password": "other"}
	}`, sentinel.URL()))
	permitted(t, s, primary, sentinel)
}

func TestWrongPassword(t *testing.T) {
	server := servers.StartRedis(t)
	server.Command("ACL", "SETUSER", "gateway", "on", ">right", "~*", "+@all")
	s, _ := load(t, fmt.Sprintf(`{"urls": [%q], "username": "gateway", "password": "not the right one"}`, server.URL()))
	err := s.Put(t.Context(), "k", nil, inAnHour())
	if err == nil || !strings.Contains(err.Error(), "user name or password is wrong") || strings.Contains(err.Error(), "not the right one") {
		t.Errorf("Put = %v", err)
	}
}

func observe(s *store) *observer.ObservedLogs {
	core, logs := observer.New(zap.WarnLevel)
	s.conn.hold(&holder{logger: zap.New(core)})
	return logs
}

func TestClientSideCachingIsForbiddenLater(t *testing.T) {
	server := servers.StartRedis(t)
	server.Command("ACL", "SETUSER", "gateway", "on", "nopass", "~*", "+@all")
	s, _ := load(t, fmt.Sprintf(`{"urls": [%q], "username": "gateway"}`, server.URL()))
	logs := observe(s)
	works(t, s)
	server.Command("ACL", "SETUSER", "gateway", "-client|tracking")
	for range 3 {
		server.Command("CLIENT", "KILL", "TYPE", "normal")
		servers.Await(t, "the store", func() error { return s.Put(t.Context(), "k", []byte("v"), inAnHour()) })
	}
	sees(t, s, "k", "v")
	if n := logs.FilterMessageSnippet("refuses client-side caching").Len(); n != 1 {
		t.Errorf("%d lines say so, want 1", n)
	}
}

func TestServerThatMayDropSessions(t *testing.T) {
	server := servers.StartRedis(t, "--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru")
	s, _ := load(t, at(server))
	logs := observe(s)
	put(t, s, "k", "v")
	servers.Await(t, "a line in the log", func() error {
		if logs.FilterMessageSnippet("set maxmemory-policy noeviction").Len() != 1 {
			return errors.New("not there yet")
		}
		return nil
	})
}

func TestSentinelsElectAnotherPrimary(t *testing.T) {
	primary := servers.StartRedis(t)
	replica := servers.StartRedisReplica(t, primary)
	sentinel := servers.StartRedisSentinel(t, "sessions", primary)
	s, _ := load(t, fmt.Sprintf(`{"urls": [%q], "sentinel": {"master": "sessions"}}`, sentinel.URL()))
	reader := other(t, s)
	put(t, s, "k", "v")
	sees(t, reader, "k", "v")
	servers.Await(t, "replication", func() error {
		if got := replica.Command("GET", "si:k"); got != "v" {
			return fmt.Errorf("the replica has %q", got)
		}
		return nil
	})
	primary.Kill()
	began := time.Now()
	servers.Await(t, "a write", func() error { return s.Put(t.Context(), "k", []byte("new"), inAnHour()) })
	t.Logf("writes go on after %v", time.Since(began).Round(time.Millisecond))
	sees(t, reader, "k", "new")
	if got := replica.Command("GET", "si:k"); got != "new" {
		t.Errorf("the new primary has %q", got)
	}
}

func TestANodeOfAClusterIsFrozen(t *testing.T) {
	nodes := servers.StartRedisCluster(t)
	s, _ := load(t, fmt.Sprintf(`{"urls": [%q], "cluster": true}`, nodes[0].URL()))
	if s.conn.settings.cluster != true {
		t.Fatal("not a cluster")
	}
	for i := range 30 {
		put(t, s, fmt.Sprint(i), "v")
	}
	for _, node := range nodes {
		if node.Command("DBSIZE") == "0" {
			t.Errorf("a node has no keys")
		}
	}
	nodes[2].Freeze()
	failed := 0
	servers.Await(t, "the first answers to fail", func() error {
		failed = 0
		for i := range 30 {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if _, err := s.Get(ctx, fmt.Sprint(i)); err != nil {
				failed++
			}
			cancel()
		}
		if failed == 0 {
			return errors.New("all are answered")
		}
		return nil
	})
	nodes[2].Thaw()
	for i := range 30 {
		sees(t, s, fmt.Sprint(i), "v")
	}
}

func TestOneNodeOfAClusterAlone(t *testing.T) {
	nodes := servers.StartRedisCluster(t)
	s, _ := load(t, at(nodes[0]))
	var advice error
	for i := range 20 { // one of them lives on another node
		if err := s.Put(t.Context(), fmt.Sprint(i), nil, inAnHour()); err != nil {
			advice = err
		}
	}
	if advice == nil || !strings.Contains(advice.Error(), "add the option cluster") {
		t.Errorf("Put = %v", advice)
	}
}

func TestConfigurationsShareAConnection(t *testing.T) {
	server := servers.StartRedis(t)
	first, unloadFirst := load(t, at(server))
	second, unloadSecond := load(t, at(server))
	third, unloadThird := load(t, fmt.Sprintf(`{"urls": ["%s/1"]}`, server.URL()))
	if first.conn != second.conn || first.conn == third.conn {
		t.Error("the same options must be one connection, others another")
	}
	works := func(s *store) { t.Helper(); put(t, s, "k", "v") }
	works(first)
	works(third)
	unloadFirst()
	works(second)
	unloadSecond()
	unloadThird()
	if err := second.Put(t.Context(), "k", nil, inAnHour()); !errors.Is(err, errClosed) {
		t.Errorf("after the last configuration was unloaded, Put = %v", err)
	}
	servers.Await(t, "the connections to end", func() error {
		if list := server.Command("CLIENT", "LIST"); strings.Contains(list, clientName) {
			return errors.New(list)
		}
		return nil
	})
}
