// Command preview writes every state of the built-in pages as an HTML file,
// with the script where the pages look for it, so that any static file server
// can show them:
//
//	go run ./pages/preview <dir>
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/caddy-signin/caddy-signin/pages"
	"github.com/caddy-signin/caddy-signin/pages/pagestest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: preview <dir>")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "preview:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	script := filepath.Join(dir, "api", "auth", "pages.js")
	if err := os.MkdirAll(filepath.Dir(script), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(script, pages.Script(), 0o644); err != nil {
		return err
	}
	for _, state := range pagestest.States() {
		var page bytes.Buffer
		if err := pages.Write(&page, state.Page); err != nil {
			return fmt.Errorf("writing state %s: %w", state.Name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, state.Name+".html"), page.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
