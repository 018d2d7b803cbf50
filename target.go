package signin

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// badTarget says why a request target is refused: the part of it that a proxy
// and an upstream may read differently. Empty means that it is fine.
// %2F and ; pass: real APIs need them, and gates see the decoded path.
func badTarget(r *http.Request) string {
	path := r.URL.Path
	if strings.IndexByte(path, 0) >= 0 {
		return "the path holds a NUL"
	}
	if !utf8.ValidString(path) {
		return "the path is not valid UTF-8"
	}
	if strings.IndexByte(path, '\\') >= 0 {
		return "the path holds a backslash"
	}
	// Servlet containers drop parameters first: /open/..;/guarded is /guarded there.
	if strings.Contains(path, "/.;") || strings.Contains(path, "/..;") {
		return "the path holds a dot segment with parameters"
	}
	// To them /;x/guarded is /guarded, and /open/;/../guarded too.
	if i := strings.Index(path, "/;"); i >= 0 && strings.Contains(path[i+1:], "/") {
		return "the path holds a segment of parameters alone"
	}
	// RawPath is empty for "%2e%2e", whose decoded form is its own default
	// encoding: only the request line shows it.
	if strings.IndexByte(r.RequestURI, '%') >= 0 {
		target, _, _ := strings.Cut(r.RequestURI, "?")
		if hasHiddenDots(path, target) {
			return "the path holds encoded dot segments"
		}
	}
	return ""
}

// hasHiddenDots reports whether decoding raw made dot segments that raw itself
// does not show.
func hasHiddenDots(decoded, raw string) bool {
	return countDotSegments(decoded) > countDotSegments(raw)
}

func countDotSegments(path string) int {
	n := 0
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			n++
		}
	}
	return n
}
