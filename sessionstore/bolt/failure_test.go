package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// wantFailure checks that no operation works, and that the error says what and where.
func wantFailure(t *testing.T, s *store, want ...string) {
	t.Helper()
	_, getErr := s.Get(t.Context(), "k")
	errs := map[string]error{
		"Get":    getErr,
		"Put":    s.Put(t.Context(), "k", nil, time.Now().Add(time.Hour)),
		"Delete": s.Delete(t.Context(), "k"),
		"Add":    sessionstore.Add(t.Context(), s, "k", nil, time.Now().Add(time.Hour)),
		"List":   s.List(t.Context(), "", func(string, []byte) bool { return true }),
	}
	for op, err := range errs {
		for _, want := range append(want, s.file.path) {
			if err == nil || errors.Is(err, sessionstore.ErrNotFound) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s = %v, want an error that says %q", op, err, want)
			}
		}
	}
}

func TestBoltThatIsInUseWorksOnceItIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		other, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := load(t, at(path)) // as caddy validate does
		began := time.Now()
		wantFailure(t, s, "in use by another process", "stop the other Caddy")
		if waited := time.Since(began); waited != 0 {
			t.Errorf("it took %v to say so", waited)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(retryAfter)
		put(t, s, "k", "v")
	})
}

func TestBoltThatCannotMakeItsFileSaysWhere(t *testing.T) {
	dir := t.TempDir()
	occupied := filepath.Join(dir, "occupied")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                                  "is a directory",
		filepath.Join(occupied, "state.db"):  "not a directory",
		filepath.Join(dir, "state\x00.db"):   "invalid",
		"/dev/null/signin/state.db":          "not a directory",
		"/proc/no such folder/state.db":      "no such file",
		filepath.Join(dir, "new", "state.d"): "",
	} {
		s, unload := load(t, at(path))
		if want == "" {
			put(t, s, "k", "v")
		} else {
			wantFailure(t, s, want)
		}
		unload()
	}
}

// filled is a file with entries in many pages.
func filled(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	s, unload := load(t, at(path))
	s.file.options.NoSync = true
	db, err := s.file.open()
	if err != nil {
		t.Fatal(err)
	}
	putMany(s, db, "k", 1000, time.Hour)
	put(t, s, "k", "v")
	unload()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestBoltRefusesFilesOfAnotherKind(t *testing.T) {
	good := filled(t)
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	db, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("values 2")); return err })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"text":                       bytes.Repeat([]byte("not a database\n"), 1000),
		"a byte":                     {1},
		"a file of another program":  other,
		"one that was cut":           good[:len(good)/2],
		"one that was cut shorter":   good[:3*os.Getpagesize()],
		"one that was cut to a page": good[:os.Getpagesize()],
		"one whose heads are gone":   append(make([]byte, 2*os.Getpagesize()), good[2*os.Getpagesize():]...),
		"zeros":                      make([]byte, 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, _ := load(t, at(path))
			wantFailure(t, s, "damaged, or not a file of this store", "restore a backup")
			if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

// The kernel answers a reading beyond the end of a mapped file with a signal.
func TestBoltSurvivesAFileThatIsCutWhileItIsOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, filled(t), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := load(t, at(path))
	put(t, s, "k", "v")
	if err := os.Truncate(path, int64(2*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.GetExpiring(t.Context(), "k"); !errors.Is(err, ErrDamaged) {
		t.Errorf("Get = %v, want ErrDamaged", err)
	}
	if err := s.Put(t.Context(), "k", nil, time.Now().Add(time.Hour)); !errors.Is(err, ErrDamaged) {
		t.Errorf("Put = %v, want ErrDamaged", err)
	}
	wantFailure(t, s, "damaged, or not a file of this store")
}

// A page that holds garbage may or may not matter to a call; it never ends the
// process, and what can be read is right.
func TestBoltSurvivesDamagedPages(t *testing.T) {
	good := filled(t)
	size := os.Getpagesize()
	told := 0
	for page := 2; page < len(good)/size; page++ {
		for _, fill := range []byte{0, 0xff, 'x'} {
			content := bytes.Clone(good)
			copy(content[page*size:], bytes.Repeat([]byte{fill}, size))
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, unload := load(t, at(path))
			s.file.options.NoSync = true
			value, readErr := s.Get(t.Context(), "k")
			if readErr == nil && string(value) != "v" {
				t.Errorf("page %d of %x: Get = %q", page, fill, value)
			}
			writeErr := s.Put(t.Context(), "new", nil, time.Now().Add(time.Hour))
			listErr := s.List(t.Context(), "", func(string, []byte) bool { return true })
			if errors.Is(errors.Join(readErr, writeErr, listErr), ErrDamaged) {
				told++
			}
			if errors.Is(writeErr, ErrDamaged) {
				wantFailure(t, s, fmt.Sprint(ErrDamaged))
			}
			unload()
		}
	}
	if told == 0 {
		t.Error("no damage was noticed")
	}
}
