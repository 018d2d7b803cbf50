package providers

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
)

// Attribute is a part of an [Account] that rules look at.
type Attribute string

// The attributes by which a deny rule may refuse somebody.
const (
	AttributeEmail  Attribute = "email"
	AttributeGroups Attribute = "groups"
)

// Incomplete is something that is or may be known of a person, and that the account
// doesn't hold: whoever denies by that attribute can't judge the person.
type Incomplete struct {
	Attribute Attribute
	// Why is for the log: what another party wrote is escaped and cut in it.
	Why string

	more int  // so many more, of which nothing else is said
	over bool // there is more than is kept
}

func (u Incomplete) String() string { return string(u.Attribute) + ": " + u.Why }

// What is kept of a person for deny alone; of what can't be read, so much is told.
// Whoever answers may send a megabyte of it.
const (
	maxOtherEmails = 100
	maxOtherGroups = maxGroups
	mostIncomplete = 3
)

// addIncomplete notes something that isn't there, of each attribute the first few.
func (a *Account) addIncomplete(attribute Attribute, format string, values ...any) {
	if told := a.countIncomplete(attribute); told < mostIncomplete {
		a.Incomplete = append(a.Incomplete, Incomplete{Attribute: attribute, Why: fmt.Sprintf(format, values...)})
		return
	}
	a.addMoreIncomplete(attribute, 1)
}

func (a *Account) countIncomplete(attribute Attribute) (told int) {
	for _, u := range a.Incomplete {
		if u.Attribute == attribute && u.more == 0 && !u.over {
			told++
		}
	}
	return told
}

func (a *Account) addMoreIncomplete(attribute Attribute, more int) {
	i := slices.IndexFunc(a.Incomplete, func(u Incomplete) bool { return u.Attribute == attribute && u.more > 0 })
	if i < 0 {
		i, a.Incomplete = len(a.Incomplete), append(a.Incomplete, Incomplete{Attribute: attribute})
	}
	a.Incomplete[i].more += more
	a.Incomplete[i].Why = fmt.Sprintf("and %d more", a.Incomplete[i].more)
}

// mergeIncomplete takes over what another account lacks.
func (a *Account) mergeIncomplete(list []Incomplete) {
	for _, u := range list {
		switch {
		case u.over:
			a.addOverflow(u.Attribute, u.Why)
		case u.more > 0:
			a.addMoreIncomplete(u.Attribute, u.more)
		default:
			a.addIncomplete(u.Attribute, "%s", u.Why)
		}
	}
}

// addOverflow notes, once, that there is more than is kept.
func (a *Account) addOverflow(attribute Attribute, why string) {
	if !a.isOver(attribute) {
		a.Incomplete = append(a.Incomplete, Incomplete{Attribute: attribute, Why: why, over: true})
	}
}

func (a *Account) isOver(attribute Attribute) bool {
	return slices.ContainsFunc(a.Incomplete, func(u Incomplete) bool { return u.Attribute == attribute && u.over })
}

func (a *Account) isIncomplete(attribute Attribute) bool {
	return slices.ContainsFunc(a.Incomplete, func(u Incomplete) bool { return u.Attribute == attribute })
}

// addOtherEmail notes an address that isn't the account's: one that can be read, or a
// text that can't be read as one. Once there are too many to keep, nobody asks for
// more.
func (a *Account) addOtherEmail(raw string) {
	if a.isOver(AttributeEmail) {
		return
	}
	address, ok := address.Normal(raw)
	switch {
	case !ok && strings.TrimSpace(raw) != "":
		a.addIncomplete(AttributeEmail, "%q is not one plain address", excerpt.Of(raw))
	case !ok || address == a.Email || slices.Contains(a.OtherEmails, address):
	case len(a.OtherEmails) == maxOtherEmails:
		a.addOverflow(AttributeEmail, fmt.Sprintf("there are more than %d further addresses", maxOtherEmails))
	default:
		a.OtherEmails = append(a.OtherEmails, address)
	}
}

// addOtherGroups notes groups that the account isn't let in by, as long as there are not
// too many to keep.
func (a *Account) addOtherGroups(names iter.Seq[string]) {
	known := make(map[string]bool, len(a.Groups)+len(a.OtherGroups))
	for _, name := range slices.Concat(a.Groups, a.OtherGroups) {
		known[name] = true
	}
	for name := range names {
		if known[name] {
			continue
		}
		if len(a.OtherGroups) == maxOtherGroups {
			a.addOverflow(AttributeGroups, fmt.Sprintf("there are more than %d further groups", maxOtherGroups))
			return
		}
		known[name] = true
		a.OtherGroups = append(a.OtherGroups, name)
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
			dropped.add("%s", kindOf(item))
		case !isGroupName(name):
			dropped.addName(name)
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

func (a *Account) droppedGroups(claim string, d dropped) {
	if len(d.told) == 0 {
		return
	}
	what := strings.Join(d.told, ", ")
	if d.more > 0 {
		what += fmt.Sprintf(" and %d more", d.more)
	}
	a.addIncomplete(AttributeGroups, "%s holds what is no name of a group: %s", claim, what)
}
