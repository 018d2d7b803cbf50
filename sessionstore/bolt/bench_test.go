package bolt

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const benchEntries = 100_000

func benchKey(i int) string { return fmt.Sprintf("revoked|%032d", i) }

// benchStore is one of 100,000 entries of 200 bytes, in a file that is synced.
func benchStore(b *testing.B) *store {
	b.Helper()
	s, _ := load(b, at(filepath.Join(b.TempDir(), "state.db")))
	db, err := s.file.open()
	if err != nil {
		b.Fatal(err)
	}
	value := []byte(strings.Repeat("v", 200))
	for i := 0; i < benchEntries; i += 5000 {
		batch := make([]*write, 5000)
		for j := range batch {
			batch[j] = &write{key: benchKey(i + j), next: newRecord(value, time.Now().Add(time.Hour)), limit: s.limit, done: make(chan struct{})}
		}
		s.file.commit(db, batch)
	}
	b.Logf("%d bytes of the file an entry, of which %d are key and value", size(b, s)/benchEntries, len(benchKey(0))+len(value))
	return s
}

func BenchmarkBolt(b *testing.B) {
	s := benchStore(b)
	keys := make([]string, benchEntries)
	for i := range keys {
		keys[i] = benchKey(i * 7919 % benchEntries)
	}
	var next atomic.Int64
	write := func(b *testing.B) {
		key := keys[next.Add(1)%benchEntries]
		if err := s.Put(b.Context(), key, make([]byte, 200), time.Now().Add(time.Hour)); err != nil {
			b.Error(err)
		}
	}
	b.Run("get, near", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_, _ = s.Get(b.Context(), keys[i%1000])
		}
	})
	b.Run("get, file", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_, _, _ = s.GetExpiring(b.Context(), keys[i%benchEntries])
		}
	})
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			write(b)
		}
	})
	b.Run("put, 32 at once", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				write(b)
			}
		})
	})
}
