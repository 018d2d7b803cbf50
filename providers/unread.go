package providers

import (
	"encoding/json"
	"fmt"
	"iter"
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

	more int  // so many more, of which nothing else is said
	over bool // there is more than is kept
}

func (u Unread) String() string { return string(u.Part) + ": " + u.Why }

// What is kept of a person for deny alone; of what can't be read, so much is told.
// Whoever answers may send a megabyte of it.
const (
	maxOtherEmails = 100
	maxOtherGroups = maxGroups
	mostUnread     = 3
)

// unread notes something that isn't there, of each part the first few.
func (a *Account) unread(part Part, format string, values ...any) {
	if told := a.countUnread(part); told < mostUnread {
		a.Unread = append(a.Unread, Unread{Part: part, Why: fmt.Sprintf(format, values...)})
		return
	}
	a.unreadMore(part, 1)
}

func (a *Account) countUnread(part Part) (told int) {
	for _, u := range a.Unread {
		if u.Part == part && u.more == 0 && !u.over {
			told++
		}
	}
	return told
}

func (a *Account) unreadMore(part Part, more int) {
	i := slices.IndexFunc(a.Unread, func(u Unread) bool { return u.Part == part && u.more > 0 })
	if i < 0 {
		i, a.Unread = len(a.Unread), append(a.Unread, Unread{Part: part})
	}
	a.Unread[i].more += more
	a.Unread[i].Why = fmt.Sprintf("and %d more", a.Unread[i].more)
}

// addUnread takes over what another account lacks.
func (a *Account) addUnread(list []Unread) {
	for _, u := range list {
		switch {
		case u.over:
			a.unreadOver(u.Part, u.Why)
		case u.more > 0:
			a.unreadMore(u.Part, u.more)
		default:
			a.unread(u.Part, "%s", u.Why)
		}
	}
}

// unreadOver notes, once, that there is more than is kept.
func (a *Account) unreadOver(part Part, why string) {
	if !a.isOver(part) {
		a.Unread = append(a.Unread, Unread{Part: part, Why: why, over: true})
	}
}

func (a *Account) isOver(part Part) bool {
	return slices.ContainsFunc(a.Unread, func(u Unread) bool { return u.Part == part && u.over })
}

func (a *Account) hasUnread(part Part) bool {
	return slices.ContainsFunc(a.Unread, func(u Unread) bool { return u.Part == part })
}

// alsoEmail notes an address that isn't the account's: one that can be read, or a
// text that can't be read as one. Once there are too many to keep, nobody asks for
// more.
func (a *Account) alsoEmail(raw string) {
	if a.isOver(PartEmail) {
		return
	}
	address, ok := NormalEmail(raw)
	switch {
	case !ok && strings.TrimSpace(raw) != "":
		a.unread(PartEmail, "%q is not one plain address", excerpt(raw))
	case !ok || address == a.Email || slices.Contains(a.AlsoEmails, address):
	case len(a.AlsoEmails) == maxOtherEmails:
		a.unreadOver(PartEmail, fmt.Sprintf("there are more than %d further addresses", maxOtherEmails))
	default:
		a.AlsoEmails = append(a.AlsoEmails, address)
	}
}

// alsoGroups notes groups that the account isn't let in by, as long as there are not
// too many to keep.
func (a *Account) alsoGroups(names iter.Seq[string]) {
	known := make(map[string]bool, len(a.Groups)+len(a.AlsoGroups))
	for _, name := range slices.Concat(a.Groups, a.AlsoGroups) {
		known[name] = true
	}
	for name := range names {
		if known[name] {
			continue
		}
		if len(a.AlsoGroups) == maxOtherGroups {
			a.unreadOver(PartGroups, fmt.Sprintf("there are more than %d further groups", maxOtherGroups))
			return
		}
		known[name] = true
		a.AlsoGroups = append(a.AlsoGroups, name)
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
	d.add("the name %q of %d bytes", excerpt(name), len(name))
}

func (a *Account) droppedGroups(claim string, d dropped) {
	if len(d.told) == 0 {
		return
	}
	what := strings.Join(d.told, ", ")
	if d.more > 0 {
		what += fmt.Sprintf(" and %d more", d.more)
	}
	a.unread(PartGroups, "%s holds what is no name of a group: %s", claim, what)
}
