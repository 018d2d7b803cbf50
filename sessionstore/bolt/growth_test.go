package bolt

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func size(t testing.TB, s *store) int64 {
	t.Helper()
	info, err := os.Stat(s.file.path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// entries counts what is in the file, live or not.
func entries(t testing.TB, s *store) (values, indexed int) {
	t.Helper()
	err := s.file.read(func(b *buckets) error {
		b.withIndexes()
		values = b.values.Stats().KeyN
		indexed = b.lasting.Stats().KeyN + b.evictable.Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return values, indexed
}

// putMany writes n values in one batch of the writer's.
func putMany(s *store, db *bbolt.DB, prefix string, n int, in time.Duration) {
	batch := make([]*write, n)
	for i := range batch {
		key := fmt.Sprintf("%s|%016x", prefix, uint64(i+1)*0x9e3779b97f4a7c15) // in no order
		batch[i] = &write{key: key, next: newRecord(make([]byte, 64), time.Now().Add(in)), limit: s.limit, done: make(chan struct{})}
	}
	s.file.commit(db, batch)
}

func TestAMillionExpiringEntriesDoNotMakeTheFileGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		const seconds, perSecond, life = 2000, 500, 4 * time.Second
		var early int64
		db, err := s.file.open()
		if err != nil {
			t.Fatal(err)
		}
		for second := range seconds {
			prefix := fmt.Sprint("revoked|", second)
			if second%2 == 0 {
				prefix = sessionstore.EvictablePrefix + prefix
			}
			putMany(s, db, prefix, perSecond, life)
			if second == seconds/10 {
				early = size(t, s)
			}
			time.Sleep(time.Second)
		}
		values, indexed := entries(t, s)
		t.Logf("%d MB after a tenth of them, %d MB after all; %d entries are left", early>>20, size(t, s)>>20, values)
		if last := size(t, s); last > early*3/2 {
			t.Errorf("the file grew from %d to %d bytes", early, last)
		}
		if live := int(life/time.Second) * perSecond; values != indexed || values > 2*live {
			t.Errorf("%d values and %d index entries are left, of which %d live", values, indexed, live)
		}
		time.Sleep(time.Hour) // of no writes
		if values, indexed := entries(t, s); values != 0 || indexed != 0 {
			t.Errorf("an idle store keeps %d values and %d index entries that have expired", values, indexed)
		}
	})
}

func TestBoltThatIsFullRefusesAndKeepsWhatIsLive(t *testing.T) {
	s := newStore(t)
	s.limit = minMaxSize
	value := make([]byte, 32<<10)
	put := func(key string) error { return s.Put(t.Context(), key, value, time.Now().Add(time.Hour)) }
	n := 0
	for ; n < 100; n++ {
		if err := put(fmt.Sprint("k", n)); errors.Is(err, sessionstore.ErrFull) && strings.Contains(err.Error(), "raise max_size") {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n < 20 || n > 32 {
		t.Errorf("took %d values of 32 KiB into 1 MiB", n)
	}
	for i := range n {
		if !holds(t, s, fmt.Sprint("k", i)) {
			t.Errorf("value %d was dropped", i)
		}
	}
	if err := s.Put(t.Context(), "k0", []byte("shorter"), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("shrinking a value in a full store: %v", err)
	}
	for i := range n / 2 {
		if err := s.Delete(t.Context(), fmt.Sprint("k", i)); err != nil {
			t.Fatalf("deleting from a full store: %v", err)
		}
	}
	if err := put("new"); err != nil {
		t.Errorf("writing after there is room again: %v", err)
	}
	larger := &store{file: s.file, limit: 2 * minMaxSize}
	for i := range n {
		if err := larger.Put(t.Context(), fmt.Sprint("more", i), value, time.Now().Add(time.Hour)); err != nil {
			t.Errorf("writing under a larger limit: %v", err)
		}
	}
}

func TestBoltDropsEvictableValuesToMakeRoom(t *testing.T) {
	s := newStore(t)
	s.limit = minMaxSize
	put(t, s, "revoked", "v")
	for i := range 5000 { // a stranger's flood
		put(t, s, fmt.Sprint(sessionstore.EvictablePrefix, i), strings.Repeat("v", 1000))
	}
	if !holds(t, s, "revoked") {
		t.Error("a flood of evictable values dropped a lasting one")
	}
	if got := size(t, s); got > 2*minMaxSize {
		t.Errorf("the file has %d bytes", got)
	}
	if values, indexed := entries(t, s); values != indexed || values < 200 {
		t.Errorf("%d values and %d index entries are left", values, indexed)
	}
	put(t, s, "lasting", strings.Repeat("v", 1000))
	if !holds(t, s, "lasting") {
		t.Error("a lasting value found no room among evictable ones")
	}
}

// The room that a value takes is known before the first write after a restart.
func TestBoltKnowsAfterARestartHowMuchIsFree(t *testing.T) {
	path := t.TempDir() + "/state.db"
	s, unload := load(t, at(path))
	for i := range 60 {
		if err := s.Put(t.Context(), fmt.Sprint("k", i), make([]byte, 32<<10), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 60 {
		if err := s.Delete(t.Context(), fmt.Sprint("k", i)); err != nil {
			t.Fatal(err)
		}
	}
	unload()
	s, _ = load(t, at(path))
	s.limit = minMaxSize
	if err := s.Put(t.Context(), "k", make([]byte, 32<<10), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("a store of free pages refuses: %v", err)
	}
	if err := s.file.db.Load().View(func(tx *bbolt.Tx) error { return <-tx.Check() }); err != nil {
		t.Error(err)
	}
}
