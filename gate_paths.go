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
	var inside []string
	for _, path := range paths {
		spelt := spellings(path)
		for _, spelling := range spelt {
			if !slices.Contains(wide, spelling) {
				wide = append(wide, spelling)
			}
		}
		if pattern := parametersInside(path); pattern != "" {
			inside = append(inside, pattern)
		}
	}
	set := maps.Clone(matcher) // other directives have the same one
	set["path"] = caddyconfig.JSON(wide, nil)
	sets := caddyhttp.RawMatcherSets{set}
	if _, taken := matcher["path_regexp"]; len(inside) > 0 && !taken {
		also := maps.Clone(matcher)
		delete(also, "path")
		also["path_regexp"] = caddyconfig.JSON(caddyhttp.MatchPathRE{MatchRegexp: caddyhttp.MatchRegexp{
			Pattern: "(?i)" + strings.Join(inside, "|"),
		}}, nil)
		sets = append(sets, also)
	}
	return sets
}

// spellings are the patterns that guard what a path of a matcher means: the
// prefix /x/* guards /x and /x;… as well, and the exact path /x also /x/, /x;…
// and /x/;….
func spellings(path string) []string {
	base, prefix, ok := splitPath(path)
	switch {
	case !ok:
		return []string{path}
	case prefix:
		return []string{base, path, base + ";*"}
	case base == "":
		return []string{"/", "/;*"}
	default:
		return []string{base, base + "/", base + ";*", base + "/;*"}
	}
}

// splitPath returns a matcher's path without the slash or the /* at its end. It
// is not ok for patterns that have an asterisk elsewhere, or guard everything.
func splitPath(path string) (base string, prefix, ok bool) {
	base, prefix = strings.CutSuffix(path, "/*")
	if !strings.HasPrefix(path, "/") || strings.Contains(base, "*") || prefix && base == "" {
		return "", false, false
	}
	if !prefix {
		base = strings.TrimRight(base, "/")
	}
	return base, prefix, true
}

// parametersInside is a regular expression for paths of several segments with
// parameters inside, as /x;…/y for /x/y, which no path matcher can say: upstreams
// that drop parameters drop them from every segment. Empty means that there is
// nothing to add.
func parametersInside(path string) string {
	base, prefix, ok := splitPath(path)
	if !ok || strings.Count(base, "/") < 2 || strings.ContainsAny(base, "%{") {
		return ""
	}
	end := "/?(?:;|$)"
	if prefix {
		end = "(?:[/;]|$)"
	}
	segments := strings.Split(regexp.QuoteMeta(base[1:]), "/")
	return "^/" + strings.Join(segments, "(?:;[^/]*)?/") + end
}

// exactPaths are the paths of a gate's matchers below which it guards nothing,
// without the slash at their end.
func (g *Gate) exactPaths() (exact []string) {
	for _, path := range g.paths() {
		if strings.Contains(path, "*") || !strings.HasPrefix(path, "/") {
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
