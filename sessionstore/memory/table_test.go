package memory

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func newTestTable(t testing.TB) *table {
	tbl := newTable()
	t.Cleanup(func() { _ = tbl.Destruct() })
	return tbl
}

// entryCount also checks that every entry is in the map and in one heap.
func entryCount(t *testing.T, tbl *table) (n int) {
	t.Helper()
	for i := range tbl.shards {
		s := &tbl.shards[i]
		s.mu.RLock()
		n += len(s.entries)
		if heaped := len(s.lasting) + len(s.evictable); len(s.entries) != heaped {
			t.Errorf("shard %d has %d entries, %d of them in a heap", i, len(s.entries), heaped)
		}
		s.mu.RUnlock()
	}
	return n
}

func TestSweeperFreesWhatNobodyAsksFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tbl := newTestTable(t)
		s := &store{table: tbl, limit: defaultMaxSize}
		const perKind = 40 * sweepBatch // several batches in every shard
		for i := range perKind {
			for key, in := range map[string]time.Duration{
				fmt.Sprint("soon", i):                               time.Second,
				fmt.Sprint(sessionstore.EvictablePrefix, "soon", i): time.Second,
				fmt.Sprint("late", i):                               time.Hour,
			} {
				if err := s.Put(t.Context(), key, nil, time.Now().Add(in)); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(sweepInterval + time.Second)
		synctest.Wait()
		if n := entryCount(t, tbl); n != perKind {
			t.Errorf("%d entries are left, want the %d that live", n, perKind)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n, size := entryCount(t, tbl), tbl.size.Load(); n != 0 || size != 0 {
			t.Errorf("%d entries of %d bytes are left", n, size)
		}
	})
}

func TestEvictionDropsWhatExpiresSoonest(t *testing.T) {
	t.Parallel()
	tbl := newTestTable(t)
	const each = 100
	ranks := make(map[string]int) // by expiry, in the key's shard
	full := make(map[*shard]int)
	for i := 0; len(ranks) < each*shardCount; i++ {
		key := fmt.Sprintf("%s%08d", sessionstore.EvictablePrefix, i)
		rank := full[tbl.shard(key)]
		if rank == each {
			continue
		}
		full[tbl.shard(key)], ranks[key] = rank+1, rank
		tbl.swap(key, nil, newEntry(key, nil, time.Now().Add(time.Hour+time.Duration(rank)*time.Second)), defaultMaxSize)
	}
	if !tbl.makeRoom(0, tbl.size.Load()/2) {
		t.Fatal("no room was made")
	}
	if left := entryCount(t, tbl); left != each*shardCount/2 {
		t.Errorf("%d of %d are left, want half of them", left, each*shardCount)
	}
	for key, rank := range ranks {
		if kept := tbl.live(key) != nil; kept != (rank >= each/2) {
			t.Errorf("entry %d of %d by expiry: kept is %t", rank, each, kept)
		}
	}
}

func TestWritersInAFullTableLeaveTheCountRight(t *testing.T) {
	t.Parallel()
	tbl := newTestTable(t)
	s := &store{table: tbl, limit: 64 << 10}
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 2000 {
				key := fmt.Sprint([]string{"", sessionstore.EvictablePrefix}[i%2], w, i%100)
				_ = s.Put(t.Context(), key, make([]byte, i%512), time.Now().Add(time.Hour))
				if i%3 == 0 {
					_ = s.Delete(t.Context(), key)
				}
			}
		})
	}
	writers.Wait()
	var size int64
	for i := range tbl.shards {
		for _, e := range tbl.shards[i].entries {
			size += e.size()
		}
	}
	if got := tbl.size.Load(); got != size || got > s.limit {
		t.Errorf("the table counts %d bytes, its entries are %d, the limit is %d", got, size, s.limit)
	}
	entryCount(t, tbl)
}

func TestAnEntryTakesNoMoreMemoryThanItCounts(t *testing.T) {
	heapInUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	tbl := newTestTable(t)
	s := &store{table: tbl, limit: 1 << 40}
	before := heapInUse()
	const n = 100_000
	for i := range n {
		if err := s.Put(t.Context(), fmt.Sprintf("revoked|%032d", i), []byte{1}, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	taken := int64(heapInUse() - before)
	t.Logf("%d bytes an entry, counted as %d", taken/n, tbl.size.Load()/n)
	if taken > tbl.size.Load() {
		t.Errorf("%d entries take %d bytes and count as %d", n, taken, tbl.size.Load())
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	s := &store{table: newTestTable(t), limit: defaultMaxSize}
	if err := s.Put(t.Context(), "k", []byte("v"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"k", "absent"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = s.Get(t.Context(), key) }); n != 0 {
			t.Errorf("Get(%s) makes %v allocations", key, n)
		}
	}
}

func benchmarkStore(b *testing.B) (*store, []string) {
	s := &store{table: newTestTable(b), limit: 1 << 30}
	keys := make([]string, 100_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("revoked|%032d", i)
		if err := s.Put(b.Context(), keys[i], []byte{1}, time.Now().Add(time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	return s, keys
}

func BenchmarkMemoryGet(b *testing.B) {
	s, keys := benchmarkStore(b)
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := s.Get(b.Context(), keys[i%1000]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Get(b.Context(), "revoked|absent"); err == nil {
				b.Fatal("found")
			}
		}
	})
}

func BenchmarkMemoryPut(b *testing.B) {
	s, keys := benchmarkStore(b)
	value, expires := []byte{1}, time.Now().Add(time.Hour)
	for i := 0; b.Loop(); i++ {
		if err := s.Put(b.Context(), keys[i%len(keys)], value, expires); err != nil {
			b.Fatal(err)
		}
	}
}
