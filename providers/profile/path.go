package profile

import (
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Path leads to a value inside claims.
type Path []string

// ParsePaths reads paths that are separated by bars. [Off], and nothing, are none.
func ParsePaths(s string) []Path {
	if s == "" || s == Off {
		return nil
	}
	var paths []Path
	for alternative := range strings.SplitSeq(s, "|") {
		paths = append(paths, strings.Split(alternative, "."))
	}
	return paths
}

// first returns the first usable value that the paths lead to.
func first[T any](c Claims, paths []Path, usable func(any) (T, bool)) (T, bool) {
	for _, p := range paths {
		if found, ok := p.Find(map[string]any(c)); ok {
			if value, ok := usable(found); ok {
				return value, true
			}
		}
	}
	var none T
	return none, false
}

// Find follows the path to the first value that it leads to. Of a list, a step
// chooses one element.
func (p Path) Find(v any) (any, bool) {
	if len(p) == 0 {
		return v, true
	}
	for rest, next := range p.branches(v, oneElement) {
		if found, ok := rest.Find(next); ok {
			return found, true
		}
	}
	return nil, false
}

// each follows the path to every value that it may mean: under each of the names
// that a member may have, and in each element of a list, until yield returns false.
func (p Path) each(v any, yield func(any) bool) bool {
	if len(p) == 0 {
		return yield(v)
	}
	for rest, next := range p.branches(v, everyElement) {
		if !rest.each(next, yield) {
			return false
		}
	}
	return true
}

// blocked says that the path can't be followed because something on it is of the
// wrong type, rather than missing; null counts where nullBlocks is set.
func (p Path) blocked(v any, nullBlocks bool) bool {
	if len(p) == 0 {
		return false
	}
	switch v := v.(type) {
	case nil:
		return nullBlocks
	case map[string]any:
	case []any:
		if !choosesElement(p[0]) {
			return len(v) > 0
		}
	default:
		return true
	}
	for rest, next := range p.branches(v, everyElement) {
		if rest.blocked(next, nullBlocks) {
			return true
		}
	}
	return false
}

// Texts are the texts, numbers and flags that the path leads to, in every element of
// the lists on its way.
func (p Path) Texts(v any) (found []string) {
	if list, ok := v.([]any); ok {
		if element, ok := p.Find(v); ok && len(p) > 0 {
			return Path{}.Texts(element)
		}
		for _, element := range list {
			found = append(found, p.Texts(element)...)
		}
		return found
	}
	if len(p) == 0 {
		if text := Literal(v); text != "" {
			found = append(found, text)
		}
		return found
	}
	for rest, next := range p.branches(v, oneElement) {
		if found = rest.Texts(next); found != nil {
			break
		}
	}
	return found
}

// What a step that chooses an element of a list leads to: the element that it
// means, or every one that it could mean in another answer.
const (
	oneElement   = false
	everyElement = true
)

// branches are the values that the path's next step may lead to from v, and what is
// then left of the path. A member's name may itself have dots, as
// https://example.com/roles has, and so take several steps; the shorter name comes
// first.
func (p Path) branches(v any, every bool) iter.Seq2[Path, any] {
	return func(yield func(Path, any) bool) {
		switch v := v.(type) {
		case map[string]any:
			for n := 1; n <= len(p); n++ {
				if next, ok := v[strings.Join(p[:n], ".")]; ok && !yield(p[n:], next) {
					return
				}
			}
		case []any:
			for _, element := range chosen(v, p[0], every) {
				if !yield(p[1:], element) {
					return
				}
			}
		}
	}
}

// chosen are the elements of a list that a step leads to: at most one, by its index
// or by a member's value, written name=value; or every one.
func chosen(list []any, step string, every bool) []any {
	if every {
		if choosesElement(step) {
			return list
		}
		return nil
	}
	if name, want, ok := strings.Cut(step, "="); ok {
		i := slices.IndexFunc(list, func(element any) bool {
			object, _ := element.(map[string]any)
			value, ok := object[name]
			return ok && Literal(value) == want
		})
		if i >= 0 {
			return list[i : i+1]
		}
	}
	if i, err := strconv.Atoi(step); err == nil && 0 <= i && i < len(list) {
		return list[i : i+1]
	}
	return nil
}

// choosesElement says that a step leads into a list: an index, or a condition.
func choosesElement(step string) bool {
	_, err := strconv.Atoi(step)
	return err == nil || strings.Contains(step, "=")
}

// Literal is a value as it is written in a condition.
func Literal(v any) string {
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

// String returns the path as it is written in a configuration: contact.email.
func (p Path) String() string { return strings.Join(p, ".") }
