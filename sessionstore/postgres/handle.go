package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/nearcache"
)

const (
	// nearSize is the most memory, in bytes, that what was read may take.
	nearSize = 32 << 20
	// prepareTimeout bounds connecting and looking at, or making, the tables.
	prepareTimeout = 3 * time.Second
	// destructTimeout is how long the last user waits for connections to close.
	destructTimeout = 2 * time.Second
)

var errClosed = errors.New("the store is closed")

// handle is the connections to one database, shared by all configurations that
// name it. It connects on first use.
type handle struct {
	options *options
	tables  *strings.Replacer // @name → the quoted name of a table
	near    *nearcache.Cache
	now     func() time.Time
	limit   time.Duration // of one statement, with the wait for a connection

	ctx    context.Context // of what runs in the background
	cancel context.CancelFunc
	wait   sync.WaitGroup
	ready  atomic.Pointer[database] // nil until its tables are known to be there

	mu        sync.Mutex
	pool      *pgxpool.Pool // nil before the first use
	preparing *preparation  // nil unless under way
	watched   bool          // the background work was started
}

// database is one that can be used: its tables are there.
type database struct {
	*pgxpool.Pool
	schema string // where the tables are
	table  uint32 // the object id of the table of values
}

// preparation is an attempt to make the database usable, for all that wait.
type preparation struct {
	done chan struct{}
	db   *database
	err  error
}

func newHandle(o *options) *handle {
	h := &handle{options: o, tables: tableNames(o.schema), now: time.Now, limit: callTimeout}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.near = nearcache.New(&backend{h}, nearSize)
	h.near.Suspend() // until the database tells what others write
	return h
}

// Destruct implements [caddy.Destructor].
func (h *handle) Destruct() error {
	h.mu.Lock() // nothing begins after this
	h.cancel()
	h.mu.Unlock()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		h.wait.Wait()
		if h.pool != nil {
			h.pool.Close()
		}
	}()
	select {
	case <-closed:
	case <-time.After(destructTimeout): // a frozen server: they end by themselves
	}
	return nil
}

// log is always the current configuration's.
func (*handle) log() *zap.Logger { return caddy.Log().Named("signin.stores.postgres") }

// do runs f with the database, within the limit.
func (h *handle) do(caller context.Context, doing string, f func(ctx context.Context, db *database) error) error {
	ctx, cancel := context.WithTimeout(caller, h.limit)
	defer cancel()
	db, err := h.database(ctx)
	if err == nil {
		err = f(ctx, db)
	}
	if hasCode(err, undefinedTable, undefinedSchema) {
		// Dropped, or restored from elsewhere: nothing is known any more.
		h.ready.CompareAndSwap(db, nil)
		h.near.InvalidateAll()
	}
	return h.explain(caller, doing, err)
}

// read is do for what may be done twice: once more after a broken connection,
// because a server that restarts breaks those that lie ready.
func (h *handle) read(caller context.Context, doing string, f func(ctx context.Context, db *database) error) error {
	return h.do(caller, doing, func(ctx context.Context, db *database) error {
		err := f(ctx, db)
		if wasBroken(err) && !isAnswer(err) && ctx.Err() == nil {
			db.Reset() // the others are most likely broken too
			err = f(ctx, db)
		}
		return err
	})
}

func (h *handle) database(ctx context.Context) (*database, error) {
	if h.ctx.Err() != nil {
		return nil, errClosed
	}
	if db := h.ready.Load(); db != nil {
		return db, nil
	}
	p, err := h.prepare() //nolint:contextcheck // it outlives its callers
	if err != nil {
		return nil, err
	}
	select {
	case <-p.done:
		return p.db, p.err
	case <-ctx.Done():
		return nil, fmt.Errorf("preparing the database: %w", ctx.Err())
	}
}

// prepare joins the attempt to make the database usable, or starts one. It goes
// on when its callers give up: the next ones find it done.
func (h *handle) prepare() (*preparation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx.Err() != nil {
		return nil, errClosed
	}
	if h.preparing != nil {
		return h.preparing, nil
	}
	if h.pool == nil {
		pool, err := pgxpool.NewWithConfig(h.ctx, h.options.config.Copy())
		if err != nil {
			return nil, fmt.Errorf("making the connection pool: %w", err)
		}
		h.pool = pool
	}
	p, pool := &preparation{done: make(chan struct{})}, h.pool
	h.preparing = p
	h.wait.Go(func() {
		ctx, cancel := context.WithTimeout(h.ctx, prepareTimeout)
		defer cancel()
		db := &database{Pool: pool}
		var err error
		if db.schema, err = h.migrate(ctx, pool); err == nil {
			db.table, err = h.valuesTable(ctx, pool)
		}
		h.prepared(p, db, err)
	})
	return p, nil
}

func (h *handle) prepared(p *preparation, db *database, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.preparing = nil
	if err != nil {
		p.err = err
	} else {
		p.db = db
		h.ready.Store(db)
		if !h.watched {
			h.watched = true
			h.wait.Go(h.listen)
			h.wait.Go(h.sweep)
		}
	}
	close(p.done)
}

// pause waits for d; it returns false when the handle is closed meanwhile.
func (h *handle) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.ctx.Done():
		return false
	}
}

var _ caddy.Destructor = (*handle)(nil)
