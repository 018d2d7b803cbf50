package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Redis is a redis-server that keeps nothing on disk. It is also reached by a
// Unix socket, where it asks for no password.
type Redis struct {
	*Process

	Port   int // of plain TCP, 0 with TLS
	Socket string

	t         testing.TB
	arguments []string
}

// StartRedis starts a server with further arguments of redis-server.
func StartRedis(t testing.TB, arguments ...string) *Redis {
	t.Helper()
	dir := shortDir(t)
	r := &Redis{t: t, Port: FreePort(t), Socket: filepath.Join(dir, "redis.sock")}
	r.arguments = append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.Port), "--unixsocket", r.Socket,
		"--dir", dir, "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0",
	}, arguments...)
	r.Restart()
	return r
}

// shortDir is a folder whose name leaves room for that of a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Restart starts the server again after it was stopped or killed, at the same
// port, with an empty database unless its arguments keep one.
func (r *Redis) Restart() {
	r.t.Helper()
	cmd := exec.Command("redis-server", r.arguments...)
	r.Process = Start(r.t, cmd, func() error {
		if got, err := r.cli("PING"); err != nil || got != "PONG" {
			return fmt.Errorf("PING: %q, %w", got, err)
		}
		return nil
	})
}

// URL is how a client reaches it without TLS.
func (r *Redis) URL() string { return fmt.Sprintf("redis://127.0.0.1:%d", r.Port) }

// Command runs a command as an administrator.
func (r *Redis) Command(arguments ...string) string {
	r.t.Helper()
	got, err := r.cli(arguments...)
	if err != nil {
		r.t.Fatalf("redis-cli %s: %v", strings.Join(arguments, " "), err)
	}
	return got
}

func (r *Redis) cli(arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "redis-cli", append([]string{"-e", "-s", r.Socket}, arguments...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// TakeConnections ends every connection but one of its own, and has the server
// refuse new ones until release.
func (r *Redis) TakeConnections() (release func()) {
	r.t.Helper()
	conn, err := net.Dial("unix", r.Socket)
	if err != nil {
		r.t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	say := func(command string) {
		r.t.Helper()
		if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
			r.t.Fatal(err)
		}
		if line, err := answers.ReadString('\n'); err != nil || strings.HasPrefix(line, "-") {
			r.t.Fatalf("%s: %q, %v", command, line, err)
		}
	}
	most := strings.Fields(r.Command("CONFIG", "GET", "maxclients"))[1]
	say("CONFIG SET maxclients 1")
	say("CLIENT KILL TYPE normal SKIPME yes")
	return func() {
		r.t.Helper()
		say("CONFIG SET maxclients " + most)
		conn.Close()
	}
}

// Info returns a number of INFO.
func (r *Redis) Info(field string) int {
	r.t.Helper()
	for line := range strings.SplitSeq(r.Command("INFO", "everything"), "\n") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				r.t.Fatal(err)
			}
			return n
		}
	}
	r.t.Fatalf("INFO has no field %s", field)
	return 0
}

// StartRedisCluster starts three primaries that share the slots.
func StartRedisCluster(t testing.TB) []*Redis {
	t.Helper()
	create := []string{"--cluster", "create"}
	nodes := make([]*Redis, 3)
	for i := range nodes {
		nodes[i] = StartRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
			"--cluster-port", strconv.Itoa(FreePort(t)))
		create = append(create, fmt.Sprintf("127.0.0.1:%d", nodes[i].Port))
	}
	if out, err := exec.Command("redis-cli", append(create, "--cluster-yes")...).CombinedOutput(); err != nil {
		t.Fatalf("making a cluster: %v\n%s", err, out)
	}
	for _, node := range nodes {
		Await(t, "the cluster", func() error {
			info := node.Command("CLUSTER", "INFO")
			if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") {
				return nil
			}
			return errors.New(info)
		})
	}
	return nodes
}

// StartRedisReplica starts a replica that has caught up with primary.
func StartRedisReplica(t testing.TB, primary *Redis) *Redis {
	t.Helper()
	replica := StartRedis(t, "--replicaof", "127.0.0.1", strconv.Itoa(primary.Port))
	Await(t, "the replica", func() error {
		if info := replica.Command("INFO", "replication"); !strings.Contains(info, "master_link_status:up") {
			return errors.New(info)
		}
		return nil
	})
	return replica
}

// StartRedisSentinel starts a sentinel, which alone decides that primary is
// down, half a second after it hears nothing from it. It waits until the
// sentinel knows one replica.
func StartRedisSentinel(t testing.TB, name string, primary *Redis) *Redis {
	t.Helper()
	dir := shortDir(t)
	s := &Redis{t: t, Port: FreePort(t), Socket: filepath.Join(dir, "sentinel.sock")}
	config := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf(`bind 127.0.0.1
port %d
unixsocket %s
dir %s
sentinel monitor %s 127.0.0.1 %d 1
sentinel down-after-milliseconds %[4]s 500
sentinel failover-timeout %[4]s 3000
`, s.Port, s.Socket, dir, name, primary.Port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.arguments = []string{config, "--sentinel"}
	s.Restart()
	Await(t, "the sentinel", func() error {
		if info := s.Command("SENTINEL", "REPLICAS", name); !strings.Contains(info, "master-link-status") {
			return errors.New("it knows no replica")
		}
		return nil
	})
	return s
}

// Await asks ready again and again until it has no error: for what servers do
// in their own time.
func Await(t testing.TB, what string, ready func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = ready(); err == nil {
			return
		}
	}
	t.Fatalf("%s is not ready: %v", what, err)
}
