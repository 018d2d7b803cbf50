package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-signin/caddy-signin/pages/pagestest"
)

func TestPreviewWritesEveryStateAndTheScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join("api", "auth", "pages.js")}
	for _, state := range pagestest.States() {
		files = append(files, state.Name+".html")
	}
	for _, file := range files {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
}
