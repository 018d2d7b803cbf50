package bolt

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/nearcache"
	"github.com/caddy-signin/caddy-signin/internal/storelimits"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// store is one configuration's view of a file: the limit is its own, so that a
// configuration that fails to load leaves the running one's as it was.
type store struct {
	file  *file
	limit int64
}

// Get answers from the file's near cache: the writer tells it what changes.
func (s *store) Get(ctx context.Context, key string) ([]byte, error) {
	return s.file.near.Get(ctx, key)
}

// GetExpiring implements [nearcache.Backend], for that cache.
func (s *store) GetExpiring(ctx context.Context, key string) ([]byte, time.Time, error) {
	r, err := s.live(ctx, key)
	if err != nil {
		return nil, time.Time{}, err
	}
	if r == nil {
		return nil, time.Time{}, sessionstore.ErrNotFound
	}
	return r.value(), time.UnixMilli(r.expires()), nil
}

// live returns a copy of the live record of key, or nil.
func (s *store) live(ctx context.Context, key string) (live record, err error) {
	if err := check(ctx, key); err != nil {
		return nil, err
	}
	err = s.file.read(func(b *buckets) error {
		r, err := b.get(key)
		live = bytes.Clone(r.live(time.Now().UnixMilli()))
		return err
	})
	return live, err
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storelimits.CheckKey(key)
}

// Put implements [sessionstore.Store].
func (s *store) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if err := storelimits.CheckValue(value); err != nil {
		return err
	}
	return s.file.submit(ctx, &write{key: key, next: newRecord(value, expires), limit: s.limit})
}

// Delete implements [sessionstore.Store].
func (s *store) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	return s.file.submit(ctx, &write{key: key, limit: s.limit})
}

// Update calls change outside of any transaction, and again if the value was
// replaced meanwhile: change may take its time, use the store, or panic.
func (s *store) Update(ctx context.Context, key string, change sessionstore.Change) error {
	for {
		old, err := s.live(ctx, key)
		if err != nil {
			return err
		}
		value, expires, err := change(old.value())
		if err != nil {
			return err
		}
		if err := storelimits.CheckValue(value); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err = s.file.submit(ctx, &write{
			key: key, next: newRecord(value, expires), conditional: true, old: old, limit: s.limit,
		})
		if !errors.Is(err, errChanged) {
			return err
		}
	}
}

// listBatch is how many values List reads at a time: a transaction that stays
// open keeps pages from being used again.
const listBatch = 256

type listed struct {
	key   string
	value []byte
}

// List implements [sessionstore.Lister].
func (s *store) List(ctx context.Context, prefix string, yield func(key string, value []byte) bool) error {
	from := []byte(prefix)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		found, next, err := s.list(from, []byte(prefix))
		if err != nil {
			return err
		}
		for _, l := range found {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(l.key, l.value) {
				return nil
			}
		}
		if next == nil {
			return nil
		}
		from = next
	}
}

// list reads a batch of live values whose keys begin with prefix, starting at
// from, and where the next batch starts, which is nil when there is none.
func (s *store) list(from, prefix []byte) (found []listed, next []byte, err error) {
	err = s.file.read(func(b *buckets) error {
		now := time.Now().UnixMilli()
		cursor := b.values.Cursor()
		seen := 0
		for k, v := cursor.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, v = cursor.Next() {
			if seen++; seen > listBatch {
				next = bytes.Clone(k)
				return nil
			}
			if len(v) >= expiryLength && record(v).live(now) != nil {
				found = append(found, listed{string(k), bytes.Clone(record(v).value())})
			}
		}
		return nil
	})
	return found, next, err
}

// Interface guards
var _ nearcache.Backend = (*store)(nil)
