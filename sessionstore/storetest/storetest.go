// Package storetest is the conformance suite of session stores: what
// [sessionstore.Store] promises, as tests that every store passes.
package storetest

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Run runs the suite. open is called once per test and returns a store in which
// nothing of another call is seen; it closes what it opens with t.Cleanup.
//
// The tests of expiry run under [synctest], so they take no time. A store that
// talks to a server can't live in there: give [WithClock].
func Run(t *testing.T, open func(t *testing.T) sessionstore.Store, options ...Option) {
	s := &suite{open: open}
	for _, option := range options {
		option(s)
	}
	for _, group := range [][]test{valueTests, keyTests, listTests, contextTests, concurrencyTests} {
		for _, test := range group {
			t.Run(test.name, func(t *testing.T) { test.run(newChecker(t, s)) })
		}
	}
	for name, unit := range units {
		for _, test := range expiryTests {
			run := func(t *testing.T) {
				c := newChecker(t, s)
				c.unit = unit
				test.run(c)
			}
			t.Run(test.name+", in "+name, func(t *testing.T) {
				if s.advance == nil {
					synctest.Test(t, run)
				} else {
					run(t)
				}
			})
		}
	}
}

// Option changes how the suite runs.
type Option func(*suite)

// WithClock is for stores whose clock synctest can't move, such as a server's:
// advance makes the store see d pass.
func WithClock(advance func(t *testing.T, store sessionstore.Store, d time.Duration)) Option {
	return func(s *suite) { s.advance = advance }
}

type suite struct {
	open    func(t *testing.T) sessionstore.Store
	advance func(t *testing.T, store sessionstore.Store, d time.Duration)
}

// test is one promise; its name is a sentence about a store.
type test struct {
	name string
	run  func(c *checker)
}

// checker is one test's store, with the operations that must succeed. Its
// methods may be called from any goroutine, so none ends the test.
type checker struct {
	*testing.T

	suite  *suite
	store  sessionstore.Store
	unit   time.Duration // in tests of expiry: the time to live
	offset time.Duration // how far WithClock's clock is ahead of ours
}

func newChecker(t *testing.T, s *suite) *checker {
	return &checker{T: t, suite: s, store: s.open(t)}
}

// in is the time that comes after d on the store's clock.
func (c *checker) in(d time.Duration) time.Time { return time.Now().Add(c.offset + d) }

// pass makes the store see d pass.
func (c *checker) pass(d time.Duration) {
	if c.suite.advance == nil {
		time.Sleep(d) // inside synctest, where it takes no time
		synctest.Wait()
		return
	}
	c.suite.advance(c.T, c.store, d)
	c.offset += d
}

func (c *checker) put(key, value string, expires time.Time) {
	c.Helper()
	if err := c.store.Put(c.Context(), key, []byte(value), expires); err != nil {
		c.Errorf("Put(%s): %v", abbreviate(key), err)
	}
}

func (c *checker) update(key string, change sessionstore.Change) {
	c.Helper()
	if err := c.store.Update(c.Context(), key, change); err != nil {
		c.Errorf("Update(%s): %v", abbreviate(key), err)
	}
}

func (c *checker) delete(key string) {
	c.Helper()
	if err := c.store.Delete(c.Context(), key); err != nil {
		c.Errorf("Delete(%s): %v", abbreviate(key), err)
	}
}

// wants checks by Get and by Update that key holds value.
func (c *checker) wants(key, value string) {
	c.Helper()
	got, err := c.store.Get(c.Context(), key)
	if err != nil || got == nil || string(got) != value {
		c.Errorf("Get(%s) = %s (nil: %t), %v, want %s", abbreviate(key), abbreviate(string(got)), got == nil, err, abbreviate(value))
	}
	if old := c.old(key); old == nil || string(old) != value {
		c.Errorf("Update(%s) showed %s (nil: %t), want %s", abbreviate(key), abbreviate(string(old)), old == nil, abbreviate(value))
	}
}

// wantsNothing checks by Get and by Update that key holds no live value.
func (c *checker) wantsNothing(key string) {
	c.Helper()
	if got, err := c.store.Get(c.Context(), key); got != nil || !errors.Is(err, sessionstore.ErrNotFound) {
		c.Errorf("Get(%s) = %s, %v, want ErrNotFound", abbreviate(key), abbreviate(string(got)), err)
	}
	if old := c.old(key); old != nil {
		c.Errorf("Update(%s) showed %s, want nil", abbreviate(key), abbreviate(string(old)))
	}
}

var errOnlyLooking = errors.New("only looking")

// old returns a copy of what Update shows to a change that then gives up.
func (c *checker) old(key string) (old []byte) {
	c.Helper()
	err := c.store.Update(c.Context(), key, func(b []byte) ([]byte, time.Time, error) {
		old = nil
		if b != nil {
			old = append([]byte{}, b...)
		}
		return nil, time.Time{}, errOnlyLooking
	})
	if !errors.Is(err, errOnlyLooking) {
		c.Errorf("Update(%s) = %v, want the error of change", abbreviate(key), err)
	}
	return old
}
