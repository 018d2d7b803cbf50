// Package nearcache answers from memory what a session store that is far away, on a
// disk or behind a network, has answered before.
//
// It knows nothing of what is stored, nor how the store learns of what others write:
// the store tells it that by Invalidate, Suspend and Resume.
package nearcache

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/storelimits"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// shardCount is how many parts a cache has, so that those who use different keys
// rarely wait for each other.
const shardCount = 32

// Backend is a store that a near cache can stand before.
type Backend interface {
	sessionstore.Store
	sessionstore.Lister
	// GetExpiring is Get that also tells when the value expires.
	GetExpiring(ctx context.Context, key string) (value []byte, expires time.Time, err error)
}

// Cache is a near cache: a store that remembers what its backend answered, that
// nothing is kept under a key as well, and answers from memory until it is told
// otherwise. Of several concurrent calls that miss one asks the backend.
//
// It is coherent with what is written through it: a call of Get that begins
// after a write has returned sees the write. Whoever else writes to the backend
// must be reported by Invalidate, after the write; where reports may have been
// lost, Suspend, and Resume once they arrive again. An answer that the backend
// gave before such a report is never kept.
//
// An error of the backend is returned and never kept, so a cache whose backend
// is down goes on answering what it knows: Suspend it to fail closed.
type Cache struct {
	backend   Backend
	seed      maphash.Seed
	shards    [shardCount]shard
	limit     int64 // in bytes, of one shard
	suspended atomic.Bool
}

// New returns a near cache before backend that takes up to maxBytes of
// memory. An entry counts as its key, its value and 192 bytes of bookkeeping.
func New(backend Backend, maxBytes int64) *Cache {
	n := &Cache{backend: backend, seed: maphash.MakeSeed(), limit: maxBytes / shardCount}
	for i := range n.shards {
		n.shards[i].reset()
	}
	return n
}

// Get implements [sessionstore.Store].
func (n *Cache) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := storelimits.CheckKey(key); err != nil {
		return nil, err
	}
	s := n.shard(key)
	if e := s.recall(key); e != nil {
		return e.answer()
	}
	return n.ask(ctx, s, key)
}

// Put implements [sessionstore.Store].
func (n *Cache) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	defer n.Invalidate(key) // also after an error: the backend may have written
	return n.backend.Put(ctx, key, value, expires)
}

// Delete implements [sessionstore.Store].
func (n *Cache) Delete(ctx context.Context, key string) error {
	defer n.Invalidate(key)
	return n.backend.Delete(ctx, key)
}

// Update implements [sessionstore.Store]. What change gets comes from the backend.
func (n *Cache) Update(ctx context.Context, key string, change sessionstore.Change) error {
	defer n.Invalidate(key)
	return n.backend.Update(ctx, key, change)
}

// List implements [sessionstore.Lister]: the backend does.
func (n *Cache) List(ctx context.Context, prefix string, yield func(key string, value []byte) bool) error {
	return n.backend.List(ctx, prefix, yield)
}

// Invalidate says that the value of key was replaced or deleted behind the
// cache: what it knows, or is about to learn, of the key no longer counts.
func (n *Cache) Invalidate(key string) {
	s := n.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(key)
}

// InvalidateAll says that of every key.
func (n *Cache) InvalidateAll() {
	for i := range n.shards {
		s := &n.shards[i]
		s.mu.Lock()
		s.reset()
		s.mu.Unlock()
	}
}

// Suspend makes the cache forget everything and keep nothing: until Resume
// every answer is the backend's own. It is for when reports of other writers
// may be missing. Suspend and Resume are called by one goroutine, or in turn.
func (n *Cache) Suspend() {
	n.suspended.Store(true) // before: what joins a shard after its reset keeps nothing
	n.InvalidateAll()
}

// Resume ends a suspension: reports of other writers arrive again. What was
// asked before it is not kept.
func (n *Cache) Resume() {
	n.InvalidateAll() // before: what the backend is about to answer may be old
	n.suspended.Store(false)
}

func (n *Cache) shard(key string) *shard {
	return &n.shards[maphash.String(n.seed, key)%shardCount]
}

// fetch is one question to the backend and its answer, for all that ask
// meanwhile. The shard's lock guards keep; the rest is set before done closes.
type fetch struct {
	keep      bool // nothing has happened since that makes the answer old
	done      chan struct{}
	value     []byte
	expires   time.Time
	err       error
	abandoned bool // whoever asked gave up, so there is no answer
}

var errPanicked = errors.New("near cache: the backend panicked")

// ask gets the answer from the backend, or from a call that is asking it.
func (n *Cache) ask(ctx context.Context, s *shard, key string) ([]byte, error) {
	for {
		f, joined := s.join(key, &n.suspended)
		if !joined {
			n.fetch(ctx, s, key, f)
			return f.value, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !f.abandoned {
			return f.value, f.err
		}
	}
}

func (n *Cache) fetch(ctx context.Context, s *shard, key string, f *fetch) {
	f.err = errPanicked // what the others get if this panics
	defer func() {
		s.land(key, f, n.limit)
		close(f.done)
	}()
	value, expires, err := n.backend.GetExpiring(ctx, key)
	f.value, f.expires, f.err = slices.Clip(value), expires, err
	f.abandoned = err != nil && ctx.Err() != nil
}

// Interface guards
var (
	_ sessionstore.Store  = (*Cache)(nil)
	_ sessionstore.Lister = (*Cache)(nil)
)
