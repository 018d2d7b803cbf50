package memory

import (
	"container/heap"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

const (
	// entryOverhead is what an entry takes beside its key and value: its
	// struct, its slots in map and heap, and the rounding of allocations.
	entryOverhead = 192

	shardCount = 32

	// sweepInterval is how long an expired entry may go on taking memory; a
	// table that is full doesn't wait for it.
	sweepInterval = time.Minute

	// sweepBatch bounds how long one sweep keeps a shard locked.
	sweepBatch = 256
)

// table is a map from keys to entries, in shards, counted in bytes as a whole.
type table struct {
	seed    maphash.Seed
	shards  [shardCount]shard
	size    atomic.Int64
	evicted atomic.Uint32 // the shard where the next eviction starts
	stop    chan struct{}
	stopped chan struct{}
}

type shard struct {
	mu      sync.RWMutex
	entries map[string]*entry
	// Every entry is in one of the two, by its key's prefix.
	lasting, evictable expiryHeap
}

// entry is immutable but for its place in the heap, which the shard's lock guards.
type entry struct {
	key     string
	value   []byte
	expires int64 // milliseconds since 1970: no year overflows it
	place   int
}

// newEntry copies key and value. It returns nil, which is no entry, when
// expires has come.
func newEntry(key string, value []byte, expires time.Time) *entry {
	if expires.UnixMilli() <= time.Now().UnixMilli() {
		return nil
	}
	e := &entry{key: strings.Clone(key), value: make([]byte, len(value)), expires: expires.UnixMilli()}
	copy(e.value, value)
	return e
}

func (e *entry) bytes() []byte {
	if e == nil {
		return nil
	}
	return e.value
}

func (e *entry) size() int64 {
	if e == nil {
		return 0
	}
	return int64(len(e.key) + len(e.value) + entryOverhead)
}

func (e *entry) liveAt(now int64) bool { return e != nil && now < e.expires }

// newTable starts the table's sweeper, which Destruct ends.
func newTable() *table {
	t := &table{seed: maphash.MakeSeed(), stop: make(chan struct{}), stopped: make(chan struct{})}
	for i := range t.shards {
		t.shards[i].entries = make(map[string]*entry)
	}
	go t.sweepUntilStopped()
	return t
}

// Destruct implements [caddy.Destructor]. Requests that are still under way may
// go on using the table.
func (t *table) Destruct() error {
	close(t.stop)
	<-t.stopped
	return nil
}

func (t *table) sweepUntilStopped() {
	defer close(t.stopped)
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.sweep()
		case <-t.stop:
			return
		}
	}
}

func (t *table) shard(key string) *shard {
	return &t.shards[maphash.String(t.seed, key)%shardCount]
}

// live returns the entry of key, or nil when there is none or it has expired.
func (t *table) live(key string) *entry {
	s := t.shard(key)
	s.mu.RLock()
	e := s.entries[key]
	s.mu.RUnlock()
	if !e.liveAt(time.Now().UnixMilli()) {
		return nil
	}
	return e
}

// list returns the live entries whose keys begin with prefix.
func (t *table) list(prefix string) []*entry {
	now := time.Now().UnixMilli()
	var found []*entry
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		for key, e := range s.entries {
			if strings.HasPrefix(key, prefix) && e.liveAt(now) {
				found = append(found, e)
			}
		}
		s.mu.RUnlock()
	}
	return found
}

// swap puts next in the place of old if old is still what is live there; nil
// stands for no entry. fits is false when the table would outgrow limit, which
// shrinking never does.
func (t *table) swap(key string, old, next *entry, limit int64) (done, fits bool) {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.entries[key]
	current := held
	if !held.liveAt(time.Now().UnixMilli()) {
		current = nil
	}
	if current != old {
		return false, true
	}
	if !t.grow(next.size()-held.size(), limit) {
		return false, false
	}
	if held != nil {
		s.remove(held)
	}
	if next != nil {
		s.entries[next.key] = next
		heap.Push(s.heapOf(next), next)
	}
	return true, true
}

// grow counts by more bytes, unless that passes limit.
func (t *table) grow(by, limit int64) bool {
	for {
		size := t.size.Load()
		if by > 0 && size+by > limit {
			return false
		}
		if t.size.CompareAndSwap(size, size+by) {
			return true
		}
	}
}

// makeRoom removes what has expired and then, shard by shard, the evictable
// entries that expire soonest, until need more bytes are within limit. It
// reports whether they are.
func (t *table) makeRoom(need, limit int64) bool {
	t.sweep()
	for misses := 0; t.size.Load()+need > limit; misses++ {
		if misses == shardCount {
			return false
		}
		if t.shards[t.evicted.Add(1)%shardCount].evict(t) {
			misses = -1
		}
	}
	return true
}

// sweep removes what has expired; it looks at nothing else.
func (t *table) sweep() {
	now := time.Now().UnixMilli()
	for i := range t.shards {
		for t.shards[i].sweep(t, now) == sweepBatch {
		}
	}
}

// sweep removes up to sweepBatch expired entries and returns how many.
func (s *shard) sweep(t *table, now int64) (removed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range []*expiryHeap{&s.lasting, &s.evictable} {
		for ; removed < sweepBatch && len(*h) > 0 && !(*h)[0].liveAt(now); removed++ {
			s.drop(t, (*h)[0])
		}
	}
	return removed
}

// evict drops the evictable entry that expires soonest, if there is one.
func (s *shard) evict(t *table) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.evictable) == 0 {
		return false
	}
	s.drop(t, s.evictable[0])
	return true
}

func (s *shard) drop(t *table, e *entry) {
	s.remove(e)
	t.size.Add(-e.size())
}

func (s *shard) remove(e *entry) {
	delete(s.entries, e.key)
	heap.Remove(s.heapOf(e), e.place)
}

func (s *shard) heapOf(e *entry) *expiryHeap {
	if strings.HasPrefix(e.key, sessionstore.EvictablePrefix) {
		return &s.evictable
	}
	return &s.lasting
}

// expiryHeap implements [heap.Interface]: the entry that expires soonest comes
// first, so a sweep never looks at one that is live but the next.
type expiryHeap []*entry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires < h[j].expires }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.place = len(*h)
	*h = append(*h, e)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil // so that the entry can be freed
	*h = (*h)[:last]
	return e
}
