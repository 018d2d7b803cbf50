package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Admission is who may come in: any allow rule admits, any deny rule wins, and
// without an allow rule everyone that the providers let in is admitted. A deny
// rule that can't be judged refuses. Nil is an admission without rules.
type Admission struct {
	allow, deny []Rule // resolved
	byEmail     bool   // a deny rule looks at addresses
	fingerprint string // of the deny rules
}

// NewAdmission takes resolved rules. It is nil where there are none.
func NewAdmission(allow, deny []Rule) *Admission {
	if len(allow)+len(deny) == 0 {
		return nil
	}
	return &Admission{
		allow: allow, deny: deny, fingerprint: fingerprintOf(deny),
		byEmail: slices.ContainsFunc(deny, func(rule Rule) bool { return len(rule.Email) > 0 }),
	}
}

// Deny are the deny rules, resolved.
func (a *Admission) Deny() []Rule {
	if a == nil {
		return nil
	}
	return slices.Clone(a.deny)
}

// DeniesByEmail reports whether a deny rule looks at addresses.
func (a *Admission) DeniesByEmail() bool { return a != nil && a.byEmail }

// Fingerprint tells these deny rules from others.
func (a *Admission) Fingerprint() string {
	if a == nil {
		return fingerprintOf(nil)
	}
	return a.fingerprint
}

// fingerprintOf is a short digest of rules as they are written.
func fingerprintOf(rules []Rule) string {
	written, _ := json.Marshal(rules) // texts
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s", len(written), written))
	return hex.EncodeToString(sum[:])[:fingerprintLength]
}

// fingerprintLength is enough to tell the deny rules of today from those of before; who
// writes them means no harm.
const fingerprintLength = 12

// Verdict is what the rules say of a person.
type Verdict string

const (
	Admitted      Verdict = ""
	Denied        Verdict = "a deny rule matches"
	Indeterminate Verdict = "a deny rule can't be judged, for something of the person is missing or unreadable"
	NotAllowed    Verdict = "no allow rule matches"
)

// Subject is what deny rules look at: all that is known of a person, verified or
// not.
type Subject struct {
	Email            string // in normal form
	OtherEmails      []string
	Groups           []string
	OtherGroups      []string
	Provider         string
	EmailIncomplete  bool
	GroupsIncomplete bool
}

// Evaluate decides with the verified address for allow and with all that is known
// for deny, so that an unverified address can shut out but never let in.
func (a *Admission) Evaluate(p Person, k *Subject) Verdict {
	if a == nil {
		return Admitted
	}
	doubt := false
	for i := range a.deny {
		switch a.deny[i].applies(k) {
		case yes:
			return Denied
		case unknown:
			doubt = true
		}
	}
	switch {
	case doubt:
		return Indeterminate
	case len(a.allow) == 0, slices.ContainsFunc(a.allow, func(rule Rule) bool { return rule.matches(p) }):
		return Admitted
	}
	return NotAllowed
}

// truth is whether something holds, as far as is known.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

// applies says whether every field holds; a field that can't be read in full may.
func (rule *Rule) applies(k *Subject) truth {
	return min(
		fieldHolds(rule.Email, k.EmailIncomplete, k.hasEmail),
		fieldHolds(rule.Group, k.GroupsIncomplete, k.hasGroup),
		fieldHolds(rule.Provider, false, func(id string) bool { return id == k.Provider }),
	)
}

func fieldHolds(values []string, incomplete bool, holds func(string) bool) truth {
	switch {
	case anyOf(values, holds):
		return yes
	case incomplete:
		return unknown
	}
	return no
}

func (k *Subject) hasEmail(pattern string) bool {
	return isEmail(k.Email, pattern) ||
		slices.ContainsFunc(k.OtherEmails, func(address string) bool { return isEmail(address, pattern) })
}

func (k *Subject) hasGroup(group string) bool {
	is := func(have string) bool { return have == group || strings.TrimSpace(have) == strings.TrimSpace(group) }
	return slices.ContainsFunc(k.Groups, is) || slices.ContainsFunc(k.OtherGroups, is)
}
