package bolt

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// The file's format. Another one gets other names.
//
//	values:    key → record
//	lasting:   expiry, key → nothing     of every key but the evictable ones
//	evictable: expiry, key → nothing     of those
//
// A record is the expiry and the value; an expiry is 8 bytes, in milliseconds
// since 1970, most significant first, so that the indexes are in its order.
var valuesName, lastingName, evictableName = []byte("values 1"), []byte("lasting 1"), []byte("evictable 1")

const expiryLength = 8

// record is nil for nothing.
type record []byte

// newRecord returns nil when expires has come.
func newRecord(value []byte, expires time.Time) record {
	if expires.UnixMilli() <= time.Now().UnixMilli() {
		return nil
	}
	r := make(record, 0, expiryLength+len(value))
	r = binary.BigEndian.AppendUint64(r, uint64(expires.UnixMilli()))
	return append(r, value...)
}

func (r record) expires() int64 { return int64(binary.BigEndian.Uint64(r)) }

// value is nil for nothing, and has no room behind it.
func (r record) value() []byte {
	if r == nil {
		return nil
	}
	return r[expiryLength:len(r):len(r)]
}

// live returns nil when the record has expired.
func (r record) live(now int64) record {
	if r == nil || now >= r.expires() {
		return nil
	}
	return r
}

// indexKey is the key of an index's entry.
func (r record) indexKey(key string) []byte {
	return append(append(make([]byte, 0, expiryLength+len(key)), r[:expiryLength]...), key...)
}

// buckets are a transaction's. Who only reads values has no use for the indexes.
type buckets struct {
	tx                 *bbolt.Tx
	values             *bbolt.Bucket
	lasting, evictable *bbolt.Bucket
}

func valuesOf(tx *bbolt.Tx) *buckets { return &buckets{tx: tx, values: tx.Bucket(valuesName)} }

func (b *buckets) withIndexes() *buckets {
	b.lasting, b.evictable = b.tx.Bucket(lastingName), b.tx.Bucket(evictableName)
	return b
}

// prepare makes the buckets of a new file, and refuses a file of anything else.
func prepare(db *bbolt.DB) error {
	var names []string
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			names = append(names, string(name))
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("looking for its buckets: %w", err)
	}
	ours := []string{string(evictableName), string(lastingName), string(valuesName)} // as bbolt sorts them
	switch strings.Join(names, ", ") {
	case "":
		return db.Update(func(tx *bbolt.Tx) error {
			for _, name := range ours {
				if _, err := tx.CreateBucket([]byte(name)); err != nil {
					return err
				}
			}
			return nil
		})
	case strings.Join(ours, ", "):
		// A write transaction, though of nothing, tells bbolt how much is free.
		tx, err := db.Begin(true)
		if err != nil {
			return fmt.Errorf("counting its free pages: %w", err)
		}
		return tx.Rollback()
	default:
		return fmt.Errorf("%w: it has %q, this version knows %q", ErrDamaged, names, ours)
	}
}

// get returns the record of key, live or not; it is valid in the transaction.
func (b *buckets) get(key string) (record, error) {
	r := record(b.values.Get([]byte(key)))
	if r != nil && len(r) < expiryLength {
		return nil, fmt.Errorf("a record of %d bytes: %w", len(r), ErrDamaged)
	}
	return r, nil
}

func (b *buckets) index(key string) *bbolt.Bucket {
	if strings.HasPrefix(key, sessionstore.EvictablePrefix) {
		return b.evictable
	}
	return b.lasting
}

// replace puts next in the place of held, what is there now; nil is nothing.
func (b *buckets) replace(key string, held, next record) error {
	if held != nil {
		if err := b.index(key).Delete(held.indexKey(key)); err != nil {
			return err
		}
	}
	if next == nil {
		return b.values.Delete([]byte(key))
	}
	if err := b.index(key).Put(next.indexKey(key), nil); err != nil {
		return err
	}
	return b.values.Put([]byte(key), next)
}

// sweep removes up to most entries of an index, the soonest first, of those
// that expire before end, and returns how many.
func (b *buckets) sweep(index *bbolt.Bucket, end int64, most int) (removed int, err error) {
	var keys [][]byte
	cursor := index.Cursor()
	for k, _ := cursor.First(); k != nil && len(keys) < most; k, _ = cursor.Next() {
		if len(k) < expiryLength {
			return 0, fmt.Errorf("an index entry of %d bytes: %w", len(k), ErrDamaged)
		}
		if record(k).expires() > end {
			break
		}
		keys = append(keys, k)
	}
	for _, k := range keys { // a cursor loses its place when its bucket changes
		if err := b.values.Delete(k[expiryLength:]); err != nil {
			return 0, err
		}
		if err := index.Delete(k); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}
