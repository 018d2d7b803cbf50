package client

import (
	"bytes"
	"compress/gzip"
	"regexp"
	"slices"
	"testing"
)

// maxGzipped is what a page pays at most for the client, in bytes.
const maxGzipped = 3 * 1024

func TestClientFitsItsBudget(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte(JS().Content())); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("client.js: %d bytes, %d gzipped", len(JS().Content()), zipped.Len())
	if zipped.Len() > maxGzipped {
		t.Errorf("client.js is %d bytes gzipped, more than %d", zipped.Len(), maxGzipped)
	}
}

func TestClientAndItsTypesExportTheSameCalls(t *testing.T) {
	t.Parallel()
	want := []string{"getCsrfToken", "getProviders", "getSession", "onSessionChange", "signIn", "signOut"}
	if got := exports(JS()); !slices.Equal(got, want) {
		t.Errorf("client.js exports %q, want %q", got, want)
	}
	if got := exports(Types()); !slices.Equal(got, want) {
		t.Errorf("client.d.ts exports %q, want %q", got, want)
	}
}

func TestClientImportsNothing(t *testing.T) {
	t.Parallel()
	// The example in its head comment is indented by a star.
	if found := regexp.MustCompile(`(?m)^\s*(import\b|export\b.*\bfrom\b)|\bimport\(`).FindString(JS().Content()); found != "" {
		t.Errorf("client.js depends on another module: %q", found)
	}
}

func TestEntityTagFollowsTheContent(t *testing.T) {
	t.Parallel()
	tag := JS().ETag()
	if !regexp.MustCompile(`^"[A-Za-z0-9_-]{16}"$`).MatchString(tag) {
		t.Errorf("not a strong entity tag: %s", tag)
	}
	if Types().ETag() == tag || newFile(JS().Content()+"\n").ETag() == tag {
		t.Error("the tag stays when the content changes")
	}
	if newFile(JS().Content()).ETag() != tag {
		t.Error("the tag changes when the content stays")
	}
}

// exports lists the exported functions, sorted, overloads once.
func exports(file File) []string {
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^export (?:async )?function (\w+)`).FindAllStringSubmatch(file.Content(), -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
