package directive

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Placeholders expands the placeholders of a configuration, once, when it is loaded.
type Placeholders struct {
	// Later are the placeholders that something else fills in later: they stay. Nil:
	// there are none.
	Later *regexp.Regexp
}

var lonePlaceholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// Expand resolves the placeholders in a field, which is left as it is when one can't
// be. The error is made of the field's name: Caddy's own would quote what stands
// between two braces, which may be half a secret.
func (p Placeholders) Expand(name string, field *string) error {
	if *field == "" {
		return nil
	}
	replacer := caddy.NewReplacer()
	replacer.Map(func(key string) (any, bool) {
		place := "{" + key + "}"
		return place, p.Later != nil && p.Later.MatchString(place)
	})
	value, err := replacer.ReplaceOrErr(*field, true, true)
	switch {
	case err == nil:
		*field = value
		return nil
	case lonePlaceholder.MatchString(*field):
		return fmt.Errorf("%s: %s is empty or can't be read", name, *field)
	default:
		return fmt.Errorf("%s: a placeholder in it is unknown, empty or can't be read; write \\{ for a brace that belongs to the value", name)
	}
}

// ExpandMap resolves the placeholders in the values of a map, which it replaces by a
// copy.
func (p Placeholders) ExpandMap(name string, values *map[string]string) error {
	*values = maps.Clone(*values)
	for _, key := range slices.Sorted(maps.Keys(*values)) {
		value := (*values)[key]
		if err := p.Expand(name+" "+key, &value); err != nil {
			return err
		}
		(*values)[key] = value
	}
	return nil
}

// IsDynamic says that a value can't be checked before it is expanded.
func (p Placeholders) IsDynamic(value string) bool {
	if p.Later != nil {
		value = p.Later.ReplaceAllString(value, "")
	}
	return strings.Contains(value, "{")
}

// Expand is [Placeholders.Expand] where nothing is filled in later.
func Expand(name string, field *string) error { return Placeholders{}.Expand(name, field) }

// ExpandMap is [Placeholders.ExpandMap] where nothing is filled in later.
func ExpandMap(name string, values *map[string]string) error {
	return Placeholders{}.ExpandMap(name, values)
}

// IsDynamic is [Placeholders.IsDynamic] where nothing is filled in later.
func IsDynamic(value string) bool { return Placeholders{}.IsDynamic(value) }
