package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// units are the times to live that the tests of expiry use. The short one ends
// before any sweeper may have come by, the long one after several did; both are
// long enough for a clock that counts in seconds.
var units = map[string]time.Duration{"seconds": 10 * time.Second, "hours": time.Hour}

var expiryTests = []test{
	{"a value is live until its expiry and no longer", func(c *checker) {
		c.put("k", "one", c.in(c.unit))
		c.pass(c.unit * 4 / 5)
		c.wants("k", "one")
		c.pass(c.unit * 2 / 5)
		c.wantsNothing("k")
	}},
	{"a value of a group is listed until its expiry and no longer", func(c *checker) {
		c.put("g|#|later", "later", c.in(100*c.unit))
		c.put("g|#|soon", "soon", c.in(c.unit))
		c.pass(c.unit * 4 / 5)
		c.wantsList("g|#|", map[string]string{"g|#|soon": "soon", "g|#|later": "later"})
		c.pass(c.unit * 2 / 5)
		c.wantsList("g|#|", map[string]string{"g|#|later": "later"})
		c.put("g|#|soon", "again", c.in(c.unit))
		c.wantsList("g|#|", map[string]string{"g|#|soon": "again", "g|#|later": "later"})
		c.pass(98 * c.unit)
		c.wantsList("g|#|", map[string]string{"g|#|later": "later"})
		c.pass(c.unit)
		c.wantsList("g|#|", map[string]string{})
	}},
	{"reading a value does not prolong it", func(c *checker) {
		c.put("k", "one", c.in(c.unit))
		for range 4 {
			c.pass(c.unit / 5)
			c.wants("k", "one")
		}
		c.pass(c.unit * 2 / 5)
		c.wantsNothing("k")
	}},
	{"replacing a value replaces its expiry, be it later or sooner", func(c *checker) {
		c.put("longer", "one", c.in(c.unit))
		c.put("longer", "two", c.in(3*c.unit))
		c.put("shorter", "one", c.in(3*c.unit))
		c.put("shorter", "two", c.in(c.unit))
		c.pass(2 * c.unit)
		c.wants("longer", "two")
		c.wantsNothing("shorter")
		c.pass(2 * c.unit)
		c.wantsNothing("longer")
	}},
	{"an update replaces the expiry", func(c *checker) {
		c.put("k", "one", c.in(c.unit))
		c.update("k", func(old []byte) ([]byte, time.Time, error) { return old, c.in(3 * c.unit), nil })
		c.pass(2 * c.unit)
		c.wants("k", "one")
		c.pass(2 * c.unit)
		c.wantsNothing("k")
	}},
	{"an update that fails leaves the expiry", func(c *checker) {
		c.put("k", "one", c.in(c.unit))
		err := c.store.Update(c.Context(), "k", func(old []byte) ([]byte, time.Time, error) {
			return old, c.in(3 * c.unit), errOnlyLooking
		})
		if !errors.Is(err, errOnlyLooking) {
			c.Fatalf("Update = %v", err)
		}
		c.pass(2 * c.unit)
		c.wantsNothing("k")
	}},
	{"storing a value whose expiry has come deletes the key", func(c *checker) {
		for i, past := range []time.Time{{}, time.Unix(0, 0), c.in(-c.unit)} {
			put, updated := fmt.Sprint("put", i), fmt.Sprint("updated", i)
			c.put(put, "old", c.in(c.unit))
			c.put(updated, "old", c.in(c.unit))
			c.put(put, "new", past)
			c.update(updated, func([]byte) ([]byte, time.Time, error) { return []byte("new"), past, nil })
			c.wantsNothing(put)
			c.wantsNothing(updated)
		}
	}},
	{"an expired key is free for Add, gives Take nothing, and starts anew", freesExpiredKeys},
	{"of many values each expires at its own time", func(c *checker) {
		const rounds = 24
		for i := range 10 * rounds {
			c.put(fmt.Sprint(i), "v", c.in(time.Duration(i%rounds)*c.unit+c.unit/2))
		}
		for now := range rounds {
			for i := range 10 * rounds {
				if _, err := c.store.Get(c.Context(), fmt.Sprint(i)); (err == nil) != (i%rounds >= now) {
					c.Errorf("after %v, a value that expires after %v: %v",
						time.Duration(now)*c.unit, time.Duration(i%rounds)*c.unit+c.unit/2, err)
				}
			}
			c.pass(c.unit)
		}
	}},
	{"an expiry beyond any calendar is a late one", func(c *checker) {
		far := map[string]time.Time{
			"2100": time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
			"2300": time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), // past the nanoseconds of an int64
			"9999": time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		}
		for key, expires := range far {
			c.put(key, "v", expires)
		}
		c.pass(c.unit)
		for key := range far {
			c.wants(key, "v")
		}
	}},
}

func freesExpiredKeys(c *checker) {
	for _, key := range []string{"added", "taken", "put", "deleted"} {
		c.put(key, "old", c.in(c.unit))
	}
	c.pass(2 * c.unit)
	if err := sessionstore.Add(c.Context(), c.store, "added", []byte("new"), c.in(c.unit)); err != nil {
		c.Errorf("Add = %v", err)
	}
	if got, err := sessionstore.Take(c.Context(), c.store, "taken"); !errors.Is(err, sessionstore.ErrNotFound) {
		c.Errorf("Take = %q, %v, want ErrNotFound", got, err)
	}
	c.put("put", "new", c.in(c.unit))
	c.delete("deleted")
	c.wants("added", "new")
	c.wants("put", "new")
	c.wantsNothing("taken")
	c.wantsNothing("deleted")
	c.pass(c.unit * 4 / 5)
	c.wants("added", "new")
	c.pass(c.unit * 2 / 5)
	c.wantsNothing("added")
	c.wantsNothing("put")
	c.wantsList("", map[string]string{})
}
