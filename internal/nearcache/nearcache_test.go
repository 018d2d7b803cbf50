package nearcache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

// backend is a store that counts what it is asked, and can be told to fail
// or to wait.
type backend struct {
	*storetest.Fake

	asked atomic.Int64
	err   atomic.Pointer[error]
	gate  atomic.Pointer[gate]
}

// gate holds answers back: the backend has its answer when it sends to reached,
// and gives it once open is closed.
type gate struct {
	reached, open chan struct{}
	panics        bool // instead of answering
}

func newGate() *gate { return &gate{reached: make(chan struct{}, 100), open: make(chan struct{})} }

func (f *backend) GetExpiring(ctx context.Context, key string) ([]byte, time.Time, error) {
	f.asked.Add(1)
	if err := f.err.Load(); err != nil {
		return nil, time.Time{}, *err
	}
	value, expires, err := f.Fake.GetExpiring(ctx, key)
	if g := f.gate.Load(); g != nil {
		g.reached <- struct{}{}
		select {
		case <-g.open:
			if g.panics {
				panic("the backend")
			}
		case <-ctx.Done():
			return nil, time.Time{}, ctx.Err()
		}
	}
	return value, expires, err
}

func newCache(t testing.TB, maxBytes int64) (*Cache, *backend) {
	far := &backend{Fake: storetest.NewFake()}
	return New(far, maxBytes), far
}

func put(t testing.TB, s sessionstore.Store, key, value string) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(value), time.Now().Add(time.Hour)); err != nil {
		t.Fatalf("Put(%s): %v", key, err)
	}
}

// get returns the value of key, or "" when there is none.
func get(t testing.TB, s sessionstore.Store, key string) string {
	t.Helper()
	value, err := s.Get(t.Context(), key)
	if err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("Get(%s): %v", key, err)
	}
	return string(value)
}

func wantAsked(t *testing.T, far *backend, want int64) {
	t.Helper()
	if got := far.asked.Swap(0); got != want {
		t.Errorf("the backend was asked %d times, want %d", got, want)
	}
}

func TestCacheKeepsWhatStoresPromise(t *testing.T) {
	storetest.Run(t, func(*testing.T) sessionstore.Store { return New(storetest.NewFake(), 1<<20) })
}

func TestCacheAsksOncePerKey(t *testing.T) {
	near, far := newCache(t, 1<<20)
	put(t, far.Fake, "k", "one")
	put(t, far.Fake, "empty", "")
	for range 3 {
		if got := get(t, near, "k"); got != "one" {
			t.Errorf("Get = %q", got)
		}
		if got, err := near.Get(t.Context(), "empty"); got == nil || err != nil {
			t.Errorf("an empty value: %v, %v", got, err)
		}
		if _, err := near.Get(t.Context(), "absent"); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("Get of an absent key = %v, want ErrNotFound", err)
		}
	}
	wantAsked(t, far, 3)
}

func TestCacheHasOneOfManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newCache(t, 1<<20)
		put(t, far.Fake, "k", "one")
		held := newGate()
		far.gate.Store(held)
		var readers sync.WaitGroup
		for range 64 {
			readers.Go(func() {
				if got := get(t, near, "k"); got != "one" {
					t.Errorf("Get = %q", got)
				}
			})
		}
		synctest.Wait() // until all of them wait
		close(held.open)
		readers.Wait()
		wantAsked(t, far, 1)
	})
}

// Who asks first must not decide for the others how long to wait.
func TestCacheOutlivesTheOneThatAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newCache(t, 1<<20)
		put(t, far.Fake, "k", "one")
		held := newGate()
		far.gate.Store(held)
		ctx, cancel := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		readers.Go(func() {
			if _, err := near.Get(ctx, "k"); !errors.Is(err, context.Canceled) {
				t.Errorf("the first Get = %v, want that its context ended", err)
			}
		})
		<-held.reached
		readers.Go(func() {
			if got := get(t, near, "k"); got != "one" {
				t.Errorf("the second Get = %q", got)
			}
		})
		short, cancelShort := context.WithTimeout(t.Context(), time.Second)
		defer cancelShort()
		if _, err := near.Get(short, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a Get that waits for another's = %v, want its own deadline", err)
		}
		cancel()
		<-held.reached
		close(held.open)
		readers.Wait()
		wantAsked(t, far, 2)
	})
}

func TestCacheSurvivesABackendThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newCache(t, 1<<20)
		put(t, far.Fake, "k", "one")
		held := newGate()
		held.panics = true
		far.gate.Store(held)
		var readers sync.WaitGroup
		readers.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = near.Get(t.Context(), "k")
		})
		<-held.reached
		readers.Go(func() {
			if _, err := near.Get(t.Context(), "k"); !errors.Is(err, errPanicked) {
				t.Errorf("who waited got %v", err)
			}
		})
		synctest.Wait()
		close(held.open)
		readers.Wait()
		far.gate.Store(nil)
		if got := get(t, near, "k"); got != "one" {
			t.Errorf("after it, Get = %q", got)
		}
	})
}

func TestCacheKeepsNoErrors(t *testing.T) {
	near, far := newCache(t, 1<<20)
	put(t, far.Fake, "k", "one")
	down := errors.New("down")
	far.err.Store(&down)
	for range 2 {
		if _, err := near.Get(t.Context(), "k"); !errors.Is(err, down) {
			t.Errorf("Get = %v, want the backend's error", err)
		}
	}
	far.err.Store(nil)
	if got := get(t, near, "k"); got != "one" {
		t.Errorf("Get = %q once the backend is back", got)
	}
	wantAsked(t, far, 3)
}

func TestCacheForgetsValuesWhenTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newCache(t, 1<<20)
		put(t, near, "k", "one") // for an hour
		for range 4 {
			if got := get(t, near, "k"); got != "one" {
				t.Errorf("Get = %q", got)
			}
			time.Sleep(15 * time.Minute)
		}
		wantAsked(t, far, 1)
		for range 2 {
			if got := get(t, near, "k"); got != "" {
				t.Errorf("Get = %q at its expiry", got)
			}
		}
		wantAsked(t, far, 1) // that it is gone is known from then on
	})
}

func TestCacheStaysWithinItsBytes(t *testing.T) {
	const limit = 1 << 20
	near, far := newCache(t, limit)
	for i := range 20_000 {
		key := fmt.Sprint("k", i)
		if i%2 == 0 {
			put(t, far.Fake, key, strings.Repeat("v", i%1000))
		}
		_, _ = near.Get(t.Context(), key)
		if i%7 == 0 {
			near.Invalidate(fmt.Sprint("k", i-i%70))
		}
	}
	if counted := checkCache(t, near); counted > limit || counted < limit*9/10 {
		t.Errorf("it holds %d bytes, want a little less than %d", counted, limit)
	}
	put(t, far.Fake, "large", strings.Repeat("v", sessionstore.MaxValue)) // more than a shard may hold
	if got := get(t, near, "large"); len(got) != sessionstore.MaxValue {
		t.Errorf("a value too large to keep came back with %d bytes", len(got))
	}
	checkCache(t, near)
	near.InvalidateAll()
	if counted := checkCache(t, near); counted != 0 {
		t.Errorf("it holds %d bytes of nothing", counted)
	}
}

// checkCache checks that maps, lists and counts of the cache agree, and returns
// the bytes that it holds.
func checkCache(t *testing.T, near *Cache) (total int64) {
	t.Helper()
	for i := range near.shards {
		s := &near.shards[i]
		var size int64
		listed := 0
		for e, newer := s.newest, (*entry)(nil); e != nil; e, newer = e.older, e {
			if s.entries[e.key] != e || e.newer != newer || (e.older == nil) != (e == s.oldest) {
				t.Fatalf("shard %d is out of order", i)
			}
			size += e.size()
			listed++
		}
		if listed != len(s.entries) || size != s.size || size > near.limit || len(s.fetches) != 0 {
			t.Fatalf("shard %d: %d entries, %d in its list; %d bytes, counted as %d of %d; %d fetches",
				i, len(s.entries), listed, size, s.size, near.limit, len(s.fetches))
		}
		total += size
	}
	return total
}

func TestAFloodOfOthersDoesNotDriveOutWhatIsInUse(t *testing.T) {
	near, far := newCache(t, 1<<20)
	const used = 1000
	for i := range used {
		put(t, near, fmt.Sprint("used", i), "v")
		get(t, near, fmt.Sprint("used", i))
		get(t, near, fmt.Sprint("used", i))
	}
	far.asked.Store(0)
	for i := range 100_000 {
		get(t, near, fmt.Sprint("stranger", i))
		if i%10 == 0 {
			get(t, near, fmt.Sprint("used", i/10%used))
		}
	}
	if missed := far.asked.Load() - 100_000; missed > used/2 {
		t.Errorf("of 10,000 readings of %d keys in use the backend was asked %d", used, missed)
	}
}
