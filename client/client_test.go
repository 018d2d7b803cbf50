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
	if _, err := w.Write(JS); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("client.js: %d bytes, %d gzipped", len(JS), zipped.Len())
	if zipped.Len() > maxGzipped {
		t.Errorf("client.js is %d bytes gzipped, more than %d", zipped.Len(), maxGzipped)
	}
}

func TestClientAndItsTypesExportTheSameCalls(t *testing.T) {
	t.Parallel()
	want := []string{"getCsrfToken", "getProviders", "getSession", "onSessionChange", "signIn", "signOut"}
	if got := exports(JS); !slices.Equal(got, want) {
		t.Errorf("client.js exports %q, want %q", got, want)
	}
	if got := exports(Types); !slices.Equal(got, want) {
		t.Errorf("client.d.ts exports %q, want %q", got, want)
	}
}

func TestClientImportsNothing(t *testing.T) {
	t.Parallel()
	// The example in its head comment is indented by a star.
	if found := regexp.MustCompile(`(?m)^\s*(import\b|export\b.*\bfrom\b)|\bimport\(`).Find(JS); found != nil {
		t.Errorf("client.js depends on another module: %q", found)
	}
}

func TestEntityTagFollowsTheContent(t *testing.T) {
	t.Parallel()
	if !regexp.MustCompile(`^"[A-Za-z0-9_-]{16}"$`).MatchString(JSETag) {
		t.Errorf("not a strong entity tag: %s", JSETag)
	}
	if JSETag != etag(JS) || TypesETag != etag(Types) || JSETag == TypesETag {
		t.Error("a tag does not belong to its file")
	}
	if changed := append(slices.Clone(JS), '\n'); etag(changed) == JSETag {
		t.Error("the tag stays when the content changes")
	}
}

// exports lists the exported functions, sorted, overloads once.
func exports(source []byte) []string {
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^export (?:async )?function (\w+)`).FindAllSubmatch(source, -1) {
		names = append(names, string(found[1]))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
