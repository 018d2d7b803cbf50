package signin

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// What the paths of a gate's matcher guard besides themselves: other spellings
// under which upstreams serve the same page.

// widen returns the matcher sets of a gate whose Caddyfile gives it this matcher.
// Paths inside not stay as they are, for there a wider path would open more.
func widen(matcher caddy.ModuleMap) caddyhttp.RawMatcherSets {
	if matcher == nil {
		return nil
	}
	raw, ok := matcher["path"]
	var paths caddyhttp.MatchPath
	if !ok || json.Unmarshal(raw, &paths) != nil {
		return caddyhttp.RawMatcherSets{matcher}
	}
	var wide caddyhttp.MatchPath
	var patterns []string
	for _, path := range paths {
		for _, spelling := range spellings(path) {
			if !slices.Contains(wide, spelling) {
				wide = append(wide, spelling)
			}
		}
		if pattern := spellingsPattern(path); pattern != "" {
			patterns = append(patterns, pattern)
		}
	}
	set := maps.Clone(matcher) // other directives have the same one
	set["path"] = caddyconfig.JSON(wide, nil)
	sets := caddyhttp.RawMatcherSets{set}
	if len(patterns) > 0 {
		also := maps.Clone(matcher)
		delete(also, "path")
		sets = append(sets, withPattern(also, "(?i)"+strings.Join(patterns, "|")))
	}
	return sets
}

// withPattern adds a regular expression to a matcher set. Where the set has one
// of its own, both have to match.
func withPattern(set caddy.ModuleMap, pattern string) caddy.ModuleMap {
	added := caddyconfig.JSON(caddyhttp.MatchPathRE{MatchRegexp: caddyhttp.MatchRegexp{Pattern: pattern}}, nil)
	if _, taken := set["path_regexp"]; !taken {
		set["path_regexp"] = added
		return set
	}
	var excluded []caddy.ModuleMap // a set has one path_regexp, but not may hold any number
	if raw, ok := set["not"]; ok && json.Unmarshal(raw, &excluded) != nil {
		return set
	}
	others := []caddy.ModuleMap{{"not": caddyconfig.JSON([]caddy.ModuleMap{{"path_regexp": added}}, nil)}}
	set["not"] = caddyconfig.JSON(slices.Concat(excluded, others), nil)
	return set
}

// spellings are the patterns that guard what a path of a matcher means: the
// prefix /x/* guards /x and /x;… as well, and the exact path /x also /x/, /x;…
// and /x/;…. Patterns with an asterisk elsewhere are left to [spellingsPattern].
func spellings(path string) []string {
	base, prefix := strings.CutSuffix(path, "/*")
	switch {
	case !strings.HasPrefix(path, "/"), strings.Contains(base, "*"), prefix && base == "":
		return []string{path}
	case prefix:
		return []string{base, path, base + ";*"}
	}
	if base = strings.TrimRight(base, "/"); base == "" {
		return []string{"/", "/;*"}
	}
	return []string{base, base + "/", base + ";*", base + "/;*"}
}

// spellingsPattern is a regular expression for what no path matcher can say of a
// path: parameters inside, as /x;…/y for /x/y, which some upstreams drop from
// every segment; and an asterisk inside, which to a path matcher ends at a slash,
// though an encoded one (/users/1%2F2/private) ends no segment to upstreams. Empty
// means that there is nothing to add.
func spellingsPattern(path string) string {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, `%{?[\`) { // escapes, placeholders, globs
		return ""
	}
	base, end := strings.TrimRight(path, "/"), "/?(?:;|$)"
	if stem, below := strings.CutSuffix(path, "/*"); below {
		base, end = stem, "(?:[/;]|$)"
	} else if stem, open := strings.CutSuffix(path, "*"); open {
		base, end = stem, ""
	}
	if !strings.Contains(base, "*") && strings.Count(base, "/") < 2 {
		return ""
	}
	segments := strings.Split(strings.ReplaceAll(regexp.QuoteMeta(base[1:]), `\*`, ".*"), "/")
	return "^/" + strings.Join(segments, "(?:;[^/]*)?/") + end
}

// exactPaths are the paths of a gate's matchers below which it guards nothing,
// without the slash at their end.
func (g *Gate) exactPaths() (exact []string) {
	for _, path := range g.paths() {
		if strings.HasSuffix(path, "*") || !strings.HasPrefix(path, "/") {
			continue
		}
		path = strings.TrimRight(path, "/")
		if !g.guardsBelow(path) && !slices.Contains(exact, path) {
			exact = append(exact, path)
		}
	}
	return exact
}

// guardsBelow reports whether the gate guards what is below a path.
func (g *Gate) guardsBelow(path string) bool {
	if len(g.matchers) == 0 {
		return true
	}
	return slices.ContainsFunc(g.paths(), func(pattern string) bool {
		stem, ok := strings.CutSuffix(pattern, "*")
		return ok && strings.HasPrefix(strings.ToLower(path)+"/", strings.ToLower(stem))
	})
}

// paths are the patterns of the gate's path matchers, but for those inside not.
func (g *Gate) paths() (paths []string) {
	for _, set := range g.matchers {
		for _, matcher := range set {
			if path, ok := matcher.(*caddyhttp.MatchPath); ok {
				paths = append(paths, *path...)
			}
		}
	}
	return paths
}
