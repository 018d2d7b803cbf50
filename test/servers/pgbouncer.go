package servers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// StartPgBouncer starts a connection pooler before a PostgreSQL server; mode is
// its pool_mode. It returns how to reach the server through it.
func StartPgBouncer(t testing.TB, server *Postgres, mode string) (dsn string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgbouncer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port := FreePort(t)
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "pgbouncer.ini")
	lines := []string{
		"[databases]",
		fmt.Sprintf("* = host=127.0.0.1 port=%d", server.Port),
		"[pgbouncer]",
		"listen_addr = 127.0.0.1",
		fmt.Sprintf("listen_port = %d", port),
		"unix_socket_dir =",
		"auth_type = trust",
		"auth_file = " + users,
		"pool_mode = " + mode,
		"ignore_startup_parameters = statement_timeout",
	}
	for name, content := range map[string]string{users: fmt.Sprintf("%q \"\"\n", postgresUser), config: strings.Join(lines, "\n")} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "pgbouncer", config)
	runAs(t, cmd, postgresUser)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	Start(t, cmd, func() error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return fmt.Sprintf("postgres://%s@%s/postgres", postgresUser, address)
}
