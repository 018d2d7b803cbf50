package bolt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func init() { children["fill the disk"] = fillTheDisk }

func limitFiles(bytes uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return fmt.Errorf("reading the limit: %w", err)
	}
	limit.Cur = min(bytes, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// fillTheDisk lets the store write until no file may grow any more.
func fillTheDisk(path string) error {
	s, err := childStore(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	put := func(key string) error { return s.Put(ctx, key, make([]byte, 8<<10), time.Now().Add(time.Hour)) }
	if err := put("early"); err != nil {
		return err
	}
	if err := limitFiles(256 << 10); err != nil {
		return err
	}
	n := 0
	for err = nil; err == nil; n++ {
		if n == 1000 {
			return errors.New("the disk was never full")
		}
		err = put(fmt.Sprint("k", n))
	}
	if !strings.Contains(err.Error(), path) || errors.Is(err, ErrDamaged) {
		return fmt.Errorf("a full disk was told as %w", err)
	}
	for i := range n - 1 {
		if _, err := s.Get(ctx, fmt.Sprint("k", i)); err != nil {
			return fmt.Errorf("with a full disk, Get of what was stored: %w", err)
		}
	}
	if _, err := s.Get(ctx, fmt.Sprint("k", n-1)); !errors.Is(err, sessionstore.ErrNotFound) {
		return fmt.Errorf("what was refused: %w", err)
	}
	if err := limitFiles(1 << 40); err != nil {
		return err
	}
	if err := put("late"); err != nil {
		return fmt.Errorf("once the disk has room: %w", err)
	}
	return nil
}

func TestAFullDiskIsAnErrorUntilItHasRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if out, err := child(t, "fill the disk", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, _ := load(t, at(path))
	for _, key := range []string{"early", "k0", "late"} {
		if !holds(t, s, key) {
			t.Errorf("after a restart, %s is lost", key)
		}
	}
}
