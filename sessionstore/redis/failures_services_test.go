//go:build services

package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// fails waits until the store answers nothing any more, not even what it
// remembers, and then checks that every operation fails, with no context's
// error. It logs how long that took.
func fails(t *testing.T, s *store, what string) {
	t.Helper()
	began := time.Now()
	servers.Await(t, what, func() error {
		if _, err := s.Get(t.Context(), "k"); err == nil || errors.Is(err, sessionstore.ErrNotFound) {
			return errors.New("the store still answers")
		}
		return nil
	})
	t.Logf("%s: nothing is answered after %v", what, time.Since(began).Round(time.Millisecond))
	get := func(key string) error { _, err := s.Get(t.Context(), key); return err }
	var done sync.WaitGroup
	for op, call := range map[string]func() error{
		"Get":      func() error { return get("k") },
		"cold Get": func() error { return get("never read") },
		"Take":     func() error { _, err := sessionstore.Take(t.Context(), s, "k"); return err },
		"Put":      func() error { return s.Put(t.Context(), "other", []byte("new"), inAnHour()) },
		"Delete":   func() error { return s.Delete(t.Context(), "other") },
		"List":     func() error { return s.List(t.Context(), "", func(string, []byte) bool { return true }) },
	} {
		done.Go(func() {
			if err := call(); err == nil || errors.Is(err, sessionstore.ErrNotFound) || isContextError(err) {
				t.Errorf("%s: %s = %v", what, op, err)
			}
		})
	}
	done.Wait()
}

// warm returns a store that remembers k.
func warm(t *testing.T, config string) *store {
	t.Helper()
	s, _ := load(t, config)
	put(t, s, "k", "v")
	reader := other(t, s)
	sees(t, reader, "k", "v")
	return reader
}

func recovers(t *testing.T, s *store, what, value string) {
	t.Helper()
	began := time.Now()
	sees(t, s, "k", value)
	t.Logf("%s: answers again after %v", what, time.Since(began).Round(time.Millisecond))
	put(t, s, "k", "new")
	sees(t, s, "k", "new")
}

func TestServerIsKilledAndStartsAgainEmpty(t *testing.T) {
	server := servers.StartRedis(t)
	s := warm(t, at(server))
	server.Kill()
	fails(t, s, "killed")
	server.Restart()
	recovers(t, s, "restarted", "")
}

func TestServerIsStopped(t *testing.T) {
	server := servers.StartRedis(t)
	s := warm(t, at(server))
	server.Stop()
	fails(t, s, "stopped")
	server.Restart()
	recovers(t, s, "restarted", "")
}

func TestServerIsFrozen(t *testing.T) {
	server := servers.StartRedis(t)
	s := warm(t, at(server))
	server.Freeze()
	fails(t, s, "frozen")
	server.Thaw()
	recovers(t, s, "thawed", "v")
}

func TestServerIsNotThereAtFirst(t *testing.T) {
	server := servers.StartRedis(t)
	server.Stop()
	s, _ := load(t, at(server))
	fails(t, s, "not started yet")
	server.Restart()
	recovers(t, s, "started", "")
}

func TestServerIsFrozenAtFirst(t *testing.T) {
	server := servers.StartRedis(t)
	server.Freeze()
	s, _ := load(t, at(server))
	fails(t, s, "frozen from the start")
	server.Thaw()
	recovers(t, s, "thawed", "")
}

func TestCallersOfAFrozenServerAllEnd(t *testing.T) {
	server := servers.StartRedis(t)
	s := warm(t, at(server))
	before := runtime.NumGoroutine()
	server.Freeze()
	var done sync.WaitGroup
	for i := range 3000 {
		done.Go(func() {
			key := fmt.Sprint("key ", i%1000)
			var err error
			switch i % 3 {
			case 0:
				_, err = s.Get(t.Context(), key)
			case 1:
				err = s.Put(t.Context(), key, []byte("v"), inAnHour())
			default:
				_, err = sessionstore.Take(t.Context(), s, key)
			}
			if err == nil || isContextError(err) {
				t.Errorf("%s: %v", key, err)
			}
		})
	}
	began := time.Now()
	done.Wait()
	t.Logf("3000 callers had all ended after %v", time.Since(began).Round(time.Millisecond))
	servers.Await(t, "the goroutines", func() error {
		if now := runtime.NumGoroutine(); now > before+20 {
			return fmt.Errorf("there are %d, of %d before", now, before)
		}
		return nil
	})
	server.Thaw()
	servers.Await(t, "the store", func() error { return s.Delete(t.Context(), "k") })
}

func TestServerHasNoMemoryLeft(t *testing.T) {
	server := servers.StartRedis(t)
	s := warm(t, at(server))
	server.Command("CONFIG", "SET", "maxmemory", "1")
	put := s.Put(t.Context(), "new", []byte("v"), inAnHour())
	add := sessionstore.Add(t.Context(), s, "new", []byte("v"), inAnHour())
	if !errors.Is(put, sessionstore.ErrFull) || !errors.Is(add, sessionstore.ErrFull) || !strings.Contains(put.Error(), "raise maxmemory") {
		t.Errorf("Put = %v, Add = %v", put, add)
	}
	sees(t, s, "k", "v")
	if err := s.Delete(t.Context(), "k"); err != nil {
		t.Errorf("Delete = %v", err)
	}
	server.Command("CONFIG", "SET", "maxmemory", "0")
	recovers(t, s, "more memory", "")
}

func TestServerIsAReplica(t *testing.T) {
	primary := servers.StartRedis(t)
	replica := servers.StartRedisReplica(t, primary)
	s, _ := load(t, at(replica))
	sees(t, s, "k", "")
	err := s.Put(t.Context(), "k", []byte("v"), inAnHour())
	if err == nil || !strings.Contains(err.Error(), "name the primary") {
		t.Errorf("Put = %v", err)
	}
	if err := sessionstore.Add(t.Context(), s, "k", nil, inAnHour()); err == nil || errors.Is(err, sessionstore.ErrTaken) {
		t.Errorf("Add = %v", err)
	}
}

func TestServerHasNoConnectionLeft(t *testing.T) {
	server := servers.StartRedis(t, "--maxclients", "1")
	held, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", server.Port))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(held, "PING\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := held.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	s, _ := load(t, at(server))
	fails(t, s, "no connection left")
	held.Close()
	recovers(t, s, "a connection is free", "")
}

func TestConnectionsAreKilled(t *testing.T) {
	server := servers.StartRedis(t)
	s := warm(t, at(server))
	for range 10 {
		server.Command("CLIENT", "KILL", "TYPE", "normal")
		servers.Await(t, "the store", func() error {
			_, err := s.Get(t.Context(), "k")
			return err
		})
	}
}

// A context that ends in the middle of a call ends the call.
func TestContextsEndCalls(t *testing.T) {
	server := servers.StartRedis(t)
	s := warm(t, at(server))
	server.Freeze()
	for op, call := range map[string]func(ctx context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := s.Get(ctx, "cold"); return err },
		"Put":    func(ctx context.Context) error { return s.Put(ctx, "k", nil, inAnHour()) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, "k") },
		"Take":   func(ctx context.Context) error { _, err := sessionstore.Take(ctx, s, "k"); return err },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- call(ctx) }()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v", op, err)
		}
	}
	server.Thaw()
}
