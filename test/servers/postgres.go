package servers

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres is a PostgreSQL server with an empty database, which trusts everyone
// on this machine.
type Postgres struct {
	*Process

	Port int
	t    testing.TB
	dir  string
}

// postgresUser is the role, and the database, of the tests.
const postgresUser = "postgres"

// StartPostgres makes a new cluster and starts a server on it. settings are
// lines of postgresql.conf, such as "max_connections=10".
func StartPostgres(t testing.TB, settings ...string) *Postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &Postgres{Port: FreePort(t), t: t, dir: dir}
	create := exec.CommandContext(t.Context(), postgresProgram(t, "initdb"), "--auth=trust", "--no-sync", "--no-instructions",
		"--username="+postgresUser, "--encoding=UTF8", "--locale=C", p.data())
	create.Dir = dir
	runAs(t, create, postgresUser, dir)
	if output, err := create.CombinedOutput(); err != nil {
		t.Fatalf("making a PostgreSQL cluster: %v\n%s", err, output)
	}
	p.Configure(append([]string{"fsync=off", "listen_addresses='127.0.0.1'", "unix_socket_directories='" + dir + "'"}, settings...)...)
	p.Start()
	t.Cleanup(p.Thaw) // before the process is killed
	return p
}

// postgresProgram is one of the newest PostgreSQL that is installed.
func postgresProgram(t testing.TB, name string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed (make setup installs it)", name)
	}
	return path
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// DSN is how to reach the server. options follow the question mark of the URL.
func (p *Postgres) DSN(options ...string) string {
	return fmt.Sprintf("postgres://%s@%s/postgres?%s", postgresUser, p.address(), strings.Join(options, "&"))
}

func (p *Postgres) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)) }

// TakeConnections ends the connections of an application and takes all that the
// server has, until release.
func (p *Postgres) TakeConnections(application string) (release func()) {
	p.t.Helper()
	var held []*pgx.Conn
	ctx := p.t.Context()
	take := func() bool {
		conn, err := pgx.Connect(ctx, p.DSN("application_name=taker"))
		if err == nil {
			held = append(held, conn)
		}
		return err == nil
	}
	take()
	Await(p.t, "the server's last connection", func() error {
		var most int
		err := held[0].QueryRow(ctx, `select setting::int from pg_settings, (select count(pg_terminate_backend(pid))
			from pg_stat_activity where application_name = $1) as ended where name = 'max_connections'`, application).Scan(&most)
		for take() {
		}
		if err == nil && len(held) < most {
			err = fmt.Errorf("%d of %d connections are taken", len(held), most)
		}
		return err
	})
	return func() {
		for _, conn := range held {
			_ = conn.Close(context.WithoutCancel(ctx)) // the server ends it anyway
		}
	}
}

// Configure adds lines to postgresql.conf; the next start reads them.
func (p *Postgres) Configure(lines ...string) {
	p.t.Helper()
	name := filepath.Join(p.data(), "postgresql.conf")
	content, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name, append(content, strings.Join(lines, "\n")+"\n"...), 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Start starts the server, again after Stop or Kill.
func (p *Postgres) Start() {
	p.t.Helper()
	// The context ends with the test, after which Cleanup has stopped the server.
	cmd := exec.CommandContext(context.WithoutCancel(p.t.Context()), postgresProgram(p.t, "postgres"),
		"-D", p.data(), "-p", strconv.Itoa(p.Port))
	cmd.Dir = p.dir
	runAs(p.t, cmd, postgresUser)
	p.Process = Start(p.t, cmd, func() error {
		ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, p.DSN())
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Stop ends the server as a restart does: open connections are closed.
func (p *Postgres) Stop() {
	p.t.Helper()
	p.Thaw()
	p.end(syscall.SIGINT) // PostgreSQL's fast shutdown
}

// Freeze stops the server and the process of each connection in their tracks.
func (p *Postgres) Freeze() {
	p.t.Helper()
	p.Process.Freeze() // it makes no more children
	p.signalChildren(syscall.SIGSTOP)
}

// Thaw lets a frozen server go on.
func (p *Postgres) Thaw() {
	p.t.Helper()
	if !p.frozen {
		return
	}
	p.signalChildren(syscall.SIGCONT)
	p.Process.Thaw()
}

// signalChildren signals each process whose parent is the server.
func (p *Postgres) signalChildren(signal syscall.Signal) {
	p.t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		p.t.Fatalf("looking for the processes of PostgreSQL: %v", err)
	}
	for _, name := range stats {
		content, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// "pid (command) state parent …"; the command may hold anything.
		_, rest, _ := strings.Cut(string(content[strings.LastIndexByte(string(content), ')'):]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(p.cmd.Process.Pid) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err == nil {
			_ = syscall.Kill(pid, signal) // one that has ended meanwhile needs none
		}
	}
}
