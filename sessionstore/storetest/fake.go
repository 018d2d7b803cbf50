package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/storelimits"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Fake is a store in memory for the tests of what uses a store: it counts what it
// is asked, and fails on demand. [NewFake] makes one. It starts no goroutine, so
// that it may be used in a [synctest] bubble and outside.
type Fake struct {
	mu            sync.Mutex
	values        map[string]fakeValue
	err           error
	reads, writes int
	before        func()
}

type fakeValue struct {
	value   []byte
	expires time.Time
}

// NewFake returns an empty store.
func NewFake() *Fake { return &Fake{values: make(map[string]fakeValue)} }

// Fail has every method return err from now on, until it is nil.
func (f *Fake) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// BeforeWrite has hook run before the next write, once, as if somebody else were
// faster. The hook may use the store, and set the next hook.
func (f *Fake) BeforeWrite(hook func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = hook
}

// Counts returns how many values were asked for, and how many written or deleted,
// since the last call.
func (f *Fake) Counts() (reads, writes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reads, writes = f.reads, f.writes
	f.reads, f.writes = 0, 0
	return reads, writes
}

// Values returns all that was stored and not deleted since, by key.
func (f *Fake) Values() map[string][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string][]byte, len(f.values))
	for key, kept := range f.values {
		all[key] = kept.value
	}
	return all
}

// refuses returns why nothing can be done with a key.
func (f *Fake) refuses(ctx context.Context, key string) error {
	return cmp.Or(ctx.Err(), storelimits.CheckKey(key), f.err)
}

// Get implements [sessionstore.Store].
func (f *Fake) Get(ctx context.Context, key string) ([]byte, error) {
	value, _, err := f.GetExpiring(ctx, key)
	return value, err
}

// GetExpiring is Get that also tells when the value expires.
func (f *Fake) GetExpiring(ctx context.Context, key string) ([]byte, time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if err := f.refuses(ctx, key); err != nil {
		return nil, time.Time{}, err
	}
	if value := f.live(key); value != nil {
		return value, f.values[key].expires, nil
	}
	return nil, time.Time{}, sessionstore.ErrNotFound
}

// live is the value under a key, nil where there is none.
func (f *Fake) live(key string) []byte {
	if kept, ok := f.values[key]; ok && time.Now().Before(kept.expires) {
		return kept.value
	}
	return nil
}

// Put implements [sessionstore.Store].
func (f *Fake) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	return f.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return value, expires, nil })
}

// Delete implements [sessionstore.Store].
func (f *Fake) Delete(ctx context.Context, key string) error {
	return f.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return nil, time.Time{}, nil })
}

// Update implements [sessionstore.Store].
func (f *Fake) Update(ctx context.Context, key string, change sessionstore.Change) error {
	f.mu.Lock()
	before := f.before
	f.before = nil
	f.mu.Unlock()
	if before != nil {
		before()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refuses(ctx, key); err != nil {
		return err
	}
	value, expires, err := change(f.live(key))
	if err == nil && !expires.IsZero() {
		err = storelimits.CheckValue(value)
	}
	if err != nil {
		return err
	}
	f.writes++
	if f.values[key] = (fakeValue{slices.Clip(append([]byte{}, value...)), expires}); expires.IsZero() {
		delete(f.values, key)
	}
	return nil
}

// List implements [sessionstore.Lister].
func (f *Fake) List(ctx context.Context, prefix string, yield func(string, []byte) bool) error {
	f.mu.Lock()
	err, kept := cmp.Or(ctx.Err(), f.err), maps.Clone(f.values)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	now := time.Now()
	for key, value := range kept {
		if strings.HasPrefix(key, prefix) && now.Before(value.expires) && !yield(key, value.value) {
			break
		}
	}
	return nil
}

var (
	_ sessionstore.Store  = (*Fake)(nil)
	_ sessionstore.Lister = (*Fake)(nil)
)
