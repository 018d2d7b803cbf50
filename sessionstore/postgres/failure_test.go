//go:build services

package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// A trouble comes over the server and goes; while it lasts, reads fail or not.
var troubles = map[string]struct {
	settings    []string
	begin, end  func(t *testing.T, n *node)
	readsFail   bool
	writesFail  bool
	wantMessage string
}{
	"stopped": {
		begin:     func(_ *testing.T, n *node) { n.server.Stop() },
		end:       func(_ *testing.T, n *node) { n.server.Start() },
		readsFail: true, writesFail: true, wantMessage: "connect",
	},
	"killed": {
		begin:     func(_ *testing.T, n *node) { n.server.Kill() },
		end:       func(_ *testing.T, n *node) { n.server.Start() },
		readsFail: true, writesFail: true, wantMessage: "connect",
	},
	"frozen": {
		begin:     func(_ *testing.T, n *node) { n.server.Freeze() },
		end:       func(_ *testing.T, n *node) { n.server.Thaw() },
		readsFail: true, writesFail: true, wantMessage: "no answer in time",
	},
	"read-only": {
		begin: func(t *testing.T, n *node) {
			n.exec(t, "alter system set default_transaction_read_only = on")
			reload(t, n)
		},
		end: func(t *testing.T, n *node) {
			n.exec(t, "alter system reset default_transaction_read_only")
			reload(t, n)
		},
		writesFail: true, wantMessage: "takes no writes",
	},
	"without its tables": {
		begin: func(t *testing.T, n *node) {
			n.exec(t, "alter schema "+n.options.schema+" rename to "+n.options.schema+"_away")
		},
		end: func(t *testing.T, n *node) {
			n.exec(t, "drop schema if exists "+n.options.schema+" cascade")
			n.exec(t, "alter schema "+n.options.schema+"_away rename to "+n.options.schema)
		},
	},
}

func reload(t *testing.T, n *node) {
	t.Helper()
	n.query(t, "select pg_reload_conf()")
}

func TestTroubles(t *testing.T) {
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			server := servers.StartPostgres(t, trouble.settings...)
			n := newGatewayNode(t, server, newSchema())
			n.coherent(t)
			eventually(t, 5*time.Second, "nothing can be stored", func() bool {
				return n.Put(t.Context(), "k", []byte("v"), in(time.Hour)) == nil
			})
			eventually(t, 5*time.Second, "k is not remembered", func() bool { return n.remembers(t, "k") })
			began := time.Now()
			trouble.begin(t, n)
			if trouble.readsFail {
				failsClosed(t, n, began, trouble.wantMessage)
			}
			if trouble.writesFail {
				eventually(t, 5*time.Second, "writes succeed", func() bool {
					err := n.Put(t.Context(), "written", []byte("v"), in(time.Hour))
					return err != nil && strings.Contains(err.Error(), trouble.wantMessage)
				})
			}
			if !trouble.readsFail {
				n.near.InvalidateAll()
				eventually(t, 5*time.Second, "reads fail for good", func() bool {
					_, err := n.Get(t.Context(), "k")
					return err == nil || isAnswer(err)
				})
			}
			trouble.end(t, n)
			ended := time.Now()
			eventually(t, 10*time.Second, "it doesn't recover", func() bool {
				got, err := n.Get(t.Context(), "k")
				return err == nil && string(got) == "v"
			})
			recovered := time.Since(ended)
			eventually(t, 10*time.Second, "it takes no writes afterwards", func() bool {
				return n.Put(t.Context(), "written", []byte("v"), in(time.Hour)) == nil
			})
			n.coherent(t)
			t.Logf("reads again after %v, answers from memory after %v", recovered, time.Since(ended))
		})
	}
}

