package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

var valueTests = []test{
	{"a key that was never written holds nothing", func(c *checker) {
		c.wantsNothing("k")
	}},
	{"a value comes back until it is replaced", func(c *checker) {
		c.put("k", "one", c.in(time.Hour))
		c.wants("k", "one")
		c.put("k", "two, which is longer", c.in(time.Hour))
		c.wants("k", "two, which is longer")
		c.put("k", "3", c.in(time.Hour))
		c.wants("k", "3")
	}},
	{"a deleted key holds nothing, and can be deleted again and written again", func(c *checker) {
		c.put("k", "one", c.in(time.Hour))
		c.put("other", "stays", c.in(time.Hour))
		c.delete("k")
		c.wantsNothing("k")
		c.delete("k")
		c.wants("other", "stays")
		c.put("k", "two", c.in(time.Hour))
		c.wants("k", "two")
	}},
	{"an update makes, changes and deletes a value", func(c *checker) {
		appendX := func(old []byte) ([]byte, time.Time, error) {
			return append(bytes.Clone(old), 'x'), c.in(time.Hour), nil
		}
		c.update("k", appendX)
		c.wants("k", "x")
		c.update("k", appendX)
		c.wants("k", "xx")
		c.update("k", func([]byte) ([]byte, time.Time, error) { return []byte("ignored"), time.Time{}, nil })
		c.wantsNothing("k")
	}},
	{"an update whose change fails returns its error and changes nothing", func(c *checker) {
		failure := errors.New("no")
		fail := func([]byte) ([]byte, time.Time, error) { return []byte("new"), c.in(time.Hour), failure }
		c.put("k", "old", c.in(time.Hour))
		for _, key := range []string{"k", "absent"} {
			if err := c.store.Update(c.Context(), key, fail); !errors.Is(err, failure) {
				c.Errorf("Update(%s) = %v, want the error of change", key, err)
			}
		}
		c.wants("k", "old")
		c.wantsNothing("absent")
	}},
	{"an update whose change panics changes nothing and leaves the store usable", func(c *checker) {
		c.put("k", "old", c.in(time.Hour))
		func() {
			defer func() {
				if recover() == nil {
					c.Error("Update swallowed the panic of change")
				}
			}()
			_ = c.store.Update(c.Context(), "k", func([]byte) ([]byte, time.Time, error) { panic("change") })
		}()
		c.wants("k", "old")
		c.put("k", "new", c.in(time.Hour))
		c.wants("k", "new")
	}},
	{"Add takes a free key only", func(c *checker) {
		if err := sessionstore.Add(c.Context(), c.store, "k", nil, c.in(time.Hour)); err != nil {
			c.Fatalf("Add: %v", err)
		}
		if err := sessionstore.Add(c.Context(), c.store, "k", []byte("two"), c.in(time.Hour)); !errors.Is(err, sessionstore.ErrTaken) {
			c.Errorf("second Add = %v, want ErrTaken", err)
		}
		c.wants("k", "")
	}},
	{"Take gives a value once", func(c *checker) {
		c.put("k", "one", c.in(time.Hour))
		if got, err := sessionstore.Take(c.Context(), c.store, "k"); err != nil || string(got) != "one" {
			c.Errorf("Take = %q, %v", got, err)
		}
		if _, err := sessionstore.Take(c.Context(), c.store, "k"); !errors.Is(err, sessionstore.ErrNotFound) {
			c.Errorf("second Take = %v, want ErrNotFound", err)
		}
		c.wantsNothing("k")
	}},
	{"values of any bytes and of every length to the limit come back whole", func(c *checker) {
		values := []string{"", "\x00", "a\x00b", "\xff\xfe", "' OR 1=1 --\r\n$5\r\n", strings.Repeat("\x00", 4096), strings.Repeat("v", sessionstore.MaxValue)}
		for i, value := range values {
			c.put(fmt.Sprint("put", i), value, c.in(time.Hour))
			c.update(fmt.Sprint("update", i), func([]byte) ([]byte, time.Time, error) {
				return []byte(value), c.in(time.Hour), nil
			})
		}
		for i, value := range values {
			c.wants(fmt.Sprint("put", i), value)
			c.wants(fmt.Sprint("update", i), value)
		}
	}},
	{"a nil value is stored as an empty one", func(c *checker) {
		if err := c.store.Put(c.Context(), "k", nil, c.in(time.Hour)); err != nil {
			c.Fatalf("Put: %v", err)
		}
		c.wants("k", "")
	}},
	{"a value over the limit is refused and the old one stays", refusesLongValues},
	{"what a caller does to its slices afterwards changes nothing", copiesValues},
	{"a slice that Get returned stays as it was when the value is replaced", func(c *checker) {
		c.put("k", "one", c.in(time.Hour))
		got, err := c.store.Get(c.Context(), "k")
		if err != nil {
			c.Fatalf("Get: %v", err)
		}
		c.put("k", "two", c.in(time.Hour))
		c.delete("k")
		c.put("k", "six", c.in(time.Hour))
		if string(got) != "one" {
			c.Errorf("the slice became %q", got)
		}
	}},
}

func refusesLongValues(c *checker) {
	long := make([]byte, sessionstore.MaxValue+1)
	c.put("k", "old", c.in(time.Hour))
	for _, key := range []string{"k", "absent"} {
		if err := c.store.Put(c.Context(), key, long, c.in(time.Hour)); !errors.Is(err, sessionstore.ErrLength) {
			c.Errorf("Put(%s) = %v, want ErrLength", key, err)
		}
		err := c.store.Update(c.Context(), key, func([]byte) ([]byte, time.Time, error) { return long, c.in(time.Hour), nil })
		if !errors.Is(err, sessionstore.ErrLength) {
			c.Errorf("Update(%s) = %v, want ErrLength", key, err)
		}
	}
	c.wants("k", "old")
	c.wantsNothing("absent")
}

func copiesValues(c *checker) {
	put, updated := []byte("put"), []byte("updated")
	if err := c.store.Put(c.Context(), "put", put, c.in(time.Hour)); err != nil {
		c.Fatalf("Put: %v", err)
	}
	c.update("updated", func([]byte) ([]byte, time.Time, error) { return updated, c.in(time.Hour), nil })
	clear(put)
	clear(updated)
	c.wants("put", "put")
	c.wants("updated", "updated")

	got, err := c.store.Get(c.Context(), "put")
	if err != nil {
		c.Fatalf("Get: %v", err)
	}
	again, err := c.store.Get(c.Context(), "put")
	if err != nil {
		c.Fatalf("Get: %v", err)
	}
	// Callers may append: two that do must not write into the same array.
	one, two := append(got, "-one"...), append(again, "-two"...)
	if string(one) != "put-one" || string(two) != "put-two" {
		c.Errorf("appending to what Get returned gave %q and %q", one, two)
	}
	c.wants("put", "put")
}
