package nearcache

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// entryOverhead is what an entry takes beside its key and value: its struct, its
// slot in the map, and the rounding of allocations.
const entryOverhead = 192

// shard is a part of a near cache. When it is full it drops entries by the
// SIEVE rule (Zhang et al., NSDI 2024): a hand goes from the oldest entry to
// newer ones, spares once each entry that was asked for since it last passed,
// and drops the first that was not. So a flood of keys that are asked for once
// doesn't crowd out the others, and a hit changes nothing but one flag.
type shard struct {
	mu             sync.RWMutex
	entries        map[string]*entry
	fetches        map[string]*fetch // under way, and not made old by anything since
	newest, oldest *entry
	hand           *entry // nil: starts at the oldest
	size           int64
}

// entry is an answer: a value, or that nothing is kept under the key.
type entry struct {
	key          string
	absent       bool
	value        []byte
	expires      int64 // milliseconds since 1970; of an absent value, none
	asked        atomic.Bool
	newer, older *entry
}

func (e *entry) size() int64 { return int64(len(e.key) + len(e.value) + entryOverhead) }

func (e *entry) answer() ([]byte, error) {
	if e.absent {
		return nil, sessionstore.ErrNotFound
	}
	return e.value, nil
}

// recall returns what is known of key, or nil.
func (s *shard) recall(key string) *entry {
	s.mu.RLock()
	e := s.entries[key]
	s.mu.RUnlock()
	if e == nil || (!e.absent && time.Now().UnixMilli() >= e.expires) {
		return nil
	}
	if !e.asked.Load() { // readers of one entry share its cache line
		e.asked.Store(true)
	}
	return e
}

// join returns the fetch of key that is under way, or registers a new one.
func (s *shard) join(key string, suspended *atomic.Bool) (f *fetch, joined bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.fetches[key]; f != nil {
		return f, true
	}
	f = &fetch{keep: !suspended.Load(), done: make(chan struct{})}
	s.fetches[key] = f
	return f, false
}

// land ends a fetch and keeps its answer, if it still counts and fits.
func (s *shard) land(key string, f *fetch, limit int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetches[key] == f {
		delete(s.fetches, key)
	}
	if !f.keep || (f.err != nil && !errors.Is(f.err, sessionstore.ErrNotFound)) {
		return
	}
	if held := s.entries[key]; held != nil {
		s.drop(held) // it has expired
	}
	e := &entry{key: strings.Clone(key), absent: f.err != nil, value: f.value, expires: f.expires.UnixMilli()}
	if e.size() > limit {
		return
	}
	for s.size+e.size() > limit {
		s.drop(s.victim())
	}
	s.entries[e.key] = e
	s.size += e.size()
	if e.older = s.newest; e.older != nil {
		e.older.newer = e
	} else {
		s.oldest = e
	}
	s.newest = e
}

// victim moves the hand to the entry that is to be dropped next.
func (s *shard) victim() *entry {
	e := s.hand
	if e == nil {
		e = s.oldest
	}
	for e.asked.Load() {
		e.asked.Store(false)
		if e = e.newer; e == nil {
			e = s.oldest
		}
	}
	s.hand = e
	return e
}

func (s *shard) drop(e *entry) {
	delete(s.entries, e.key)
	s.size -= e.size()
	if s.hand == e {
		s.hand = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		s.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		s.oldest = e.newer
	}
}

// forget makes what is known of key, or being asked, count no longer.
func (s *shard) forget(key string) {
	if e := s.entries[key]; e != nil {
		s.drop(e)
	}
	if f := s.fetches[key]; f != nil {
		f.keep = false
		delete(s.fetches, key) // who asks from now on asks anew
	}
}

// reset is forget for every key.
func (s *shard) reset() {
	for _, f := range s.fetches {
		f.keep = false
	}
	s.entries, s.fetches = make(map[string]*entry), make(map[string]*fetch)
	s.newest, s.oldest, s.hand, s.size = nil, nil, nil, 0
}
