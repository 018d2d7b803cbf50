package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/nearcache"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

var (
	// ErrInUse says that another process has the file open.
	ErrInUse = errors.New("in use by another process: stop the other Caddy, or give one of the two a file of its own (store bolt <path>)")
	// ErrDamaged says that the file is not what this store wrote.
	ErrDamaged = errors.New("damaged, or not a file of this store: restore a backup, or move the file away and restart Caddy to begin with an empty one")

	errClosed = errors.New("closed: no configuration uses it any more")
)

const (
	// retryAfter is how long a failure to open stands before the next attempt.
	retryAfter = 250 * time.Millisecond
	// remindAfter is how often a failure that goes on is logged.
	remindAfter = time.Minute
	// closeTimeout bounds how long a disk that hangs keeps a configuration from
	// being unloaded.
	closeTimeout = 10 * time.Second
)

// file is one database file of this process. It opens when Caddy starts
// or on first use, and goes on trying while it can't.
type file struct {
	path    string
	options bbolt.Options
	near    *nearcache.Cache
	db      atomic.Pointer[bbolt.DB] // nil until it is open, and once it is damaged

	mu       sync.Mutex // held to open and to close
	closed   bool
	failure  error // of the last attempt to open; ErrDamaged is for good
	failedAt time.Time
	loggedAt time.Time

	writes  chan *write   // unbuffered: what the writer has not taken was not begun
	stop    chan struct{} // closed to end the writer
	stopped chan struct{} // closed by the writer when it ends
}

func newFile(path string) *file {
	f := &file{
		path: path,
		// The freelist is kept in the file: rebuilding it, bbolt panics on a
		// damaged file where nobody can recover. A Timeout of 0 would wait.
		options: bbolt.Options{Timeout: time.Nanosecond, FreelistType: bbolt.FreelistMapType},
		writes:  make(chan *write),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	f.near = nearcache.New(&store{file: f, limit: defaultMaxSize}, nearSize)
	return f
}

// log is the process's logger, for a file outlives configurations.
func (f *file) log() *zap.Logger {
	return caddy.Log().Named(sessionstore.Namespace + ".bolt").With(zap.String("path", f.path))
}

func (f *file) wrap(doing string, err error) error {
	return fmt.Errorf("bolt store %s: %s%w", f.path, doing, err)
}

// open returns the database, which the first call opens.
func (f *file) open() (*bbolt.DB, error) {
	if db := f.db.Load(); db != nil {
		return db, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.db.Load() != nil:
		return f.db.Load(), nil
	case f.closed:
		return nil, f.wrap("", errClosed)
	case errors.Is(f.failure, ErrDamaged) || (f.failure != nil && time.Since(f.failedAt) < retryAfter):
		return nil, f.failure
	}
	db, err := f.attempt()
	if err != nil {
		f.failed(err)
		return nil, err
	}
	if f.failure != nil {
		f.log().Info("the store's file is open now")
		f.failure, f.loggedAt = nil, time.Time{}
	}
	go f.writeUntilStopped(db)
	f.db.Store(db)
	return db, nil
}

// failed remembers a failure to open. f.mu is held.
func (f *file) failed(err error) {
	f.failure, f.failedAt = err, time.Now()
	if f.loggedAt.IsZero() || time.Since(f.loggedAt) >= remindAfter {
		f.loggedAt = time.Now()
		f.log().Error("the store's file can't be used: gates and sign-ins answer 503 until it can", zap.Error(err))
	}
}

// attempt opens the file and makes it ready.
func (f *file) attempt() (*bbolt.DB, error) {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return nil, f.wrap("making its folder: ", err)
	}
	var db *bbolt.DB
	err := guarded(func() (err error) {
		options := f.options
		if err := checkLength(f.path, options); err != nil {
			return err
		}
		if db, err = bbolt.Open(f.path, 0o600, &options); err != nil {
			return openingError(err)
		}
		if err = prepare(db); err != nil {
			return errors.Join(err, db.Close())
		}
		return nil
	})
	if err != nil {
		return nil, f.wrap("opening: ", err)
	}
	return db, nil
}

// checkLength refuses a file that was cut: opened for writing, bbolt would look
// for its pages in memory that isn't the file's.
func checkLength(path string, options bbolt.Options) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && (info.Size() == 0 || !info.Mode().IsRegular())) {
		return nil
	}
	if err != nil {
		return err
	}
	options.ReadOnly = true
	db, err := bbolt.Open(path, 0, &options)
	if err != nil {
		return openingError(err)
	}
	var size int64
	err = db.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil })
	if size > info.Size() {
		err = fmt.Errorf("%w (it has %d bytes of %d)", ErrDamaged, info.Size(), size)
	}
	return errors.Join(err, db.Close())
}

// openingError tells from what bbolt says, which has no types for all of it,
// whose fault it is: the system's, another process's, or the file's.
func openingError(err error) error {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return err
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrInUse
	default:
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
}

// guarded makes an error of what bbolt does when a page is not what it must be:
// it panics, or touches memory that the file no longer backs.
func guarded(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%w (%v)", ErrDamaged, reason)
		}
	}()
	return do()
}

// read runs a read transaction. What do gets is valid only within it.
func (f *file) read(do func(b *buckets) error) error {
	db, err := f.open()
	if err != nil {
		return err
	}
	err = guarded(func() error {
		return db.View(func(tx *bbolt.Tx) error { return do(valuesOf(tx)) })
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return f.wrap("", errClosed)
	default:
		return f.wrap("reading: ", err)
	}
}

// giveUp makes every later use fail: a write found the file damaged, and what
// bbolt holds in memory can't be trusted after that.
func (f *file) giveUp(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.db.Store(nil)
	f.near.Suspend()
	f.failed(err)
}

// Destruct implements [caddy.Destructor]: it ends the writer and closes the
// file, which waits for those who read.
func (f *file) Destruct() error {
	f.mu.Lock()
	f.closed = true
	close(f.stop)
	db := f.db.Swap(nil)
	f.near.Suspend()
	f.mu.Unlock()
	if db == nil { // never opened, or damaged: then its locks may be held for good
		return nil
	}
	done := make(chan error, 1)
	go func() {
		<-f.stopped
		done <- db.Close()
	}()
	select {
	case err := <-done:
		if err != nil {
			return f.wrap("closing: ", err)
		}
		return nil
	case <-time.After(closeTimeout):
		return f.wrap("", errors.New("closing: the disk does not answer"))
	}
}
