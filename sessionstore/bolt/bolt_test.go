package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
)

// load does what a configuration does that has the store: what it returns
// unloads it.
func load(t testing.TB, config string) (store *store, unload func()) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	mod, err := ctx.LoadModuleByID(sessionstore.Namespace+".bolt", json.RawMessage(config))
	if err != nil {
		t.Fatalf("loading the module: %v", err)
	}
	opened, err := mod.(sessionstore.Module).Open(t.Name())
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	return asStore(opened), cancel
}

func asStore(s sessionstore.Store) *store { return s.(*store) }

// at is the configuration of a store in a file.
func at(path string) string {
	config, err := json.Marshal(map[string]string{"path": path})
	if err != nil {
		panic(err)
	}
	return string(config)
}

// newStore's file is not synced to the disk, so that tests don't wait for it.
func newStore(t testing.TB) *store {
	t.Helper()
	s, _ := load(t, at(filepath.Join(t.TempDir(), "state.db")))
	s.file.options.NoSync = true
	s.file.options.NoGrowSync = true
	return s
}

func put(t testing.TB, s sessionstore.Store, key, value string) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(value), time.Now().Add(time.Hour)); err != nil {
		t.Fatalf("Put(%s): %v", key, err)
	}
}

func holds(t testing.TB, s sessionstore.Store, key string) bool {
	t.Helper()
	_, err := s.Get(t.Context(), key)
	if err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
		t.Fatalf("Get(%s): %v", key, err)
	}
	return err == nil
}

func TestBoltKeepsWhatStoresPromise(t *testing.T) {
	storetest.Run(t, func(t *testing.T) sessionstore.Store { return newStore(t) })
}

// It must not be the near cache that keeps the promises.
func TestBoltKeepsThemWithoutItsNearCache(t *testing.T) {
	storetest.Run(t, func(t *testing.T) sessionstore.Store { return uncached{newStore(t)} })
}

type uncached struct{ *store }

func (u uncached) Get(ctx context.Context, key string) ([]byte, error) {
	value, _, err := u.GetExpiring(ctx, key)
	return value, err
}

func TestBoltIsOneFileOfTheUserAlone(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	s, _ := load(t, `{}`)
	files := func() (found []string) {
		_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, _ error) error {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			if path != dir {
				found = append(found, fmt.Sprintf("%s %v", strings.TrimPrefix(path, caddy.AppDataDir()), info.Mode()))
			}
			return nil
		})
		return found
	}
	if found := files(); found != nil {
		t.Errorf("loading the configuration made %q", found)
	}
	put(t, s, "k", "v")
	want := []string{" drwx------", "/signin drwx------", "/signin/state.db -rw-------"}
	if found := files(); strings.Join(found, ",") != strings.Join(want, ",") {
		t.Errorf("files %q, want %q", found, want)
	}
}

func TestBoltOutlivesReloadsAndRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	first, unload := load(t, at(path))
	put(t, first, "k", "v")
	for range 100 {
		next, unloadNext := load(t, at(filepath.Dir(path)+"/./state.db")) // the same file
		unload()
		if next.file != first.file || !holds(t, next, "k") {
			t.Fatal("a reload opened the file anew")
		}
		unload = unloadNext
	}
	unload()
	if _, err := first.Get(t.Context(), "k"); !errors.Is(err, errClosed) {
		t.Errorf("a request of an unloaded configuration: %v", err)
	}
	if err := first.Put(t.Context(), "k", nil, time.Now().Add(time.Hour)); !errors.Is(err, errClosed) {
		t.Errorf("its write: %v", err)
	}
	again, _ := load(t, at(path))
	if again.file == first.file || !holds(t, again, "k") {
		t.Error("a restart lost the value")
	}
}

// synctest fails a test that leaves a goroutine behind.
func TestBoltWriterEndsWithTheLastConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		one, unloadOne := load(t, at(path))
		_, unloadTwo := load(t, at(path))
		put(t, one, "k", "v")
		unloadOne()
		time.Sleep(time.Minute)
		unloadTwo()
	})
}

func TestBoltThatWasNeverOpenedGivesNothingBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, _ := load(t, at(path))
	put(t, s, "k", "v")
	if err := (&Store{path: path}).Cleanup(); err != nil {
		t.Error(err)
	}
	if !holds(t, s, "k") {
		t.Error("it gave back the reference of another configuration")
	}
	m := &Store{path: path}
	if _, err := m.Open(""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(""); err == nil {
		t.Error("a second Open would take a reference that nobody gives back")
	}
	if err := m.Cleanup(); err != nil {
		t.Error(err)
	}
}

func TestBoltConfiguration(t *testing.T) {
	for _, test := range []struct {
		name, caddyfile string
		want            Store
		err             string
	}{
		{"nothing", "bolt", Store{}, ""},
		{"a path", "bolt /srv/state.db", Store{Path: "/srv/state.db"}, ""},
		{"an empty block", "bolt {\n}", Store{}, ""},
		{"a size", "bolt {\n\tmax_size 2GiB\n}", Store{MaxSize: 2 << 30}, ""},
		{"a path and a size", "bolt state.db {\n\tmax_size 2MB\n}", Store{Path: "state.db", MaxSize: 2_000_000}, ""},
		{"two paths", "bolt a b", Store{}, `unexpected "b": it takes one path`},
		{"an empty path", `bolt ""`, Store{}, "the path is empty"},
		{"an unknown option", "bolt {\n\tsize 64MiB\n}", Store{}, `"size" is not known: write max_size`},
		{"a misspelt option", "bolt {\n\tmax_sise 1MiB\n}", Store{}, "bolt: unknown option \"max_sise\": did you mean max_size?"},
		{"the option twice", "bolt {\n\tmax_size 1MiB\n\tmax_size 2MiB\n}", Store{}, "written twice"},
		{"no size", "bolt {\n\tmax_size\n}", Store{}, "max_size needs one value"},
		{"not a size", "bolt {\n\tmax_size plenty\n}", Store{}, "such as 1GiB"},
		{"nothing for a size", "bolt {\n\tmax_size 0\n}", Store{}, "such as 1GiB"},
		{"more than an int64", "bolt {\n\tmax_size 10EB\n}", Store{}, "such as 1GiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s Store
			err := s.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.caddyfile))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || s != test.want {
				t.Errorf("%+v, error %v, want %+v", s, err, test.want)
			}
		})
	}
}

func TestBoltPathsAndSizesThatAreRefused(t *testing.T) {
	for config, want := range map[string]string{
		`{"max_size": 64}`:                 `max_size`,
		`{"max_size": -1}`:                 `max_size`,
		`{"path": "{env.NO_SUCH_STATE}"}`:  `bolt store: path: {env.NO_SUCH_STATE} is empty or can't be read`,
		`{"path": "/srv/{half a secret}"}`: `a placeholder in it is unknown`,
	} {
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		_, err := ctx.LoadModuleByID(sessionstore.Namespace+".bolt", json.RawMessage(config))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", config, err)
		}
		cancel()
	}
}

func TestBoltExpandsItsPath(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("STATE_DIR", dir)
	s, _ := load(t, at("{env.STATE_DIR}/a/b/state.db"))
	put(t, s, "k", "v")
	if _, err := os.Stat(filepath.Join(dir, "a", "b", "state.db")); err != nil {
		t.Error(err)
	}
}
