package nearcache

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Each of these happens while the backend has read the old value and the cache
// has not got it yet.
func TestCacheKeepsNoAnswerThatSomethingMadeOld(t *testing.T) {
	in := time.Hour
	for name, happen := range map[string]func(t *testing.T, near *Cache, far sessionstore.Store) error{
		"an own Put": func(t *testing.T, near *Cache, _ sessionstore.Store) error {
			return near.Put(t.Context(), "k", []byte("new"), time.Now().Add(in))
		},
		"an own Update": func(t *testing.T, near *Cache, _ sessionstore.Store) error {
			return near.Update(t.Context(), "k", func([]byte) ([]byte, time.Time, error) { return []byte("new"), time.Now().Add(in), nil })
		},
		"an own Delete, before a Put": func(t *testing.T, near *Cache, far sessionstore.Store) error {
			err := near.Delete(t.Context(), "k")
			return errors.Join(err, far.Put(t.Context(), "k", []byte("new"), time.Now().Add(in)))
		},
		"another's write that is reported": func(t *testing.T, near *Cache, far sessionstore.Store) error {
			err := far.Put(t.Context(), "k", []byte("new"), time.Now().Add(in))
			near.Invalidate("k")
			return err
		},
		"another's write, and everything is void": func(t *testing.T, near *Cache, far sessionstore.Store) error {
			err := far.Put(t.Context(), "k", []byte("new"), time.Now().Add(in))
			near.InvalidateAll()
			return err
		},
		"another's write in a suspension": func(t *testing.T, near *Cache, far sessionstore.Store) error {
			near.Suspend()
			err := far.Put(t.Context(), "k", []byte("new"), time.Now().Add(in))
			near.Resume()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := newCache(t, 1<<20)
			put(t, far.Fake, "k", "old")
			held := newGate()
			far.gate.Store(held)
			var reader sync.WaitGroup
			reader.Go(func() { get(t, near, "k") }) // may see either
			<-held.reached
			far.gate.Store(nil)
			if err := happen(t, near, far.Fake); err != nil {
				t.Fatal(err)
			}
			if got := get(t, near, "k"); got != "new" {
				t.Errorf("a Get that began afterwards = %q", got)
			}
			close(held.open)
			reader.Wait()
			if got := get(t, near, "k"); got != "new" {
				t.Errorf("once the old answer had come, Get = %q", got)
			}
		})
	}
}

// What is asked in a suspension may be older than its end.
func TestCacheKeepsNothingThatWasAskedInASuspension(t *testing.T) {
	near, far := newCache(t, 1<<20)
	put(t, far.Fake, "k", "old")
	near.Suspend()
	held := newGate()
	far.gate.Store(held)
	var reader sync.WaitGroup
	reader.Go(func() { get(t, near, "k") })
	<-held.reached
	far.gate.Store(nil)
	put(t, far.Fake, "k", "new") // by another, and not reported
	near.Resume()
	close(held.open)
	reader.Wait()
	if got := get(t, near, "k"); got != "new" {
		t.Errorf("Get = %q", got)
	}
}

func TestCacheThatIsSuspendedAnswersNothingItself(t *testing.T) {
	near, far := newCache(t, 1<<20)
	put(t, near, "k", "one")
	get(t, near, "k")
	get(t, near, "absent")
	wantAsked(t, far, 2)
	near.Suspend()
	near.Suspend() // as good as once
	for range 2 {
		get(t, near, "k")
		get(t, near, "absent")
	}
	wantAsked(t, far, 4)
	down := errors.New("down")
	far.err.Store(&down)
	for _, key := range []string{"k", "absent"} {
		if _, err := near.Get(t.Context(), key); !errors.Is(err, down) {
			t.Errorf("with its backend down, Get(%s) = %v", key, err)
		}
	}
	far.err.Store(nil)
	near.Resume()
	far.asked.Store(0)
	for range 2 {
		get(t, near, "k")
		get(t, near, "absent")
	}
	wantAsked(t, far, 2)
}

func TestCacheForgetsAKeyWhoseWriteFailed(t *testing.T) {
	near, far := newCache(t, 1<<20)
	put(t, near, "k", "one")
	get(t, near, "k")
	failure := errors.New("no")
	err := near.Update(t.Context(), "k", func([]byte) ([]byte, time.Time, error) { return nil, time.Time{}, failure })
	if !errors.Is(err, failure) {
		t.Errorf("Update = %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = near.Update(t.Context(), "k", func([]byte) ([]byte, time.Time, error) { panic("change") })
	}()
	far.asked.Store(0)
	get(t, near, "k")
	wantAsked(t, far, 1)
}

// Values only ever grow. Whoever reads must see what was written, through the
// cache or behind it with a report, before the reading began.
func TestCacheIsCoherentUnderLoad(t *testing.T) {
	near, far := newCache(t, 64<<10) // small, so that entries are dropped too
	const keys, rounds = 8, 3000
	var reported [keys]atomic.Int64
	var stop atomic.Bool
	var writers, others sync.WaitGroup
	for k := range keys {
		key := fmt.Sprint("k", k)
		writers.Go(func() {
			for i := int64(1); i <= rounds; i++ {
				switch value := strconv.FormatInt(i, 10); i % 3 {
				case 0:
					put(t, near, key, value)
				case 1:
					put(t, far.Fake, key, value)
					near.Invalidate(key)
				case 2:
					increment := func([]byte) ([]byte, time.Time, error) { return []byte(value), time.Now().Add(time.Hour), nil }
					if err := near.Update(t.Context(), key, increment); err != nil {
						t.Errorf("Update: %v", err)
					}
				}
				reported[k].Store(i)
			}
		})
		for range 2 {
			others.Go(func() {
				for !stop.Load() {
					least := reported[k].Load()
					got, _ := strconv.ParseInt("0"+get(t, near, key), 10, 64)
					if got < least {
						t.Errorf("Get(%s) = %d after %d was written", key, got, least)
						return
					}
				}
			})
		}
	}
	others.Go(func() {
		for i := 0; !stop.Load(); i++ {
			switch i % 3 {
			case 0:
				near.Suspend()
			case 1:
				near.Resume()
			case 2:
				near.InvalidateAll()
			}
			get(t, near, fmt.Sprint("filler", i%1000))
		}
	})
	writers.Wait()
	stop.Store(true)
	others.Wait()
	near.Resume()
	checkCache(t, near)
}
