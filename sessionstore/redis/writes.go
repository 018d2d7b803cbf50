package redis

import (
	"sync"
	"sync/atomic"
	"time"
)

// ownWriteTime is how long after a write of ours its key is read from the
// server: the word that a remembered value is void may come after the answer
// to the write that made it so.
const ownWriteTime = time.Second

// ownWrites are the keys that this process wrote or deleted a moment ago.
type ownWrites struct {
	count atomic.Int64 // of keys, so that a reader needs no lock when there are none

	mu     sync.RWMutex
	latest map[string]time.Time
	queue  []ownWrite // oldest first; a key that is written again is in it again
}

type ownWrite struct {
	key string
	at  time.Time
}

func (w *ownWrites) add(key string) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest == nil {
		w.latest = make(map[string]time.Time)
	}
	w.latest[key] = now
	w.queue = append(w.queue, ownWrite{key, now})
	past := 0
	for now.Sub(w.queue[past].at) >= ownWriteTime {
		if old := w.queue[past]; w.latest[old.key].Equal(old.at) {
			delete(w.latest, old.key)
		}
		past++
	}
	if w.queue = w.queue[past:]; cap(w.queue) > 64 && len(w.queue) == 1 {
		w.queue = append([]ownWrite(nil), w.queue...) // let a burst's memory go
	}
	w.count.Store(int64(len(w.latest)))
}

func (w *ownWrites) has(key string) bool {
	if w.count.Load() == 0 {
		return false
	}
	w.mu.RLock()
	at, ok := w.latest[key]
	w.mu.RUnlock()
	return ok && time.Since(at) < ownWriteTime
}
