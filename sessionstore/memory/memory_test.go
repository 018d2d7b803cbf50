package memory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/memory"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

// load does what a configuration does that has the store: what it returns
// unloads it.
func load(t *testing.T, realm, config string) (store sessionstore.Store, unload func()) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	mod, err := ctx.LoadModuleByID(sessionstore.Namespace+".memory", json.RawMessage(config))
	if err != nil {
		t.Fatalf("loading the module: %v", err)
	}
	store, err = mod.(sessionstore.Module).Open(realm)
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	return store, cancel
}

func TestMemoryKeepsWhatStoresPromise(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) sessionstore.Store {
		store, _ := load(t, t.Name(), `{}`)
		return store
	})
}

const mebibyte = `{"max_size": 1048576}`

// fill stores values under prefix until the store refuses, and returns how many.
func fill(t *testing.T, store sessionstore.Store, prefix string, expires time.Time) int {
	t.Helper()
	value := make([]byte, 32<<10)
	for n := range 1000 {
		err := store.Put(t.Context(), fmt.Sprint(prefix, n), value, expires)
		if errors.Is(err, sessionstore.ErrFull) {
			return n
		}
		if err != nil {
			t.Fatalf("Put: %v", err)
		}
	}
	t.Fatal("the store never refused")
	return 0
}

func holds(t *testing.T, store sessionstore.Store, key string) bool {
	t.Helper()
	_, err := store.Get(t.Context(), key)
	if err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
		t.Fatalf("Get(%s): %v", key, err)
	}
	return err == nil
}

func TestMemoryThatIsFullRefusesAndKeepsWhatIsLive(t *testing.T) {
	t.Parallel()
	store, _ := load(t, t.Name(), mebibyte)
	n := fill(t, store, "k", time.Now().Add(time.Hour))
	if n != 31 { // 32 values of 32 KiB and nothing more would be a mebibyte
		t.Errorf("took %d values of 32 KiB into 1 MiB", n)
	}
	for i := range n {
		if !holds(t, store, fmt.Sprint("k", i)) {
			t.Errorf("value %d was dropped", i)
		}
	}
	err := store.Put(t.Context(), "k0", make([]byte, sessionstore.MaxValue), time.Now().Add(time.Hour))
	if !errors.Is(err, sessionstore.ErrFull) || !strings.Contains(err.Error(), "raise max_size") {
		t.Errorf("growing a value = %v, want ErrFull and what to do", err)
	}
	if got, _ := store.Get(t.Context(), "k0"); len(got) != 32<<10 {
		t.Errorf("the refused write left %d bytes", len(got))
	}
	if err := store.Put(t.Context(), "k0", []byte("shorter"), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("shrinking a value in a full store: %v", err)
	}
	if err := store.Delete(t.Context(), "k1"); err != nil {
		t.Errorf("deleting from a full store: %v", err)
	}
	if err := store.Put(t.Context(), "new", make([]byte, 32<<10), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("writing after there is room again: %v", err)
	}
}

func TestMemoryThatIsFullMakesRoomFromExpiredValues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, _ := load(t, t.Name(), mebibyte)
		n := fill(t, store, "old", time.Now().Add(time.Second))
		time.Sleep(2 * time.Second) // less than the sweeper's interval
		if again := fill(t, store, "new", time.Now().Add(time.Hour)); again != n {
			t.Errorf("took %d values, then %d after the first had expired", n, again)
		}
	})
}

