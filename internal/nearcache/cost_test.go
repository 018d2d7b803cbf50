package nearcache

import (
	"fmt"
	"runtime"
	"testing"
)

func TestAHitOfNearAllocatesNothing(t *testing.T) {
	near, far := newCache(t, 1<<20)
	put(t, near, "k", "v")
	for _, key := range []string{"k", "absent"} {
		get(t, near, key)
		if n := testing.AllocsPerRun(100, func() { _, _ = near.Get(t.Context(), key) }); n != 0 {
			t.Errorf("Get(%s) makes %v allocations", key, n)
		}
	}
	wantAsked(t, far, 2)
}

func TestAnEntryOfNearTakesNoMoreMemoryThanItCounts(t *testing.T) {
	heapInUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	near, far := newCache(t, 1<<40)
	before := heapInUse()
	const n = 100_000
	for i := range n {
		get(t, near, fmt.Sprintf("revoked|%032d", i))
	}
	taken, counted := int64(heapInUse()-before), checkCache(t, near)
	t.Logf("%d bytes an entry, counted as %d", taken/n, counted/n)
	if taken > counted {
		t.Errorf("%d entries take %d bytes and count as %d", n, taken, counted)
	}
	runtime.KeepAlive(far)
}

func BenchmarkNearGet(b *testing.B) {
	near, _ := newCache(b, 64<<20)
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("revoked|%032d", i)
		if i%2 == 0 {
			put(b, near, keys[i], "v")
		}
	}
	for name, span := range map[string]int{"one key": 1, "10,000 keys": len(keys)} {
		b.Run("hit, "+name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_, _ = near.Get(b.Context(), keys[i%span])
			}
		})
	}
	b.Run("hit, in parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				_, _ = near.Get(b.Context(), keys[i%len(keys)])
			}
		})
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			near.Invalidate(keys[i%len(keys)])
			_, _ = near.Get(b.Context(), keys[i%len(keys)])
		}
	})
}
