// Package bolt is the session store that keeps state in one file of this
// machine: the guest module signin.stores.bolt.
package bolt

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func init() {
	caddy.RegisterModule(Store{})
}

const (
	defaultMaxSize = 1 << 30
	minMaxSize     = 1 << 20

	// nearSize bounds the memory of a file's near cache: about 110,000 answers.
	nearSize = 32 << 20
)

// Store keeps state in one file, in bbolt's format, with nothing to install.
// What was stored is on the disk before the answer goes out. Realms and
// configurations of this process may share a file; another process may not: it
// gets an error that names the file, and can use it once this one has ended.
//
// The file takes up to max_size, and room that becomes free is used again; the
// file itself never shrinks. What is live is never dropped to make room, but
// for the counts of failed sign-ins: a full store refuses to write.
type Store struct {
	// The file. Its folder is made if needed, with access for this user only,
	// as for the file itself. Placeholders such as {env.STATE} are expanded.
	// Default: signin/state.db in Caddy's data directory.
	Path string `json:"path,omitempty"`

	// The most bytes of the file that may be in use. At least 1048576 (1 MiB).
	// Default: 1073741824 (1 GiB).
	MaxSize int64 `json:"max_size,omitempty"`

	path string
	file *file // set by Open: the reference that Cleanup gives back
}

// CaddyModule returns the Caddy module information.
func (Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  sessionstore.Namespace + ".bolt",
		New: func() caddy.Module { return new(Store) },
	}
}

// files holds one file per path, so that a reload, and another realm, find the
// one that is open.
var files = caddy.NewUsagePool()

// Provision sets the defaults.
func (s *Store) Provision(caddy.Context) error {
	if s.MaxSize == 0 {
		s.MaxSize = defaultMaxSize
	}
	s.path = filepath.Join(caddy.AppDataDir(), "signin", "state.db")
	if s.Path != "" {
		s.path = s.Path
		if err := directive.Expand("bolt store: path", &s.path); err != nil {
			return err
		}
	}
	absolute, err := filepath.Abs(s.path)
	if err != nil {
		return fmt.Errorf("bolt store: path %s: %w", s.path, err)
	}
	s.path = absolute
	return nil
}

// Validate refuses a size that is too small to be meant.
func (s *Store) Validate() error {
	if s.MaxSize < minMaxSize {
		return fmt.Errorf("bolt store: max_size is %d bytes: make it at least %d (1MiB)", s.MaxSize, minMaxSize)
	}
	return nil
}

// Open implements [sessionstore.Module]. The file is opened when Caddy
// starts (Claim), or on first use.
func (s *Store) Open(string) (sessionstore.Store, error) {
	if s.file != nil {
		return nil, fmt.Errorf("bolt store %s: already open", s.path)
	}
	v, _, err := files.LoadOrNew(s.path, func() (caddy.Destructor, error) { return newFile(s.path), nil })
	if err != nil {
		return nil, fmt.Errorf("bolt store %s: %w", s.path, err)
	}
	s.file = v.(*file)
	return &store{file: s.file, limit: s.MaxSize}, nil
}

// Cleanup gives the file back; the last reference closes it.
func (s *Store) Cleanup() error {
	if s.file == nil {
		return nil
	}
	_, err := files.Delete(s.path)
	return err
}

// UnmarshalCaddyfile sets up the store from Caddyfile tokens. Syntax:
//
//	bolt [<path>] {
//		max_size <size>
//	}
//
// The size has a unit, such as 1GiB.
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the module's name
	if d.NextArg() {
		s.Path = d.Val()
		if s.Path == "" {
			return d.Err("bolt: the path is empty: write a file, or nothing for the one in Caddy's data directory")
		}
	}
	if d.NextArg() {
		return d.Errf("bolt: unexpected %q: it takes one path, in quotes if it has spaces", d.Val())
	}
	if strings.HasSuffix(s.Path, "/") {
		return d.Errf("bolt: %q is a folder: write a file in it, such as %ssignin.db", s.Path, s.Path)
	}
	block := directive.Section{Name: "bolt", Unknown: "%q is not known: write max_size, or leave the block out"}
	return block.Read(d, directive.Options{"max_size": directive.Size(&s.MaxSize, minMaxSize, "1GiB")})
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddy.Validator       = (*Store)(nil)
	_ caddy.CleanerUpper    = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
	_ sessionstore.Module   = (*Store)(nil)
)
