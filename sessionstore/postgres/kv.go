package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-signin/caddy-signin/internal/nearcache"
	"github.com/caddy-signin/caddy-signin/internal/storelimits"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// listPage is how many values List fetches at a time.
const listPage = 500

// latest is the expiry of what expires later: no calendar goes further.
var latest = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// store is what realms get: values through the near cache, the rest directly.
type store struct {
	*nearcache.Cache
	*handle
}

func newStore(h *handle) *store { return &store{Cache: h.near, handle: h} }

// backend is the table of values. Whether one is live is decided by this
// node's clock, like everything else in a session.
type backend struct {
	h *handle
}

func (b *backend) Get(ctx context.Context, key string) ([]byte, error) {
	value, _, err := b.GetExpiring(ctx, key)
	return value, err
}

// GetExpiring implements [nearcache.Backend].
func (b *backend) GetExpiring(ctx context.Context, key string) (value []byte, expires time.Time, err error) {
	if err := check(ctx, key); err != nil {
		return nil, time.Time{}, err
	}
	const statement = `select value, expires from @signin_kv where key = $1 and expires > $2`
	err = b.h.read(ctx, "reading a value", func(ctx context.Context, db *database) error {
		err := db.QueryRow(ctx, b.h.sql(statement), []byte(key), b.h.now()).Scan(&value, &expires)
		return notFound(err)
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	if value == nil {
		value = []byte{}
	}
	return slices.Clip(value), expires, nil
}

func (b *backend) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if err := storelimits.CheckValue(value); err != nil {
		return err
	}
	if !expires.After(b.h.now()) {
		return b.Delete(ctx, key)
	}
	const statement = `insert into @signin_kv (key, value, expires) values ($1, $2, $3)
		on conflict (key) do update set value = excluded.value, expires = excluded.expires`
	_, err := b.h.exec(ctx, "storing a value", statement, []byte(key), notNull(value), inCalendar(expires))
	return err
}

func (b *backend) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	_, err := b.h.exec(ctx, "deleting a value", `delete from @signin_kv where key = $1`, []byte(key))
	return err
}

// Update calls change without a transaction or connection held, and again if
// the value was replaced meanwhile.
func (b *backend) Update(ctx context.Context, key string, change sessionstore.Change) error {
	for {
		old, oldExpires, err := b.GetExpiring(ctx, key)
		if err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
			return err
		}
		value, expires, err := change(old)
		if err != nil {
			return err
		}
		if err := storelimits.CheckValue(value); err != nil {
			return err
		}
		done, err := b.swap(ctx, key, entry{old, oldExpires}, entry{value, expires})
		if err != nil || done {
			return err
		}
	}
}

type entry struct {
	value   []byte
	expires time.Time
}

// swap replaces old, whose value is nil for a key that holds nothing live, by
// next; it returns false if something else is there by now. An entry that
// another node wrote anew, equal in value and expiry, is the same.
func (b *backend) swap(ctx context.Context, key string, old, next entry) (bool, error) {
	var statement string
	var args []any
	now := b.h.now()
	switch gone := !next.expires.After(now); {
	case gone && old.value == nil:
		return true, nil
	case gone:
		statement = `delete from @signin_kv where key = $1 and value = $2 and expires = $3`
		args = []any{[]byte(key), old.value, old.expires}
	case old.value == nil:
		statement = `insert into @signin_kv as kv (key, value, expires) values ($1, $2, $3)
			on conflict (key) do update set value = excluded.value, expires = excluded.expires where kv.expires <= $4`
		args = []any{[]byte(key), notNull(next.value), inCalendar(next.expires), now}
	default:
		statement = `update @signin_kv set value = $4, expires = $5 where key = $1 and value = $2 and expires = $3`
		args = []any{[]byte(key), old.value, old.expires, notNull(next.value), inCalendar(next.expires)}
	}
	rows, err := b.h.exec(ctx, "replacing a value", statement, args...)
	return rows == 1, err
}

// List implements [sessionstore.Lister], a page at a time.
func (b *backend) List(ctx context.Context, prefix string, yield func(key string, value []byte) bool) error {
	after, end := []byte(nil), prefixEnd(prefix)
	for {
		page, err := b.page(ctx, []byte(prefix), after, end)
		if err != nil {
			return err
		}
		for _, row := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(string(row.key), row.value) {
				return nil
			}
		}
		if len(page) < listPage {
			return nil
		}
		after = page[len(page)-1].key
	}
}

type keyed struct {
	key, value []byte
}

func (b *backend) page(ctx context.Context, from, after, end []byte) (page []keyed, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	const statement = `select key, value from @signin_kv
		where key >= $1 and ($2::bytea is null or key > $2) and ($3::bytea is null or key < $3) and expires > $4
		order by key limit $5`
	err = b.h.read(ctx, "listing values", func(ctx context.Context, db *database) error {
		rows, err := db.Query(ctx, b.h.sql(statement), from, after, end, b.h.now(), listPage)
		if err != nil {
			return fmt.Errorf("asking for a page: %w", err)
		}
		page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k keyed, err error) {
			err = row.Scan(&k.key, &k.value)
			return k, err
		})
		return err
	})
	return page, err
}

// prefixEnd is the first key behind all that begin with prefix; nil: none is.
func prefixEnd(prefix string) []byte {
	end := bytes.TrimRight([]byte(prefix), "\xff")
	if len(end) == 0 {
		return nil
	}
	end[len(end)-1]++
	return end
}

// exec runs one statement and returns how many rows it changed.
func (h *handle) exec(ctx context.Context, doing, statement string, args ...any) (rows int64, err error) {
	err = h.do(ctx, doing, func(ctx context.Context, db *database) error {
		tag, err := db.Exec(ctx, h.sql(statement), args...)
		if wasBroken(err) && pgconn.SafeToRetry(err) { // nothing was sent
			tag, err = db.Exec(ctx, h.sql(statement), args...)
		}
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storelimits.CheckKey(key)
}

// notNull is value, never nil: a value without bytes isn't the absence of one.
func notNull(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

func inCalendar(t time.Time) time.Time {
	if t.After(latest) {
		return latest
	}
	return t
}

func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return sessionstore.ErrNotFound
	}
	return err
}

// Interface guards
var (
	_ nearcache.Backend   = (*backend)(nil)
	_ sessionstore.Store  = (*store)(nil)
	_ sessionstore.Lister = (*store)(nil)
)
