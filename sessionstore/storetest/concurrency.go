package storetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

const racers = 64

var concurrencyTests = []test{
	{"of 64 that Add a key at once one succeeds", func(c *checker) {
		var won atomic.Int32
		race(func(i int) {
			value := fmt.Append(nil, "racer ", i)
			switch err := sessionstore.Add(c.Context(), c.store, "k", value, c.in(time.Hour)); {
			case err == nil:
				won.Add(1)
				c.wants("k", string(value))
			case !errors.Is(err, sessionstore.ErrTaken):
				c.Errorf("Add = %v, want ErrTaken", err)
			}
		})
		if won.Load() != 1 {
			c.Errorf("%d succeeded", won.Load())
		}
	}},
	{"of 64 that Take a key at once one gets it", func(c *checker) {
		var won atomic.Int32
		c.put("k", "one", c.in(time.Hour))
		race(func(int) {
			switch got, err := sessionstore.Take(c.Context(), c.store, "k"); {
			case err == nil && string(got) == "one":
				won.Add(1)
			case !errors.Is(err, sessionstore.ErrNotFound):
				c.Errorf("Take = %q, %v, want ErrNotFound", got, err)
			}
		})
		if won.Load() != 1 {
			c.Errorf("%d succeeded", won.Load())
		}
	}},
	{"64 that count by Update lose nothing", func(c *checker) {
		const rounds = 20
		race(func(int) {
			for range rounds {
				c.update("count", c.increment)
			}
		})
		if n := binary.BigEndian.Uint32(c.old("count")); n != racers*rounds {
			c.Errorf("the count is %d, want %d", n, racers*rounds)
		}
	}},
	{"a count that others delete starts anew and never goes back", func(c *checker) {
		// Each Take ends a run of counts; all runs together are all increments.
		var taken atomic.Uint32
		race(func(i int) {
			c.update("count", c.increment)
			if i%4 != 0 {
				return
			}
			if got, err := sessionstore.Take(c.Context(), c.store, "count"); err == nil {
				taken.Add(binary.BigEndian.Uint32(got))
			} else if !errors.Is(err, sessionstore.ErrNotFound) {
				c.Errorf("Take: %v", err)
			}
		})
		if rest := c.old("count"); rest != nil {
			taken.Add(binary.BigEndian.Uint32(rest))
		}
		if taken.Load() != racers {
			c.Errorf("%d increments were counted, want %d", taken.Load(), racers)
		}
	}},
	{"64 that write, read and delete their own keys see only their own", func(c *checker) {
		race(func(i int) {
			key, value := fmt.Sprint("key ", i), fmt.Sprint("value ", i)
			for range 5 {
				c.put(key, value, c.in(time.Hour))
				c.wants(key, value)
				c.delete(key)
				c.wantsNothing(key)
			}
		})
	}},
	{"a reader never sees half a value", func(c *checker) {
		c.put("k", "", c.in(time.Hour))
		race(func(i int) {
			value := bytes.Repeat([]byte{byte('a' + i%26)}, 1+i*64)
			if err := c.store.Put(c.Context(), "k", value, c.in(time.Hour)); err != nil {
				c.Errorf("Put: %v", err)
			}
			got, err := c.store.Get(c.Context(), "k")
			if err != nil || len(got) == 0 || bytes.Count(got, got[:1]) != len(got) {
				c.Errorf("Get = %s, %v", abbreviate(string(got)), err)
			}
		})
	}},
}

// race calls f with 0 to racers-1, all at once.
func race(f func(i int)) {
	var start sync.WaitGroup
	var done sync.WaitGroup
	start.Add(1)
	for i := range racers {
		done.Go(func() {
			start.Wait()
			f(i)
		})
	}
	start.Done()
	done.Wait()
}

// increment is a Change that counts.
func (c *checker) increment(old []byte) ([]byte, time.Time, error) {
	var n uint32
	if old != nil {
		n = binary.BigEndian.Uint32(old)
	}
	return binary.BigEndian.AppendUint32(nil, n+1), c.in(time.Hour), nil
}
