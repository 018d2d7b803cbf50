package profile

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
)

// Besides the provider's claims, a profile can read these.
const (
	tokenMember    = "token_response" // the token endpoint's answer, without tokens
	callbackMember = "callback"       // the callback's parameters
)

// With returns c and, under names of their own, what else a profile can read: the
// token endpoint's answer without its tokens, and the callback's parameters, of
// which there are none for whoever must not trust them.
func (c Claims) With(tokenAnswer Claims, parameters url.Values) Claims {
	all := maps.Clone(c)
	all[tokenMember] = map[string]any(tokenAnswer)
	callback := make(map[string]any, len(parameters))
	for name, values := range parameters {
		callback[name] = values[0]
		if object, err := ParseClaims([]byte(values[0])); err == nil {
			callback[name] = map[string]any(object)
		}
	}
	all[callbackMember] = callback
	return all
}

// source reads a part of a profile that may be made of several claims.
type source func(Claims) (any, bool)

var (
	sourcePlace = regexp.MustCompile(`\{([^{}]+)\}`)
	sourceCall  = regexp.MustCompile(`^(\w+)\(\)$`)
)

// parseSources reads alternatives, each a path, paths joined by +, a URL with
// paths in braces, or the name of a picture's maker followed by ().
func parseSources(s string) []source {
	if s == "" || s == Off {
		return nil
	}
	var sources []source
	for alternative := range strings.SplitSeq(s, "|") {
		sources = append(sources, parseSource(alternative))
	}
	return sources
}

func parseSource(s string) source {
	if call := sourceCall.FindStringSubmatch(s); call != nil {
		return pictures[call[1]]
	}
	if strings.Contains(s, "{") {
		return func(c Claims) (any, bool) { return fillSource(s, c) }
	}
	parts := ParsePaths(strings.ReplaceAll(s, "+", "|"))
	if len(parts) == 1 {
		return func(c Claims) (any, bool) { return parts[0].Find(map[string]any(c)) }
	}
	return func(c Claims) (any, bool) { return joined(parts, c) }
}

// parseFlags reads alternatives, each a path or paths joined by +, all of which
// must be there and true. "off" gives an empty list: nothing says it.
func parseFlags(s string) []source {
	switch s {
	case "":
		return nil
	case Off:
		return []source{}
	}
	var sources []source
	for alternative := range strings.SplitSeq(s, "|") {
		parts := ParsePaths(strings.ReplaceAll(alternative, "+", "|"))
		sources = append(sources, func(c Claims) (any, bool) { return allTrue(parts, c) })
	}
	return sources
}

func allTrue(parts []Path, c Claims) (any, bool) {
	all := true
	for _, part := range parts {
		flag, ok := part.Find(map[string]any(c))
		if !ok {
			return nil, false
		}
		all = all && isTrue(flag)
	}
	return all, true
}

// joined is the texts that there are, with spaces between them.
func joined(parts []Path, c Claims) (any, bool) {
	var words []string
	for _, part := range parts {
		if word, ok := first(c, []Path{part}, Text); ok {
			words = append(words, word)
		}
	}
	return strings.Join(words, " "), len(words) > 0
}

// fillSource puts claims into a URL. A claim that the URL begins with stands as
// it is, and one that is itself the beginning of a path or address; identifiers
// are escaped.
func fillSource(s string, c Claims) (any, bool) {
	complete := true
	filled := sourcePlace.ReplaceAllStringFunc(s, func(place string) string {
		value, ok := first(c, ParsePaths(place[1:len(place)-1]), Identifier)
		complete = complete && ok
		if strings.Contains(value, "/") {
			return value // ImageURL has the last word on what comes of it
		}
		return url.PathEscape(value)
	})
	return filled, complete
}

// firstOf returns the first usable value of the sources.
func firstOf[T any](c Claims, sources []source, usable func(any) (T, bool)) (T, bool) {
	for _, read := range sources {
		if found, ok := read(c); ok {
			if value, ok := usable(found); ok {
				return value, true
			}
		}
	}
	var none T
	return none, false
}

// CheckSources finds parts of a profile that can't be read. Only rich ones may
// be more than paths, and come from the callback: it passed through the browser.
func CheckSources(written string, rich bool) error {
	if written == "" || written == Off {
		return nil
	}
	for alternative := range strings.SplitSeq(written, "|") {
		if err := checkSource(alternative, rich); err != nil {
			return err
		}
	}
	return nil
}

func checkSource(s string, rich bool) error {
	if call := sourceCall.FindStringSubmatch(s); call != nil {
		if pictures[call[1]] == nil || !rich {
			return fmt.Errorf("unknown picture %q: write one of %s()", excerpt.Of(s), strings.Join(slices.Sorted(maps.Keys(pictures)), "(), "))
		}
		return nil
	}
	read := []string{s}
	switch {
	case !rich:
	case strings.Contains(s, "{"):
		read = nil
		for _, place := range sourcePlace.FindAllStringSubmatch(s, -1) {
			read = append(read, place[1])
		}
	default:
		read = strings.Split(s, "+")
	}
	if read == nil {
		return fmt.Errorf("%q has a brace, but no path in braces such as {user.id}", excerpt.Of(s))
	}
	for _, one := range read {
		p := strings.Split(one, ".")
		if slices.Contains(p, "") || len(p) > 16 {
			return fmt.Errorf("%q is not a path such as contact.email", excerpt.Of(s))
		}
		if p[0] == callbackMember && !rich {
			return errors.New("only the name may come from the callback, which passes through the browser")
		}
	}
	return nil
}
