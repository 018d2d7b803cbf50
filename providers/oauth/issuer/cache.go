package issuer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How long a fetched value is used without asking again, and how long in place
// of one that can't be had; how long a fetch may last, and so a caller wait; and
// how fetches are spaced: failures back off to maxBackOff, so that a provider is
// back within that time of its return, and early fetches ([cache.newer]) keep a
// distance of earlyEvery.
const (
	cacheFresh  = time.Hour
	cacheUsable = 24 * time.Hour
	fetchLimit  = 5 * time.Second
	minBackOff  = 100 * time.Millisecond
	maxBackOff  = time.Second
	earlyEvery  = 10 * time.Second
)

var errTooEarly = errors.New("it was asked again only moments ago")

// fetcher gets a new value. Its context belongs to no request.
type fetcher[T any] func(context.Context) (T, error)

// guarded calls f within fetchLimit. A panic would end the server here, outside
// of any request, so it becomes an error.
func (f fetcher[T]) guarded() (value T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	defer cancel()
	return f(ctx)
}

// cache holds one fetched value, shared by requests and by configurations. All
// who need it wait for one fetch; nobody's fetch ends with somebody's request.
// The zero cache is empty and ready.
type cache[T any] struct {
	mu      sync.Mutex
	value   T
	version int // counts the values; 0: none yet
	fetched time.Time
	under   *fetch[T] // under way
	early   time.Time // when newer last fetched

	failures int
	retryAt  time.Time
	err      error
}

// fetch is one fetch; done closes after the rest is set.
type fetch[T any] struct {
	done    chan struct{}
	value   T
	version int
	err     error
}

// get returns the value and its version: the one at hand while it is fresh, else
// a new one, else the old one while it is usable.
func (c *cache[T]) get(ctx context.Context, f fetcher[T]) (T, int, error) {
	c.mu.Lock()
	value, version, age := c.value, c.version, time.Since(c.fetched)
	if version > 0 && age < cacheFresh {
		c.mu.Unlock()
		return value, version, nil
	}
	under, err := c.start(f), c.err
	c.mu.Unlock()

	if under != nil {
		var newer T
		var newVersion int
		if newer, newVersion, err = under.wait(ctx); err == nil {
			return newer, newVersion, nil
		}
	}
	if version > 0 && age < cacheUsable {
		return value, version, nil
	}
	return value, 0, err
}

// newer returns a value of a later version than seen: one that came meanwhile,
// or a new one, unless that was tried within earlyEvery.
func (c *cache[T]) newer(ctx context.Context, seen int, f fetcher[T]) (T, error) {
	c.mu.Lock()
	value := c.value
	if c.version > seen {
		c.mu.Unlock()
		return value, nil
	}
	if c.under == nil {
		if time.Since(c.early) < earlyEvery {
			c.mu.Unlock()
			return value, errTooEarly
		}
		c.early = time.Now()
	}
	under, err := c.start(f), c.err
	c.mu.Unlock()

	if under == nil {
		return value, err
	}
	value, _, err = under.wait(ctx)
	return value, err
}

// peek returns what is at hand, without waiting.
func (c *cache[T]) peek() (value T, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value, c.version > 0
}

// start returns the fetch under way, a new one, or nil while failures back
// off. The caller holds the lock.
func (c *cache[T]) start(f fetcher[T]) *fetch[T] {
	if c.under != nil {
		return c.under
	}
	if time.Now().Before(c.retryAt) {
		return nil
	}
	c.under = &fetch[T]{done: make(chan struct{})}
	go c.run(c.under, f)
	return c.under
}

func (c *cache[T]) run(under *fetch[T], f fetcher[T]) {
	value, err := f.guarded()

	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(under.done)
	c.under = nil
	if c.err = err; err != nil {
		under.err = err
		c.retryAt = time.Now().Add(min(minBackOff<<min(c.failures, 10), maxBackOff))
		c.failures++
		return
	}
	c.failures, c.fetched = 0, time.Now()
	c.value, c.version = value, c.version+1
	under.value, under.version = value, c.version
}

// wait returns the fetch's result, or an error when the caller goes first.
func (f *fetch[T]) wait(ctx context.Context) (T, int, error) {
	select {
	case <-f.done:
		return f.value, f.version, f.err
	case <-ctx.Done():
		var none T
		return none, 0, context.Cause(ctx)
	}
}
