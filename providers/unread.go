package providers

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Part is a part of an [Account] that rules look at.
type Part string

// The parts by which a deny rule may refuse somebody.
const (
	PartEmail  Part = "email"
	PartGroups Part = "groups"
)

// Unread is something that is or may be known of a person, and that the account
// doesn't hold: whoever denies by that part can't judge the person.
type Unread struct {
	Part Part
	// Why is for the log: what another party wrote is escaped and cut in it.
	Why string
}

func (u Unread) String() string { return string(u.Part) + ": " + u.Why }

func (a *Account) unread(part Part, format string, values ...any) {
	a.Unread = append(a.Unread, Unread{part, fmt.Sprintf(format, values...)})
}

func (a *Account) hasUnread(part Part) bool {
	return slices.ContainsFunc(a.Unread, func(u Unread) bool { return u.Part == part })
}

// alsoEmail notes an address that isn't the account's: one that can be read, or a
// text that can't be read as one.
func (a *Account) alsoEmail(raw string) {
	address, ok := NormalEmail(raw)
	switch {
	case ok && address != a.Email && !slices.Contains(a.AlsoEmails, address):
		a.AlsoEmails = append(a.AlsoEmails, address)
	case !ok && strings.TrimSpace(raw) != "":
		a.unread(PartEmail, "%q is not one plain address", excerpt(raw))
	}
}

// alsoGroups notes groups that the account isn't let in by.
func (a *Account) alsoGroups(names []string) {
	for _, name := range names {
		if !slices.Contains(a.Groups, name) && !slices.Contains(a.AlsoGroups, name) {
			a.AlsoGroups = append(a.AlsoGroups, name)
		}
	}
}

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
func groups(v any) (names, dropped []string, ok bool) {
	list, isList := v.([]any)
	if !isList {
		switch v.(type) {
		case string, json.Number:
			list = []any{v}
		default:
			return nil, []string{kindOf(v)}, false
		}
	}
	names = []string{}
	seen := make(map[string]bool)
	for _, item := range list {
		name, isText := groupName(item)
		switch {
		case !isText:
			dropped = append(dropped, kindOf(item))
		case !isGroupName(name):
			dropped = append(dropped, fmt.Sprintf("the name %q of %d bytes", excerpt(name), len(name)))
		case name != "" && !seen[name]:
			seen[name] = true
			names = append(names, name)
		}
		if len(names) > maxGroups {
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

// kindOf names a value's type for the log.
func kindOf(v any) string {
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

// mostDropped is how many dropped values one line tells of.
const mostDropped = 3

func (a *Account) droppedGroups(claim string, dropped []string) {
	if len(dropped) == 0 {
		return
	}
	what := strings.Join(dropped[:min(len(dropped), mostDropped)], ", ")
	if more := len(dropped) - mostDropped; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	a.unread(PartGroups, "%s holds what is no name of a group: %s", claim, what)
}
