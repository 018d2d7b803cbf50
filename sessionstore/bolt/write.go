package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

const (
	// maxBatch bounds the writes of one transaction.
	maxBatch = 1000
	// sweepInterval and sweepBatch say how fast an idle store lets go of what
	// has expired: a transaction of 200 takes the disk for some 10 ms.
	sweepInterval = time.Second
	sweepBatch    = 200
	// writeTimeout bounds the wait for a disk that hangs.
	writeTimeout = 10 * time.Second
)

var (
	errChanged = errors.New("the value has changed meanwhile")
	errSlow    = fmt.Errorf("the disk has not taken the write within %v, and it is not known whether it will", writeTimeout)
)

// write is one change of one key. The writer sets err and closes done once the
// change is on the disk, or known not to be.
type write struct {
	key         string
	next        record // nil deletes
	conditional bool   // only if what is live is still old
	old         record
	limit       int64
	err         error
	done        chan struct{}
}

// submit has w done by the writer. An error of ctx that comes while the writer
// is at it leaves open whether w was done.
func (f *file) submit(ctx context.Context, w *write) error {
	if _, err := f.open(); err != nil {
		return err
	}
	w.done = make(chan struct{})
	slow := time.NewTimer(writeTimeout)
	defer slow.Stop()
	writes := f.writes
	for {
		select {
		case writes <- w:
			writes = nil // the writer has it
		case <-w.done:
			return w.err
		case <-ctx.Done():
			return ctx.Err()
		case <-slow.C:
			return f.wrap("", errSlow)
		case <-f.stopped:
			return f.gone(w)
		}
	}
}

// gone is the answer of a writer that has ended.
func (f *file) gone(w *write) error {
	select {
	case <-w.done: // its last
		return w.err
	default:
	}
	_, err := f.open()
	return err
}

// writeUntilStopped is the file's writer: a transaction takes all writes that
// came while the one before it was being synced to the disk.
func (f *file) writeUntilStopped(db *bbolt.DB) {
	defer close(f.stopped)
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		var batch []*write
		select {
		case w := <-f.writes:
			batch = f.gather(w)
		case <-ticker.C:
		case <-f.stop:
			return
		}
		if batch == nil && !f.hasExpired() {
			continue
		}
		if !f.commit(db, batch) {
			return
		}
	}
}

// gather returns w and all writes that wait.
func (f *file) gather(w *write) []*write {
	batch := []*write{w}
	for len(batch) < maxBatch {
		select {
		case w := <-f.writes:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// hasExpired reports whether there is something to sweep.
func (f *file) hasExpired() (found bool) {
	err := f.read(func(b *buckets) error {
		b.withIndexes()
		now := time.Now().UnixMilli()
		for _, index := range []*bbolt.Bucket{b.lasting, b.evictable} {
			if k, _ := index.Cursor().First(); len(k) >= expiryLength && record(k).expires() <= now {
				found = true
			}
		}
		return nil
	})
	return found && err == nil
}

// commit does a batch in one transaction, and some sweeping with it: more than
// it adds, so that no load makes the file grow without end. It returns false
// when the file must not be used any more.
func (f *file) commit(db *bbolt.DB, batch []*write) (usable bool) {
	sweep := 8 + 2*len(batch)
	if batch == nil {
		sweep = sweepBatch
	}
	refused := make([]error, len(batch))
	err := guarded(func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			return apply(valuesOf(tx).withIndexes(), batch, refused, sweep)
		})
	})
	if err != nil {
		err = f.wrap("writing: ", err)
		if errors.Is(err, ErrDamaged) {
			f.giveUp(err)
		}
	}
	for i, w := range batch {
		if w.err = err; err == nil {
			w.err = refused[i]
		}
		f.near.Invalidate(w.key) // after an error too: the disk may have it
		close(w.done)
	}
	return !errors.Is(err, ErrDamaged)
}

// apply does the batch; refused gets why a write of it can't be done.
func apply(b *buckets, batch []*write, refused []error, sweep int) error {
	now := time.Now().UnixMilli()
	for _, index := range []*bbolt.Bucket{b.lasting, b.evictable} {
		if _, err := b.sweep(index, now, sweep); err != nil {
			return err
		}
	}
	used := b.used()
	for i, w := range batch {
		held, err := b.get(w.key)
		if err != nil {
			return err
		}
		if w.conditional && !bytes.Equal(held.live(now), w.old) {
			refused[i] = errChanged
			continue
		}
		grows := max(0, int64(len(w.next)-len(held)))
		if grows > 0 && used+grows > w.limit {
			refused[i], held, err = b.makeRoom(w, held, sweep)
			if err != nil {
				return err
			}
			if refused[i] != nil {
				continue
			}
		}
		if err := b.replace(w.key, held, w.next); err != nil {
			return err
		}
		used += grows
	}
	return nil
}

// makeRoom drops up to most evictable entries, the soonest first, for a write
// in a full store, and returns what the write's key holds after that. Pages are
// free only once they are empty, so it drops more than the write takes.
func (b *buckets) makeRoom(w *write, held record, most int) (refused error, left record, err error) {
	evicted, err := b.sweep(b.evictable, math.MaxInt64, most)
	if err != nil {
		return nil, nil, err
	}
	if evicted == 0 {
		return fmt.Errorf("bolt store: all of its %d bytes are in use, raise max_size: %w", w.limit, sessionstore.ErrFull), held, nil
	}
	left, err = b.get(w.key) // it may have been among them
	return nil, left, err
}

// used is how many bytes of the file are in use.
func (b *buckets) used() int64 {
	stats := b.tx.DB().Stats()
	return b.tx.Size() - int64(stats.FreePageN+stats.PendingPageN)*int64(b.tx.DB().Info().PageSize)
}
