package providers

import (
	"encoding/json"
	"strconv"
	"strings"
)

// path leads to a value inside claims.
type path []string

func parsePaths(s string) []path {
	if s == "" || s == off {
		return nil
	}
	var paths []path
	for alternative := range strings.SplitSeq(s, "|") {
		paths = append(paths, strings.Split(alternative, "."))
	}
	return paths
}

// first returns the first usable value that the paths lead to.
func first[T any](c claims, paths []path, usable func(any) (T, bool)) (T, bool) {
	for _, p := range paths {
		if found, ok := p.in(map[string]any(c)); ok {
			if value, ok := usable(found); ok {
				return value, true
			}
		}
	}
	var none T
	return none, false
}

// in follows the path into v. A member's name may itself have dots, as
// https://example.com/roles has; the shorter name is tried first.
func (p path) in(v any) (any, bool) {
	if len(p) == 0 {
		return v, true
	}
	switch v := v.(type) {
	case map[string]any:
		for n := 1; n <= len(p); n++ {
			if next, ok := v[strings.Join(p[:n], ".")]; ok {
				if found, ok := p[n:].in(next); ok {
					return found, true
				}
			}
		}
	case []any:
		if found, ok := withMember(v, p[0]); ok {
			return p[1:].in(found)
		}
		if i, err := strconv.Atoi(p[0]); err == nil && 0 <= i && i < len(v) {
			return p[1:].in(v[i])
		}
	}
	return nil, false
}

// withMember returns the first object of a list that has a member with this
// value, written name=value.
func withMember(list []any, condition string) (any, bool) {
	name, want, ok := strings.Cut(condition, "=")
	if !ok {
		return nil, false
	}
	for _, element := range list {
		object, _ := element.(map[string]any)
		if value, ok := object[name]; ok && literal(value) == want {
			return object, true
		}
	}
	return nil, false
}

// literal is a value as it is written in a condition.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	}
	return ""
}

// texts are the texts, numbers and flags that the path leads to, in every element of
// the lists on its way.
func (p path) texts(v any) (found []string) {
	if list, ok := v.([]any); ok {
		if element, ok := p.in(v); ok && len(p) > 0 {
			return path{}.texts(element)
		}
		for _, element := range list {
			found = append(found, p.texts(element)...)
		}
		return found
	}
	if len(p) == 0 {
		if text := literal(v); text != "" {
			return []string{text}
		}
		return nil
	}
	object, _ := v.(map[string]any)
	for n := 1; n <= len(p) && found == nil; n++ {
		found = p[n:].texts(object[strings.Join(p[:n], ".")])
	}
	return found
}
