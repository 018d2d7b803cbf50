package request

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// urlParser returns the path that upstreams read from a request target, and
// whether they read one at all.
type urlParser func(target string) (path string, ok bool)

// urlParsers are Go's, and models of two others as far as a path depends on
// them; TestModelsOfURLParsers holds those against the real ones.
var urlParsers = map[string]urlParser{
	"Go's net/url":    goPath,
	"Node's URL":      nodePath,
	"PHP's parse_url": phpPath,
}

func goPath(target string) (string, bool) {
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Opaque != "" {
		return "", false
	}
	return u.EscapedPath(), true
}

// nodePath is new URL(target, "http://h").pathname (WHATWG URL, section 4.4).
func nodePath(target string) (string, bool) {
	target = strings.TrimFunc(target, func(r rune) bool { return r <= ' ' })
	target = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(target)
	target, _, _ = strings.Cut(target, "#")
	scheme, rest, ok := cutScheme(target)
	special := !ok || slices.Contains([]string{"http", "https", "ws", "wss", "ftp", "file"}, scheme)
	if rest, _, _ = strings.Cut(rest, "?"); special {
		rest = strings.ReplaceAll(rest, `\`, "/")
	}
	switch {
	case !special && !strings.HasPrefix(rest, "/"):
		return encodeOpaque(rest), true
	case strings.HasPrefix(rest, "//") || special && ok && scheme != "http":
		authority := strings.TrimPrefix(rest, "//")
		if special {
			authority = strings.TrimLeft(rest, "/")
		}
		host, path, found := strings.Cut(authority, "/")
		_, host = cutLast(host, "@")
		if host, port, _ := strings.Cut(host, ":"); special && host == "" || !isPort(port) {
			return "", false
		}
		if !special && !found {
			return "", true
		}
		return nodeSegments(path), true
	default: // beside the base, whose path is "/"
		return nodeSegments(strings.TrimPrefix(rest, "/")), true
	}
}

// cutScheme splits at the colon of a scheme (RFC 3986 section 3.1).
func cutScheme(target string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(target, ":")
	if !ok || scheme == "" || !isLetter(scheme[0]) {
		return "", target, false
	}
	for i := range len(scheme) {
		if c := scheme[i]; !isLetter(c) && !isDigit(c) && !strings.ContainsRune("+-.", rune(c)) {
			return "", target, false
		}
	}
	return strings.ToLower(scheme), rest, true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

func isPort(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return digits == "" || err == nil && n <= 65535
}

// cutLast returns what stands before and behind the last sep, or nothing and s.
func cutLast(s, sep string) (before, behind string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+1:]
	}
	return "", s
}

// nodeSegments removes the dot segments of a path without its first slash, and
// encodes what is not allowed in one.
func nodeSegments(path string) string {
	var kept []string
	for more := true; more; {
		var segment string
		segment, path, more = strings.Cut(path, "/")
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		case ".":
		default:
			kept = append(kept, encodeBytes(segment, "\"#<>?`{}"))
			continue
		}
		if !more {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

func encodeOpaque(path string) string { return encodeBytes(path, "") }

// encodeBytes percent-encodes controls, what is not ASCII, and for a path that
// is not opaque blanks and the bytes of set.
func encodeBytes(s, set string) string {
	var out strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f || set != "" && (c == ' ' || strings.IndexByte(set, c) >= 0) {
			out.WriteString("%" + strings.ToUpper(strconv.FormatUint(0x100|uint64(c), 16)[1:]))
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}

// phpPath is parse_url(target, PHP_URL_PATH), as php_url_parse_ex2 of PHP 8 has it.
func phpPath(target string) (string, bool) {
	colon := strings.IndexByte(target, ':')
	switch {
	case colon > 0 && isPHPScheme(target[:colon]):
		return phpAbsolute(target, colon)
	case colon == 0 || colon > 0 && colon+1 < len(target) && colon < strings.IndexAny(target+"?", "?#"):
		return phpPort(target, colon)
	case strings.HasPrefix(target, "//"):
		return phpHost(target[2:], false)
	default:
		return phpJustPath(target)
	}
}

func isPHPScheme(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return r > 0x7f || !isLetter(byte(r)) && !isDigit(byte(r)) && !strings.ContainsRune("+.-", r)
	}) < 0
}

func phpAbsolute(target string, colon int) (string, bool) {
	scheme, rest := target[:colon], target[colon+1:]
	switch {
	case rest == "":
		return "", false
	case rest[0] != '/':
		if digits := leadingDigits(rest); digits < 6 && (digits == len(rest) || rest[digits] == '/') {
			return phpPort(target, colon)
		}
		return phpJustPath(rest)
	case !strings.HasPrefix(rest, "//"):
		return phpJustPath(rest)
	case strings.EqualFold(scheme, "file") && strings.HasPrefix(rest, "///"):
		if len(rest) > 4 && rest[4] == ':' { // a drive's letter
			return phpJustPath(rest[3:])
		}
		return phpJustPath(rest[2:])
	default:
		return phpHost(rest[2:], false)
	}
}

func leadingDigits(s string) int {
	if i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		return i
	}
	return len(s)
}

// phpPort decides whether a colon before anything else begins a port.
func phpPort(target string, colon int) (string, bool) {
	rest := target[colon+1:]
	digits := leadingDigits(rest)
	relative, isRelative := strings.CutPrefix(target, "//")
	switch {
	case digits > 0 && digits < 6 && (digits == len(rest) || rest[digits] == '/'):
		if !isPort(rest[:digits]) {
			return "", false
		}
		return phpHost(relative, rest[:digits] != strings.Repeat("0", digits))
	case rest == "":
		return "", false
	case isRelative:
		return phpHost(relative, false)
	default:
		return phpJustPath(target)
	}
}

func phpHost(rest string, hasPort bool) (string, bool) {
	end := strings.IndexAny(rest+"/", "/?#")
	_, host := cutLast(rest[:end], "@")
	if !strings.HasPrefix(host, "[") || !strings.HasSuffix(host, "]") {
		if i := strings.LastIndexByte(host, ':'); i >= 0 {
			if port := host[i+1:]; !hasPort && (len(port) > 5 || !isPHPPort(port)) {
				return "", false
			}
			host = host[:i]
		}
	}
	if host == "" || end == len(rest) {
		return "", false
	}
	return phpJustPath(rest[end:])
}

// isPHPPort is what strtol makes of up to five characters.
func isPHPPort(port string) bool {
	if port == "" {
		return true
	}
	digits := strings.TrimLeft(port, " \t\n\v\f\r")
	digits, negative := strings.CutPrefix(digits, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	digits = digits[:leadingDigits(digits)]
	return digits != "" && isPort(digits) && (!negative || strings.Trim(digits, "0") == "")
}

func phpJustPath(rest string) (string, bool) {
	path, _, _ := strings.Cut(rest, "#")
	path, _, _ = strings.Cut(path, "?")
	if path == "" && rest != "" {
		return "", false
	}
	clean := []byte(path)
	for i, c := range clean {
		if c < ' ' || c == 0x7f {
			clean[i] = '_'
		}
	}
	return string(clean), true
}
