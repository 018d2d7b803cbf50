// Package memory keeps a realm's state in this process: the guest module
// signin.stores.memory.
package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/internal/storelimits"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func init() {
	caddy.RegisterModule(Memory{})
}

const (
	defaultMaxSize = 64 << 20
	minMaxSize     = 1 << 20
)

// Memory keeps a realm's state in this process. It survives a reload of the
// configuration, not a restart: a session that was signed out works again
// after one, until it expires.
//
// Its size is bounded. What is live is never dropped to make room, but for what
// strangers can make it write, such as counts of failed sign-ins: a full store
// refuses to write.
type Memory struct {
	// The most bytes that the realm's entries may take. An entry counts as its
	// key, its value and 192 bytes of bookkeeping; a revocation is about 300
	// bytes. At least 1048576 (1 MiB). Default: 67108864 (64 MiB).
	MaxSize int64 `json:"max_size,omitempty"`

	realm string
	table *table // set by Open: the reference that Cleanup gives back
}

// CaddyModule returns the Caddy module information.
func (Memory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  sessionstore.Namespace + ".memory",
		New: func() caddy.Module { return new(Memory) },
	}
}

// tables holds one table per realm key, so that a reload finds the old one's.
var tables = caddy.NewUsagePool()

// Provision sets the default.
func (m *Memory) Provision(caddy.Context) error {
	if m.MaxSize == 0 {
		m.MaxSize = defaultMaxSize
	}
	return nil
}

// Validate refuses a size that is too small to be meant.
func (m *Memory) Validate() error {
	if m.MaxSize < minMaxSize {
		return fmt.Errorf("memory store: max_size is %d bytes: make it at least %d (1MiB)", m.MaxSize, minMaxSize)
	}
	return nil
}

// Open implements [sessionstore.Module].
func (m *Memory) Open(realm string) (sessionstore.Store, error) {
	if m.table != nil {
		return nil, fmt.Errorf("memory store of realm %q: already open", m.realm)
	}
	v, _, err := tables.LoadOrNew(realm, func() (caddy.Destructor, error) { return newTable(), nil })
	if err != nil {
		return nil, fmt.Errorf("memory store of realm %q: %w", realm, err)
	}
	m.realm, m.table = realm, v.(*table)
	return &store{table: m.table, limit: m.MaxSize}, nil
}

// Cleanup gives the table back; the last reference frees it.
func (m *Memory) Cleanup() error {
	if m.table == nil {
		return nil
	}
	_, err := tables.Delete(m.realm)
	return err
}

// UnmarshalCaddyfile sets up the store from Caddyfile tokens. Syntax:
//
//	memory {
//		max_size <size>
//	}
//
// The size has a unit, such as 64MiB.
func (m *Memory) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the module's name
	if d.NextArg() {
		return d.Errf("memory: unexpected %q: write max_size in its block, or nothing", d.Val())
	}
	block := directive.Section{Name: "memory", Unknown: "%q is not known: write max_size, or leave the block out"}
	return block.Read(d, directive.Options{"max_size": directive.Size(&m.MaxSize, minMaxSize, "64MiB")})
}

// store is one configuration's view of a table: the limit is its own, so
// that a configuration that fails to load leaves the running one's as it was.
type store struct {
	table *table
	limit int64
}

func (s *store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := storelimits.CheckKey(key); err != nil {
		return nil, err
	}
	e := s.table.live(key)
	if e == nil {
		return nil, sessionstore.ErrNotFound
	}
	return e.value, nil
}

func (s *store) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	return s.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return value, expires, nil })
}

func (s *store) Delete(ctx context.Context, key string) error {
	return s.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return nil, time.Time{}, nil })
}

// Update calls change without a lock held, and again if the value was replaced
// meanwhile: change may take its time, use the store, or panic.
func (s *store) Update(ctx context.Context, key string, change sessionstore.Change) error {
	if err := storelimits.CheckKey(key); err != nil {
		return err
	}
	for ctx.Err() == nil {
		old := s.table.live(key)
		value, expires, err := change(old.bytes())
		if err != nil {
			return err
		}
		if err := storelimits.CheckValue(value); err != nil {
			return err
		}
		next := newEntry(key, value, expires)
		done, fits := s.table.swap(key, old, next, s.limit)
		if done {
			return nil
		}
		if !fits && !s.table.makeRoom(next.size()-old.size(), s.limit) {
			return fmt.Errorf("memory store: all of its %d bytes are in use, raise max_size: %w", s.limit, sessionstore.ErrFull)
		}
	}
	return ctx.Err()
}

// List implements [sessionstore.Lister].
func (s *store) List(ctx context.Context, prefix string, yield func(key string, value []byte) bool) error {
	for _, e := range s.table.list(prefix) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !yield(e.key, e.value) {
			return nil
		}
	}
	return ctx.Err()
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Memory)(nil)
	_ caddy.Validator       = (*Memory)(nil)
	_ caddy.CleanerUpper    = (*Memory)(nil)
	_ caddyfile.Unmarshaler = (*Memory)(nil)
	_ sessionstore.Module   = (*Memory)(nil)
	_ sessionstore.Lister   = (*store)(nil)
)
