package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

var listTests = []test{
	{"List yields the live values under a prefix, and no other", listsPrefixes},
	{"List takes a prefix as bytes, not as a pattern", func(c *checker) {
		for i, prefix := range hostileKeys[:len(hostileKeys)-4] {
			c.put(fmt.Sprintf("list %d %s|own", i, prefix), prefix, c.in(time.Hour))
		}
		for i, prefix := range hostileKeys[:len(hostileKeys)-4] {
			prefix := fmt.Sprintf("list %d %s|", i, prefix)
			c.wantsList(prefix, map[string]string{prefix + "own": hostileKeys[i]})
		}
	}},
	{"List sees what was written, replaced and deleted before it", func(c *checker) {
		for i := range 500 {
			c.put(fmt.Sprint("k", i), "old", c.in(time.Hour))
		}
		want := make(map[string]string)
		for i := range 500 {
			if i%2 == 0 {
				c.delete(fmt.Sprint("k", i))
				continue
			}
			want[fmt.Sprint("k", i)] = fmt.Sprint(i)
			c.put(fmt.Sprint("k", i), fmt.Sprint(i), c.in(time.Hour))
		}
		c.wantsList("k", want)
	}},
	{"List yields the live values of a group", listsGroups},
	{"List stops when it is told to", func(c *checker) {
		c.put("a", "1", c.in(time.Hour))
		c.put("b", "2", c.in(time.Hour))
		calls := 0
		if err := c.lister().List(c.Context(), "", func(string, []byte) bool { calls++; return false }); err != nil || calls != 1 {
			c.Errorf("List called yield %d times, %v", calls, err)
		}
	}},
	{"yield may change what List goes through", func(c *checker) {
		for i := range 20 {
			c.put(fmt.Sprint("k", i), "v", c.in(time.Hour))
		}
		err := c.lister().List(c.Context(), "k", func(key string, _ []byte) bool {
			c.delete(key)
			return true
		})
		if err != nil {
			c.Errorf("List: %v", err)
		}
		c.wantsList("k", map[string]string{})
	}},
	{"List under a context that is done returns its error", func(c *checker) {
		c.put("k", "v", c.in(time.Hour))
		ctx, cancel := context.WithCancel(c.Context())
		cancel()
		if err := c.lister().List(ctx, "", func(string, []byte) bool { return true }); !errors.Is(err, context.Canceled) {
			c.Errorf("List = %v", err)
		}
	}},
}

func listsGroups(c *checker) {
	group := "g" + sessionstore.GroupMark
	want := make(map[string]string)
	for i := range 600 {
		key := fmt.Sprint(group, i)
		c.put(key, "old", c.in(time.Hour))
		if i%3 == 0 {
			c.delete(key)
			continue
		}
		want[key] = "old"
	}
	c.update(group+"0", func([]byte) ([]byte, time.Time, error) { return []byte("updated"), c.in(time.Hour), nil })
	c.update(group+"1", func([]byte) ([]byte, time.Time, error) { return nil, time.Time{}, nil })
	c.put(group+"2", "gone", c.in(-time.Second))
	want[group+"0"] = "updated"
	delete(want, group+"1")
	delete(want, group+"2")
	c.wantsList(group, want)
	twice := group + "x" + sessionstore.GroupMark
	c.put(group, "", c.in(time.Hour)) // nothing behind the mark
	c.put(twice+"y", "twice", c.in(time.Hour))
	c.put("h"+group, "another group", c.in(time.Hour))
	c.put("g", "no group", c.in(time.Hour))
	c.wantsList(twice, map[string]string{twice + "y": "twice"})
	c.wantsList("h", map[string]string{"h" + group: "another group"})
	c.wantsList("none"+group, map[string]string{})
	long := strings.Repeat("k", sessionstore.MaxKey-len(sessionstore.GroupMark)) + sessionstore.GroupMark
	c.put(long, "the longest", c.in(time.Hour))
	c.wantsList(long, map[string]string{long: "the longest"})
	want[group], want[twice+"y"] = "", "twice"
	c.wantsList(group, want)
	want["g"], want["h"+group], want[long] = "no group", "another group", "the longest"
	c.wantsList("", want) // and no store's own keys
}

func listsPrefixes(c *checker) {
	c.put("a|1", "one", c.in(time.Hour))
	c.put("a|2", "", c.in(time.Hour))
	c.put("a", "short", c.in(time.Hour))
	c.put("b|1", "other", c.in(time.Hour))
	c.put("A|1", "capital", c.in(time.Hour))
	c.wantsList("a|", map[string]string{"a|1": "one", "a|2": ""})
	c.wantsList("a", map[string]string{"a|1": "one", "a|2": "", "a": "short"})
	c.wantsList("none", map[string]string{})
	c.wantsList("", map[string]string{"a|1": "one", "a|2": "", "a": "short", "b|1": "other", "A|1": "capital"})
}

func (c *checker) lister() sessionstore.Lister {
	lister, ok := c.store.(sessionstore.Lister)
	if !ok {
		c.Fatalf("%T can't list its keys", c.store)
	}
	return lister
}

func (c *checker) wantsList(prefix string, want map[string]string) {
	c.Helper()
	got := make(map[string]string)
	err := c.lister().List(c.Context(), prefix, func(key string, value []byte) bool {
		if _, twice := got[key]; twice {
			c.Errorf("List(%s) yielded %s twice", abbreviate(prefix), abbreviate(key))
		}
		got[key] = string(value)
		return true
	})
	if err != nil || !maps.Equal(got, want) {
		c.Errorf("List(%s) yielded %d keys %q, %v, want %q", abbreviate(prefix), len(got),
			slices.Sorted(maps.Keys(got)), err, slices.Sorted(maps.Keys(want)))
	}
}
