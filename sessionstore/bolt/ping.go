package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Claim implements [sessionstore.Claimer]. What fails is logged.
func (s *store) Claim() { _, _ = s.file.open() }

// Ping implements [sessionstore.Pinger]. It makes nothing and takes no lock, for
// the file may be that of a Caddy that runs, and the user may be another.
func (s *store) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.OpenFile(s.file.path, os.O_RDWR, 0)
	if err == nil {
		return f.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = folderFor(filepath.Dir(s.file.path))
	}
	if err != nil {
		return s.file.wrap("", err)
	}
	return nil
}

// folderFor says why a folder can't be made: there is something else in its place.
func folderFor(path string) error {
	info, err := os.Stat(path) //nolint:gosec // the operator names it
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is no folder: choose another path", path)
	case errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path):
		return folderFor(filepath.Dir(path))
	}
	return err
}

// Interface guards
var (
	_ sessionstore.Claimer = (*store)(nil)
	_ sessionstore.Pinger  = (*store)(nil)
)
