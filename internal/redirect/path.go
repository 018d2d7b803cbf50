package redirect

import "strings"

// slashes are the encoded spellings of what separates segments for something
// behind us that decodes a path before it looks at it.
var slashes = strings.NewReplacer("%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/")

// isSafePath says whether a URL's path still names the same host when it is
// taken alone: not when it begins with two slashes, with its dot segments or
// without, as it stands or with encoded slashes and backslashes decoded.
func isSafePath(path string) bool {
	for _, view := range [...]string{path, slashes.Replace(path)} {
		if strings.HasPrefix(view, "//") || strings.HasPrefix(removeDots(view), "//") {
			return false
		}
	}
	return true
}

// removeDots removes the dot segments of a path, encoded ones too, as browsers do
// (WHATWG URL, path state).
func removeDots(path string) string {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return path
	}
	var kept []string
	for more := true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		dots := countDots(segment)
		if dots == 2 && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		switch {
		case dots == 0:
			kept = append(kept, segment)
		case !more:
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// countDots returns 1 for the segment ".", 2 for "..", in either spelling of the
// dot, and else 0.
func countDots(segment string) int {
	const encodedDot = "%2e"
	for dots := range 3 {
		if segment == "" {
			return dots
		}
		if segment[0] == '.' {
			segment = segment[1:]
		} else if len(segment) >= len(encodedDot) && equalFold(segment[:len(encodedDot)], encodedDot) {
			segment = segment[len(encodedDot):]
		} else {
			return 0
		}
	}
	return 0
}
