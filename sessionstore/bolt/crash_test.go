package bolt

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.etcd.io/bbolt"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// childMark makes this test binary a child of a test: its value is what the
// child does, and with which file.
const childMark = "SIGNIN_BOLT_TEST_CHILD"

// children are what a child may do; it ends without an error if that was right.
var children = map[string]func(path string) error{
	"write until killed": writeUntilKilled,
	"open":               openAsAnotherProcess,
}

func TestMain(m *testing.M) {
	if what, path, ok := strings.Cut(os.Getenv(childMark), "|"); ok {
		if err := children[what](path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^$")
	cmd.Env = append(os.Environ(), childMark+"="+what+"|"+path)
	return cmd
}

// childStore is a store as a configuration of the child's has it.
func childStore(path string) (sessionstore.Store, error) {
	ctx, _ := caddy.NewContext(caddy.Context{Context: context.Background()})
	mod, err := ctx.LoadModuleByID(sessionstore.Namespace+".bolt", json.RawMessage(at(path)))
	if err != nil {
		return nil, err
	}
	return mod.(sessionstore.Module).Open("")
}

// writeUntilKilled prints the key of every value that the store has taken.
func writeUntilKilled(path string) error {
	s, err := childStore(path)
	if err != nil {
		return err
	}
	const writers = 8
	ctx, failed := context.Background(), make(chan error)
	for w := range writers {
		go func() {
			for i := w; ; i += writers {
				key := fmt.Sprintf("%016x|%d", uint64(i)*0x9e3779b97f4a7c15, os.Getpid()) // in no order
				write := sessionstore.Store.Put
				if i%3 == 0 {
					write = func(s sessionstore.Store, ctx context.Context, key string, value []byte, expires time.Time) error {
						return sessionstore.Add(ctx, s, key, value, expires)
					}
				}
				if err := write(s, ctx, key, []byte("of "+key), time.Now().Add(time.Hour)); err != nil {
					failed <- err
				}
				fmt.Fprintln(os.Stdout, key)
			}
		}()
	}
	return <-failed
}

func TestKillLosesNoWriteThatWasAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	var acknowledged []string
	for round := range 4 {
		acknowledged = append(acknowledged, killInTheMiddle(t, path, 100+200*round)...)
		s, unload := load(t, at(path))
		for _, key := range acknowledged {
			value, err := s.Get(t.Context(), key)
			if err != nil || string(value) != "of "+key {
				t.Fatalf("the write of %s was acknowledged; after the kill: %q, %v", key, value, err)
			}
		}
		if err := s.file.db.Load().View(func(tx *bbolt.Tx) error { return <-tx.Check() }); err != nil {
			t.Errorf("the file after a kill: %v", err)
		}
		unload()
	}
	t.Logf("%d writes", len(acknowledged))
}

// killInTheMiddle kills a child once it has written enough, and returns the keys
// that it said it had.
func killInTheMiddle(t *testing.T, path string, enough int) (acknowledged []string) {
	t.Helper()
	cmd := child(t, "write until killed", path)
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == enough {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v, %q", err, acknowledged)
	}
	return acknowledged
}

// openAsAnotherProcess wants to be told that the file is taken, and not to wait.
func openAsAnotherProcess(path string) error {
	s, err := childStore(path) // as caddy validate does
	if err != nil {
		return fmt.Errorf("loading the configuration: %w", err)
	}
	_, err = s.Get(context.Background(), "k")
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "stop the other Caddy") {
		return fmt.Errorf("the second process was told %w", err)
	}
	return nil
}

func TestASecondProcessIsToldWhatToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, _ := load(t, at(path))
	put(t, s, "k", "v")
	if out, err := child(t, "open", path).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if !holds(t, s, "k") {
		t.Error("the first process lost the value")
	}
}