func TestMemoryCountsNothingTwiceOverManyRewrites(t *testing.T) {
	t.Parallel()
	store, _ := load(t, t.Name(), mebibyte)
	for i := range 1000 {
		key := fmt.Sprint("k", i%3)
		if err := store.Put(t.Context(), key, make([]byte, 1+i*7%(60<<10)), time.Now().Add(time.Hour)); err != nil {
			t.Fatalf("rewrite %d: %v", i, err)
		}
		if i%5 == 0 {
			if err := store.Delete(t.Context(), key); err != nil {
				t.Fatalf("Delete: %v", err)
			}
		}
	}
	for i := range 3 {
		if err := store.Delete(t.Context(), fmt.Sprint("k", i)); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	if n := fill(t, store, "new", time.Now().Add(time.Hour)); n != 31 {
		t.Errorf("an emptied store took %d values, want 31", n)
	}
}

func TestMemoryDropsEvictableValuesToMakeRoom(t *testing.T) {
	t.Parallel()
	store, _ := load(t, t.Name(), mebibyte)
	value := make([]byte, 32<<10)
	put := func(key string, in time.Duration) {
		t.Helper()
		if err := store.Put(t.Context(), key, value, time.Now().Add(in)); err != nil {
			t.Fatalf("Put(%s): %v", key, err)
		}
	}
	put("revoked", time.Hour)
	for i := range 500 { // a stranger's flood
		put(fmt.Sprint(sessionstore.EvictablePrefix, i), 30*time.Minute)
	}
	if !holds(t, store, "revoked") {
		t.Error("a flood of evictable values dropped a lasting one")
	}
	if n := fill(t, store, "k", time.Now().Add(time.Hour)); n != 30 {
		t.Errorf("took %d lasting values beside one, want 30", n)
	}
	err := store.Put(t.Context(), sessionstore.EvictablePrefix+"x", value, time.Now().Add(time.Hour))
	if !errors.Is(err, sessionstore.ErrFull) {
		t.Errorf("an evictable value in a store full of lasting ones = %v, want ErrFull", err)
	}
}

func TestMemoryStateOutlivesReloads(t *testing.T) {
	t.Parallel()
	first, unloadFirst := load(t, "reload", `{}`)
	if err := first.Put(t.Context(), "k", []byte("one"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	other, _ := load(t, "another realm", `{}`)
	if holds(t, other, "k") {
		t.Error("another realm's store has the key")
	}
	unload := unloadFirst
	for range 100 {
		next, unloadNext := load(t, "reload", `{}`)
		unload()
		if !holds(t, next, "k") {
			t.Fatal("a reload lost the value")
		}
		unload = unloadNext
	}
	if !holds(t, first, "k") {
		t.Error("a request of the first configuration no longer sees the value")
	}
	unload()
	last, _ := load(t, "reload", `{}`)
	if holds(t, last, "k") {
		t.Error("the value is there although no configuration held the store")
	}
}

func TestMemoryLimitBelongsToTheConfiguration(t *testing.T) {
	t.Parallel()
	small, _ := load(t, t.Name(), mebibyte)
	fill(t, small, "k", time.Now().Add(time.Hour))
	large, unload := load(t, t.Name(), `{"max_size": 2097152}`)
	if n := fill(t, large, "more", time.Now().Add(time.Hour)); n != 32 {
		t.Errorf("a reload with another MiB took %d more values, want 32", n)
	}
	unload()
	if err := small.Put(t.Context(), "k0", []byte("shorter"), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("shrinking a value above the limit: %v", err)
	}
}

// synctest fails a test that leaves a goroutine behind.
func TestMemorySweeperEndsWithTheLastConfiguration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, unloadOne := load(t, t.Name(), `{}`)
		_, unloadTwo := load(t, t.Name(), `{}`)
		unloadOne()
		time.Sleep(time.Hour)
		unloadTwo()
	})
}

func TestMemoryThatWasNeverOpenedGivesNothingBack(t *testing.T) {
	t.Parallel()
	store, _ := load(t, "", `{}`)
	if err := store.Put(t.Context(), "k", nil, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := new(memory.Memory).Cleanup(); err != nil {
		t.Error(err)
	}
	again, _ := load(t, "", `{}`)
	if !holds(t, again, "k") {
		t.Error("it gave back the reference of another configuration")
	}
}

func TestMemoryOpensOnce(t *testing.T) {
	t.Parallel()
	m := &memory.Memory{MaxSize: 1 << 20}
	defer func() {
		if err := m.Cleanup(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := m.Open(t.Name()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(t.Name()); err == nil {
		t.Error("a second Open would take a reference that nobody gives back")
	}
}

func TestMemoryConfiguration(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, caddyfile string
		size            int64
		err             string
	}{
		{"no block", "memory", 0, ""},
		{"an empty block", "memory {\n}", 0, ""},
		{"a size in MiB", "memory {\n\tmax_size 64MiB\n}", 64 << 20, ""},
		{"a size in MB", "memory {\n\tmax_size 2MB\n}", 2_000_000, ""},
		{"a size without a unit", "memory {\n\tmax_size 2097152\n}", 2 << 20, ""},
		{"an argument", "memory 64MiB", 0, `unexpected "64MiB": write max_size`},
		{"an unknown option", "memory {\n\tsize 64MiB\n}", 0, `"size" is not known: write max_size`},
		{"a misspelt option", "memory {\n\tmax_sise 64MiB\n}", 0, `memory: unknown option "max_sise": did you mean max_size?`},
		{"the option twice", "memory {\n\tmax_size 1MiB\n\tmax_size 2MiB\n}", 0, "written twice"},
		{"no size", "memory {\n\tmax_size\n}", 0, "max_size needs one value"},
		{"two sizes", "memory {\n\tmax_size 1MiB 2MiB\n}", 0, "max_size needs one value"},
		{"not a size", "memory {\n\tmax_size plenty\n}", 0, "such as 64MiB"},
		{"nothing", "memory {\n\tmax_size 0\n}", 0, "such as 64MiB"},
		{"less than nothing", "memory {\n\tmax_size -1MiB\n}", 0, "such as 64MiB"},
		{"more than an int64", "memory {\n\tmax_size 10EB\n}", 0, "such as 64MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var m memory.Memory
			err := m.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.caddyfile))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || m.MaxSize != test.size {
				t.Errorf("max_size %d, error %v, want %d", m.MaxSize, err, test.size)
			}
		})
	}
}

func TestMemoryRefusesSizesTooSmallToBeMeant(t *testing.T) {
	t.Parallel()
	for _, config := range []string{`{"max_size": 64}`, `{"max_size": -1}`, `{"max_size": 1048575}`} {
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		_, err := ctx.LoadModuleByID(sessionstore.Namespace+".memory", json.RawMessage(config))
		if err == nil || !strings.Contains(err.Error(), "max_size") {
			t.Errorf("%s: error %v", config, err)
		}
		cancel()
	}
}
