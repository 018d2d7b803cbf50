package authjs

import (
	"slices"
	"strings"
)

// Strip returns the Cookie header lines without our cookies (see [Own]). The
// others stay byte for byte, in their order. Where nothing is ours it returns
// lines itself, without allocating, and where nothing is left, nil. It never
// writes to lines, and reads all of them, whatever their length.
func Strip(lines []string) []string { return strip(lines, nil) }

// StripButSession is [Strip] for back ends that read the session themselves: it
// leaves this dialect's session cookies in.
func (n *Names) StripButSession(lines []string) []string { return strip(lines, n) }

// strip takes our cookies out, but for the session's of keep.
func strip(lines []string, keep *Names) []string {
	first := slices.IndexFunc(lines, func(line string) bool { return inLine(line, keep) })
	if first < 0 {
		return lines
	}
	kept := slices.Clone(lines[:first])
	for _, line := range lines[first:] {
		if line = stripLine(line, keep); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// goes says whether a cookie is taken out.
func goes(name string, keep *Names) bool {
	return Own(name) && (keep == nil || !keep.ownSession(name))
}

// inLine says whether a Cookie header line brings a cookie to take out.
func inLine(line string, keep *Names) bool {
	for line != "" {
		var name string
		if name, _, line = nextCookie(line); goes(name, keep) {
			return true
		}
	}
	return false
}

// stripLine returns a Cookie header line without the cookies to take out.
func stripLine(line string, keep *Names) string {
	const usual = 512 // keeps what is usually left off the heap until its length is known
	kept := make([]byte, 0, usual)
	stripped := false
	for rest := line; rest != ""; {
		var piece string
		piece, rest, _ = strings.Cut(rest, ";")
		if name, _, _ := nextCookie(piece); goes(name, keep) {
			stripped = true
			continue
		}
		if len(kept) == 0 {
			kept = append(kept, strings.TrimLeft(piece, " \t")...)
			continue
		}
		kept = append(kept, ';')
		kept = append(kept, piece...)
	}
	if !stripped {
		return line
	}
	return string(kept)
}

// StripSetCookie returns the Set-Cookie header lines of an upstream without
// those that set or delete a cookie of ours (see [Own]). Where none does
// it returns lines itself, and where none is left, nil. It never writes to lines.
func StripSetCookie(lines []string) []string {
	sets := func(line string) bool { return Own(setCookieName(line)) }
	if !slices.ContainsFunc(lines, sets) {
		return lines
	}
	kept := slices.DeleteFunc(slices.Clone(lines), sets)
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// setCookieName returns the name under which a browser will send back what a
// Set-Cookie line sets. A nameless cookie ("=a=b") is sent as its value alone
// and so passes for a cookie named a (RFC 6265bis, section 8.9).
func setCookieName(line string) string {
	pair, _, _ := strings.Cut(line, ";")
	name, _, _ := strings.Cut(strings.TrimLeft(pair, " \t="), "=")
	return trimBlanks(name)
}
