package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

var contextTests = []test{
	{"under a context that is done nothing happens and its error is returned", func(c *checker) {
		cancelled, cancel := context.WithCancel(c.Context())
		cancel()
		late, cancelLate := context.WithDeadline(c.Context(), time.Now().Add(-time.Second))
		defer cancelLate()
		c.put("k", "old", c.in(time.Hour))
		for _, ctx := range []context.Context{cancelled, late} {
			c.refuses(ctx, "k")
			c.refuses(ctx, "absent")
		}
		c.wants("k", "old")
		c.wantsNothing("absent")
	}},
	{"a context that ends later takes nothing back", func(c *checker) {
		ctx, cancel := context.WithCancel(c.Context())
		if err := c.store.Put(ctx, "k", []byte("one"), c.in(time.Hour)); err != nil {
			c.Fatalf("Put: %v", err)
		}
		cancel()
		c.wants("k", "one")
	}},
}

// refuses checks that every operation on key returns the error of ctx.
func (c *checker) refuses(ctx context.Context, key string) {
	c.Helper()
	value, expires := []byte("new"), c.in(time.Hour)
	_, getErr := c.store.Get(ctx, key)
	_, takeErr := sessionstore.Take(ctx, c.store, key)
	errs := map[string]error{
		"Get":    getErr,
		"Put":    c.store.Put(ctx, key, value, expires),
		"Delete": c.store.Delete(ctx, key),
		"Update": c.store.Update(ctx, key, func([]byte) ([]byte, time.Time, error) { return value, expires, nil }),
		"Add":    sessionstore.Add(ctx, c.store, key, value, expires),
		"Take":   takeErr,
	}
	for op, err := range errs {
		if !errors.Is(err, ctx.Err()) {
			c.Errorf("%s(%s) = %v, want %v", op, key, err, ctx.Err())
		}
	}
}
