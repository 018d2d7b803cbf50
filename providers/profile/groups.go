package profile

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers"
)

// maxGroupName is the longest name of a group, in bytes. Names of a directory are
// often longer than what people read.
const maxGroupName = 4096

// isGroupName refuses what can't be told apart when it is shown, and what JSON
// had no characters for.
func isGroupName(s string) bool {
	return len(s) <= maxGroupName && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return isNotInIDs(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || strings.ContainsRune(withoutWidth, r)
	})
}

// withoutWidth are characters that don't show: the soft hyphen, zero-width spaces
// and joiners, and the byte order mark.
const withoutWidth = "\u00ad\u200b\u200c\u200d\u2060\ufeff"

// groups reads an array of texts and numbers, or one of them: each as it is
// written, a whole number as its digits. Empty texts are no group. ok is false for
// another type; dropped says what of the array could not be read. It returns at
// most one group more than may be kept.
func groups(v any) (names []string, dropped dropped, ok bool) {
	list, isList := v.([]any)
	if !isList {
		switch v.(type) {
		case string, json.Number:
			list = []any{v}
		default:
			return nil, dropped, false
		}
	}
	names = []string{}
	seen := make(map[string]bool)
	for _, item := range list {
		name, isText := groupName(item)
		switch {
		case !isText:
			dropped.add("%s", KindOf(item))
		case !isGroupName(name):
			dropped.addName(name)
		case name != "" && !seen[name]:
			seen[name] = true
			names = append(names, name)
		}
		if len(names) > providers.MaxGroups {
			break
		}
	}
	return names, dropped, true
}

func groupName(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		if digits, ok := wholeNumber(v); ok {
			return digits, true
		}
		return v.String(), true
	}
	return "", false
}

// KindOf names a value's type for the log.
func KindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	}
	return "an object"
}

// dropped are values that are no name of a group: what the first ones are, and how
// many more there are.
type dropped struct {
	told []string
	more int
}

// mostDropped is how many dropped values one line tells of.
const mostDropped = 3

func (d *dropped) add(format string, values ...any) {
	if len(d.told) == mostDropped {
		d.more++
		return
	}
	d.told = append(d.told, fmt.Sprintf(format, values...))
}

func (d *dropped) addName(name string) {
	d.add("the name %q of %d bytes", excerpt.Of(name), len(name))
}

// note tells of them in an account; from is where they stood.
func (d *dropped) note(a *providers.Account, from string) {
	if len(d.told) == 0 {
		return
	}
	what := strings.Join(d.told, ", ")
	if d.more > 0 {
		what += fmt.Sprintf(" and %d more", d.more)
	}
	a.AddIncomplete(providers.AttributeGroups, "%s holds what is no name of a group: %s", from, what)
}

// GroupNames are those of names that can be read as names of groups. That there are
// others is noted in the account; from is where they stood.
func GroupNames(a *providers.Account, from string, names []string) (readable []string) {
	var dropped dropped
	for _, name := range names {
		switch {
		case !isGroupName(name):
			dropped.addName(name)
		case name != "":
			readable = append(readable, name)
		}
	}
	dropped.note(a, from)
	return readable
}
