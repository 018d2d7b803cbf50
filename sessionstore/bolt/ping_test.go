package bolt

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

func TestPingLeavesTheFileToWhoUsesIt(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "signin", "state.db")
	s, _ := load(t, at(path))
	if err := s.Ping(t.Context()); err != nil {
		t.Error("before the file is made:", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("ping made the folder:", err)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	other, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error("while another process has it:", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	notFolder, _ := load(t, at(filepath.Join(path, "below", "state.db")))
	if err := notFolder.Ping(t.Context()); err == nil {
		t.Error("a folder below a file can be made")
	}
	folder, _ := load(t, at(dir))
	if err := folder.Ping(t.Context()); err == nil {
		t.Error("a folder can be the file")
	}
}
