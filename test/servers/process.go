// Package servers starts the real servers that tests talk to, each on loopback
// ports and in a folder of its own, and stops them by their own process ids,
// also when a test fails or its process dies. Debian's packages of them are
// installed by `make setup`; tests that use them have the build tag services,
// so that `go test ./...` needs nothing but Go.
package servers

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a server that runs until its test ends.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	output *lockedBuffer
	exited chan struct{}
	frozen bool
}

// startTimeout is how long a server may take until it serves, on a busy machine.
const startTimeout = 30 * time.Second

// outputTimeout is how long what a killed server forked may hold its output open.
const outputTimeout = 2 * time.Second

// Start runs cmd until the test ends. It returns when ready says that the server
// serves, which it asks again and again.
func Start(t testing.TB, cmd *exec.Cmd, ready func() error) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd, output: new(lockedBuffer), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	cmd.WaitDelay = outputTimeout
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	dieWithTest(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s (make setup installs it): %v", cmd.Path, err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is in its output
		close(p.exited)
	}()
	t.Cleanup(p.Kill)
	var err error
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = ready(); err == nil {
			return p
		}
		select {
		case <-p.exited:
			t.Fatalf("%s ended before it served:\n%s", cmd.Path, p.output)
		default:
		}
	}
	t.Fatalf("%s does not serve: %v\n%s", cmd.Path, err, p.output)
	return nil
}

// Kill ends the process at once, as kill -9 does. A process that has ended
// already is left alone.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

// Stop asks the process to end, and waits until it has.
func (p *Process) Stop() { p.end(syscall.SIGTERM) }

func (p *Process) end(signal syscall.Signal) {
	p.t.Helper()
	p.Thaw()
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("stopping %s: %v", p.cmd.Path, err)
		return
	}
	select {
	case <-p.exited:
	case <-time.After(startTimeout):
		p.t.Errorf("%s does not end on signal %v:\n%s", p.cmd.Path, signal, p.output)
		_ = p.cmd.Process.Kill()
	}
}

// Freeze stops the process in its tracks, with its connections open (SIGSTOP).
func (p *Process) Freeze() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		p.t.Fatalf("freezing %s: %v", p.cmd.Path, err)
	}
	p.frozen = true
	for deadline := time.Now().Add(startTimeout); !isStopped(p.cmd.Process.Pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s does not stand still", p.cmd.Path)
		}
	}
}

// Thaw lets a frozen process go on (SIGCONT).
func (p *Process) Thaw() {
	p.t.Helper()
	if !p.frozen {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("thawing %s: %v", p.cmd.Path, err)
	}
	p.frozen = false
}

// ID is the process's id.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Output is what the process has printed.
func (p *Process) Output() string { return p.output.String() }

// FreePort returns a loopback port that was free a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// runAs makes cmd run as the named user where the test is root's: some servers
// refuse to run as root. dirs become that user's.
func runAs(t testing.TB, cmd *exec.Cmd, name string, dirs ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	account, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// lockedBuffer keeps what a process prints.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
