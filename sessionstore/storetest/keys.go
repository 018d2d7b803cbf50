package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

var keyTests = []test{
	{"keys of any bytes are told apart", tellsKeysApart},
	{"a key that is empty or over the limit is refused", refusesKeys},
	{"keys under the evictable prefix are keys like others", func(c *checker) {
		key := sessionstore.EvictablePrefix + "k"
		c.put(key, "one", c.in(time.Hour))
		c.wants(key, "one")
		c.wantsNothing("k")
		c.delete(key)
		c.wantsNothing(key)
	}},
}

// hostileKeys are pairs that a store confuses when it cuts at NUL, folds,
// normalises, escapes, matches patterns or repairs UTF-8.
var hostileKeys = []string{
	"k", "K", " k", "k ", "k\x00", "k\x00x", "\x00", "\x00k",
	"\xff", "\xfe", "\xef\xbf\xbd", "caf\u00e9", "cafe\u0301",
	"*", "?", "%", "_", "k*", `\`, `\\`, "'", "''", `"`, "k'; DELETE FROM t; --",
	"\r\n", "\n", "a|b", "a||b", "a:b", "a/b", "a/../b", "{a}b", "{a}",
	strings.Repeat("k", sessionstore.MaxKey), strings.Repeat("k", sessionstore.MaxKey-1),
	strings.Repeat("k", sessionstore.MaxKey-1) + "\x00", strings.Repeat("\xff", sessionstore.MaxKey),
}

func tellsKeysApart(c *checker) {
	for i, key := range hostileKeys {
		c.put(key, fmt.Sprint("value ", i), c.in(time.Hour))
	}
	for i, key := range hostileKeys {
		c.wants(key, fmt.Sprint("value ", i))
	}
	for i, key := range hostileKeys {
		c.wants(key, fmt.Sprint("value ", i)) // not deleted with those before it
		c.delete(key)
		c.wantsNothing(key)
	}
}

func refusesKeys(c *checker) {
	for _, key := range []string{"", strings.Repeat("k", sessionstore.MaxKey+1), strings.Repeat("k", 1<<20)} {
		_, getErr := c.store.Get(c.Context(), key)
		called := false
		errs := map[string]error{
			"Get":    getErr,
			"Put":    c.store.Put(c.Context(), key, []byte("v"), c.in(time.Hour)),
			"Delete": c.store.Delete(c.Context(), key),
			"Update": c.store.Update(c.Context(), key, func([]byte) ([]byte, time.Time, error) {
				called = true
				return []byte("v"), c.in(time.Hour), nil
			}),
		}
		for op, err := range errs {
			if !errors.Is(err, sessionstore.ErrLength) {
				c.Errorf("%s with a key of %d bytes = %v, want ErrLength", op, len(key), err)
			}
		}
		if called {
			c.Errorf("Update called change for a key of %d bytes", len(key))
		}
	}
	c.wantsNothing(strings.Repeat("k", sessionstore.MaxKey))
}

// abbreviate quotes s for a message.
func abbreviate(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%.40q… (%d bytes)", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}
