package providers

import (
	"fmt"
	"iter"
	"slices"
	"strings"

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
	// Attribute is the one that can't be judged.
	Attribute Attribute
	// Why is for the log: what another party wrote is escaped and cut in it.
	Why string

	more int  // so many more, of which nothing else is said
	over bool // there is more than is kept
}

// String returns the attribute and the reason, for the log.
func (i Incomplete) String() string { return string(i.Attribute) + ": " + i.Why }

// MaxGroups is how many groups an account may have: whoever has more isn't signed in,
// for a session cookie holds all of them.
const MaxGroups = 500

// What is kept of a person for deny alone; of what can't be read, so much is told.
// Whoever answers may send a megabyte of it.
const (
	maxOtherEmails = 100
	maxOtherGroups = MaxGroups
	mostIncomplete = 3
)

// AddIncomplete notes something that isn't there, of each attribute the first few.
func (a *Account) AddIncomplete(attribute Attribute, format string, values ...any) {
	if told := a.countIncomplete(attribute); told < mostIncomplete {
		a.Incomplete = append(a.Incomplete, Incomplete{Attribute: attribute, Why: fmt.Sprintf(format, values...)})
		return
	}
	a.addMoreIncomplete(attribute, 1)
}

func (a *Account) countIncomplete(attribute Attribute) (told int) {
	for _, one := range a.Incomplete {
		if one.Attribute == attribute && one.more == 0 && !one.over {
			told++
		}
	}
	return told
}

func (a *Account) addMoreIncomplete(attribute Attribute, more int) {
	i := slices.IndexFunc(a.Incomplete, func(one Incomplete) bool { return one.Attribute == attribute && one.more > 0 })
	if i < 0 {
		i, a.Incomplete = len(a.Incomplete), append(a.Incomplete, Incomplete{Attribute: attribute})
	}
	a.Incomplete[i].more += more
	a.Incomplete[i].Why = fmt.Sprintf("and %d more", a.Incomplete[i].more)
}

// MergeIncomplete takes over what another account lacks.
func (a *Account) MergeIncomplete(list []Incomplete) {
	for _, one := range list {
		switch {
		case one.over:
			a.addOverflow(one.Attribute, one.Why)
		case one.more > 0:
			a.addMoreIncomplete(one.Attribute, one.more)
		default:
			a.AddIncomplete(one.Attribute, "%s", one.Why)
		}
	}
}

// addOverflow notes, once, that there is more than is kept.
func (a *Account) addOverflow(attribute Attribute, why string) {
	if !a.IsOver(attribute) {
		a.Incomplete = append(a.Incomplete, Incomplete{Attribute: attribute, Why: why, over: true})
	}
}

// IsOver says that of an attribute more was there than is kept, so that looking at
// further values is in vain.
func (a *Account) IsOver(attribute Attribute) bool {
	return slices.ContainsFunc(a.Incomplete, func(one Incomplete) bool { return one.Attribute == attribute && one.over })
}

// IsIncomplete says that of an attribute something is missing, for whatever reason:
// whoever denies by it refuses the person.
func (a *Account) IsIncomplete(attribute Attribute) bool {
	return slices.ContainsFunc(a.Incomplete, func(one Incomplete) bool { return one.Attribute == attribute })
}

// AddOtherEmail notes an address that isn't the account's: one that can be read, or a
// text that can't be read as one. Once there are too many to keep, nobody asks for
// more.
func (a *Account) AddOtherEmail(raw string) {
	if a.IsOver(AttributeEmail) {
		return
	}
	email, ok := address.Normal(raw)
	switch {
	case !ok && strings.TrimSpace(raw) != "":
		a.AddIncomplete(AttributeEmail, "%q is not one plain address", excerpt.Of(raw))
	case !ok || email == a.Email || slices.Contains(a.OtherEmails, email):
	case len(a.OtherEmails) == maxOtherEmails:
		a.addOverflow(AttributeEmail, fmt.Sprintf("there are more than %d further addresses", maxOtherEmails))
	default:
		a.OtherEmails = append(a.OtherEmails, email)
	}
}

// AddOtherGroups notes groups that the account isn't let in by, as long as there are not
// too many to keep.
func (a *Account) AddOtherGroups(names iter.Seq[string]) {
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
