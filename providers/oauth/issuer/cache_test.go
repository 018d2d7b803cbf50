package issuer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counter fetches 1, 2, 3 …, or fails while down, or hangs while stuck.
type counter struct {
	calls int
	down  error
	takes time.Duration
}

func (c *counter) fetch(ctx context.Context) (int, error) {
	c.calls++
	if c.takes > 0 {
		select {
		case <-time.After(c.takes):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return c.calls, c.down
}

func TestACacheFetchesOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c cache[int]
		source := counter{takes: time.Second}
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if value, _, err := c.get(t.Context(), source.fetch); value != 1 || err != nil {
					t.Errorf("got %d, %v", value, err)
				}
			})
		}
		group.Wait()
		if source.calls != 1 {
			t.Errorf("fetched %d times", source.calls)
		}
		time.Sleep(cacheFresh - time.Minute)
		if value, _, _ := c.get(t.Context(), source.fetch); value != 1 {
			t.Errorf("a fresh value was fetched again: %d", value)
		}
		time.Sleep(time.Minute)
		if value, _, _ := c.get(t.Context(), source.fetch); value != 2 {
			t.Errorf("after its time the value is still %d", value)
		}
	})
}

func TestACachesFetchOutlivesTheCallerWhoBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c cache[int]
		source := counter{takes: 3 * time.Second}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := c.get(impatient, source.fetch); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller who went got %v", err)
		}
		if value, _, err := c.get(t.Context(), source.fetch); value != 1 || err != nil || source.calls != 1 {
			t.Errorf("the other got %d, %v after %d fetches", value, err, source.calls)
		}
	})
}

func TestACachesCallersWaitFiveSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c cache[int]
		source := counter{takes: time.Hour}
		start := time.Now()
		if _, _, err := c.get(t.Context(), source.fetch); err == nil || time.Since(start) != fetchLimit {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// A provider that is down is asked ever less often, but once a second: it is
// back within a second of its return.
func TestACacheBacksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c cache[int]
		source := counter{down: errors.New("down")}
		for range 600 {
			if _, _, err := c.get(t.Context(), source.fetch); !errors.Is(err, source.down) {
				t.Fatalf("got %v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if source.calls < 55 || source.calls > 65 {
			t.Errorf("in a minute it was asked %d times", source.calls)
		}
		source.down = nil
		time.Sleep(maxBackOff)
		if _, _, err := c.get(t.Context(), source.fetch); err != nil {
			t.Errorf("a second after it came back: %v", err)
		}
	})
}

func TestACacheKeepsAnOldValueThroughAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c cache[int]
		var source counter
		_, _, _ = c.get(t.Context(), source.fetch)
		source.down = errors.New("down")
		time.Sleep(cacheUsable - time.Second)
		for range 2 { // the second time it backs off
			if value, version, err := c.get(t.Context(), source.fetch); value != 1 || version != 1 || err != nil {
				t.Errorf("got %d, version %d, %v", value, version, err)
			}
		}
		time.Sleep(time.Second)
		if _, _, err := c.get(t.Context(), source.fetch); err == nil {
			t.Error("after a day the old value is still used")
		}
	})
}

func TestACacheFetchesEarlyAtABoundedRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c cache[int]
		var source counter
		_, version, _ := c.get(t.Context(), source.fetch)
		if value, err := c.newer(t.Context(), version, source.fetch); value != 2 || err != nil {
			t.Errorf("the first early fetch: %d, %v", value, err)
		}
		if value, err := c.newer(t.Context(), version, source.fetch); value != 2 || err != nil || source.calls != 2 {
			t.Errorf("who saw the old value gets the new one without a fetch: %d, %v, %d fetches", value, err, source.calls)
		}
		for range 1000 {
			if _, err := c.newer(t.Context(), 2, source.fetch); !errors.Is(err, errTooEarly) {
				t.Fatalf("in the same moment: %v", err)
			}
		}
		time.Sleep(earlyEvery)
		if value, err := c.newer(t.Context(), 2, source.fetch); value != 3 || err != nil {
			t.Errorf("ten seconds later: %d, %v", value, err)
		}
		if source.calls != 3 {
			t.Errorf("fetched %d times", source.calls)
		}
	})
}

func TestACachesEarlyFetchIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c cache[int]
		source := counter{takes: time.Second}
		_, version, _ := c.get(t.Context(), source.fetch)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if value, err := c.newer(t.Context(), version, source.fetch); value != 2 || err != nil {
					t.Errorf("got %d, %v", value, err)
				}
			})
		}
		group.Wait()
		if source.calls != 2 {
			t.Errorf("fetched %d times", source.calls)
		}
	})
}

func TestAFetchThatPanicsIsAnError(t *testing.T) {
	t.Parallel()
	var c cache[int]
	_, _, err := c.get(t.Context(), func(context.Context) (int, error) { panic("boom") })
	if err == nil || !strings.Contains(err.Error(), "panic: boom") {
		t.Errorf("got %v", err)
	}
}