// failsClosed waits until nothing is answered any more, and checks that every
// answer came in time.
func failsClosed(t *testing.T, n *node, began time.Time, message string) {
	t.Helper()
	var slowest time.Duration
	eventually(t, 5*time.Second, "it goes on answering from memory", func() bool {
		asked := time.Now()
		_, err := n.Get(t.Context(), "k")
		if err == nil {
			return false
		}
		slowest = max(slowest, time.Since(asked))
		if isAnswer(err) {
			t.Errorf("Get = %v, which tells callers that there is nothing", err)
		}
		return strings.Contains(err.Error(), message)
	})
	t.Logf("answered from memory for %v at most, then an error in %v", time.Since(began)-slowest, slowest)
}

func TestManyCallersOfAFrozenServer(t *testing.T) {
	server := servers.StartPostgres(t)
	n := newGatewayNode(t, server, newSchema())
	n.coherent(t)
	mustPut(t, n, "k", "v")
	before := runtime.NumGoroutine()
	server.Freeze()
	var callers sync.WaitGroup
	for i := range 500 {
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			key := fmt.Sprint(i)
			if _, err := n.Get(ctx, key); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
				t.Errorf("Get = %v (the caller's own deadline: %v), want this package's deadline", err, ctx.Err())
			}
		})
	}
	callers.Wait()
	// A few connections may still be closing.
	eventually(t, 10*time.Second, "goroutines pile up", func() bool { return runtime.NumGoroutine() < before+40 })
	t.Logf("%d goroutines before, %d with a frozen server after 500 calls", before, runtime.NumGoroutine())
	server.Thaw()
	eventually(t, 5*time.Second, "it doesn't recover", func() bool {
		got, err := n.Get(t.Context(), "k")
		return err == nil && string(got) == "v"
	})
}

func TestServerWithoutFreeConnections(t *testing.T) {
	server := servers.StartPostgres(t, "max_connections=12", "superuser_reserved_connections=0")
	n := newNode(t, server, newSchema())
	n.coherent(t)
	mustPut(t, n, "k", "v")
	hogs := newNode(t, server, newSchema(), "pool_max_conns=12")
	hogs.coherent(t)
	release := hog(t, hogs)
	late := newGatewayNode(t, server, n.options.schema)
	_, err := late.Get(t.Context(), "k")
	if err == nil || !strings.Contains(err.Error(), "no free connection") {
		t.Errorf("Get of a node that gets no connection: %v", err)
	}
	if got, err := n.Get(t.Context(), "k"); err != nil || string(got) != "v" {
		t.Errorf("Get of a node that has one = %q, %v", got, err)
	}
	release()
	eventually(t, 5*time.Second, "it doesn't recover", func() bool {
		got, err := late.Get(t.Context(), "k")
		return err == nil && string(got) == "v"
	})
}

// hog takes every connection that the server still has.
func hog(t *testing.T, n *node) (release func()) {
	t.Helper()
	db := n.ready.Load()
	var held []interface{ Release() }
	for range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		conn, err := db.Acquire(ctx)
		cancel()
		if err != nil {
			break
		}
		held = append(held, conn)
	}
	return func() {
		for _, conn := range held {
			conn.Release()
		}
		db.Reset()
	}
}

func TestRestartUnderLoadLosesNothing(t *testing.T) {
	server := servers.StartPostgres(t)
	n := newNode(t, server, newSchema())
	n.coherent(t)
	var mu sync.Mutex
	var stored []string
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				key := fmt.Sprint(w, "|", i)
				if n.Put(ctx, key, []byte("v"), in(time.Hour)) == nil {
					mu.Lock()
					stored = append(stored, key)
					mu.Unlock()
				}
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(stored) }
	eventually(t, 5*time.Second, "nothing is stored", func() bool { return count() > 200 })
	server.Stop()
	server.Start()
	before := count()
	eventually(t, 5*time.Second, "nothing is stored after the restart", func() bool { return count() > before+200 })
	stop()
	writers.Wait()
	for _, key := range stored {
		if _, err := n.Get(t.Context(), key); err != nil {
			if errors.Is(err, sessionstore.ErrNotFound) {
				t.Fatalf("%s was stored and is gone", key)
			}
			t.Fatal(err)
		}
	}
	t.Logf("%d values stored around a restart", len(stored))
}
