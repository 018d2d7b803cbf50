//go:build services

package postgres

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// revokesEverywhere deletes, on one node, sessions that the other answers from
// memory, and prints how long the other goes on; it is counted from before the
// deletion is sent.
func revokesEverywhere(t *testing.T, server *servers.Postgres) {
	schema := newSchema()
	here, there := newNode(t, server, schema), newNode(t, server, schema)
	here.coherent(t)
	there.coherent(t)
	const trials = 300
	times := make([]time.Duration, 0, trials)
	for i := range trials {
		key := fmt.Sprint("session ", i)
		mustPut(t, here, key, "v")
		eventually(t, 5*time.Second, "the other node doesn't remember", func() bool { return there.remembers(t, key) })
		start := time.Now()
		if err := here.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		for deadline := start.Add(5 * time.Second); ; {
			if _, err := there.Get(t.Context(), key); errors.Is(err, sessionstore.ErrNotFound) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the other node doesn't hear of the deletion")
			}
			time.Sleep(20 * time.Microsecond) // a reader that spins would keep the processor from who listens
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	t.Logf("refused on the other node after: p50 %v, p99 %v, most %v", times[trials/2], times[trials*99/100], times[trials-1])
}
