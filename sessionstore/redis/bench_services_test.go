//go:build services

package redis

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// claims is about as long as a session's record.
var claims = make([]byte, 400)

// A revocation is stored on one node; how long until another one refuses the
// session, from before the write is sent.
func BenchmarkRevocationSeenByAnotherNode(b *testing.B) {
	server := servers.StartRedis(b)
	writer, _ := load(b, at(server))
	reader := other(b, writer)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprint("revoked ", i)
		if _, err := reader.Get(b.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
			b.Fatal(err)
		}
		began := time.Now()
		if err := writer.Put(b.Context(), key, []byte{1}, inAnHour()); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := reader.Get(b.Context(), key); err == nil {
				break
			}
			time.Sleep(20 * time.Microsecond)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "µs-max")
}

func BenchmarkGet(b *testing.B) {
	server := servers.StartRedis(b)
	writer, _ := load(b, at(server))
	reader := other(b, writer)
	if err := writer.Put(b.Context(), "session", claims, inAnHour()); err != nil {
		b.Fatal(err)
	}
	b.Run("remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := reader.Get(b.Context(), "session"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("remembered to be absent", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := reader.Get(b.Context(), "revoked"); err == nil {
				b.Fatal("found")
			}
		}
	})
	b.Run("from the server", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := reader.get(b.Context(), "session", false); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkWrites(b *testing.B) {
	server := servers.StartRedis(b)
	s, _ := load(b, at(server))
	b.Run("Put", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if err := s.Put(b.Context(), fmt.Sprint(i), claims, inAnHour()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Update", func(b *testing.B) {
		for b.Loop() {
			err := s.Update(b.Context(), "count", func([]byte) ([]byte, time.Time, error) { return claims, inAnHour(), nil })
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// How many bytes the server holds for a session of 400 bytes under a key of 80.
func BenchmarkMemoryPerSession(b *testing.B) {
	const sessions = 20_000
	server := servers.StartRedis(b)
	s, _ := load(b, at(server))
	reader := other(b, s)
	fill := func(what string, each func(key string) error) {
		before := server.Info("used_memory")
		for i := range sessions {
			if err := each(fmt.Sprintf("%080d", i)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(server.Info("used_memory")-before)/sessions, what)
	}
	for b.Loop() {
		fill("bytes/session", func(key string) error { return s.Put(b.Context(), key, claims, inAnHour()) })
		fill("bytes/tracked-read", func(key string) error { _, err := reader.Get(b.Context(), key); return err })
		server.Command("FLUSHALL")
	}
}
