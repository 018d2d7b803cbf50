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
// rule that can't be judged refuses.
type Admission struct {
	allow, Deny []Rule // resolved
	ByEmail     bool   // a deny rule looks at addresses
	Fingerprint string // of the deny rules
}

// NewAdmission takes resolved rules.
func NewAdmission(allow, deny []Rule) Admission {
	written, _ := json.Marshal(deny) // texts
	return Admission{
		allow: allow, Deny: deny, Fingerprint: fingerprintOf(written),
		ByEmail: slices.ContainsFunc(deny, func(rule Rule) bool { return len(rule.Email) > 0 }),
	}
}

// fingerprintOf is a short digest of rules as they are written.
func fingerprintOf(written []byte) string {
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

// known is what deny rules look at: all that is known of a person, verified or
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
	doubt := false
	for i := range a.Deny {
		switch a.Deny[i].applies(k) {
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
