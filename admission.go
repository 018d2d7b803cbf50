package signin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// admission is who may come in: any allow rule admits, any deny rule wins, and
// without an allow rule everyone that the providers let in is admitted. A deny
// rule that can't be judged refuses.
type admission struct {
	allow, deny []Rule // resolved
	byEmail     bool   // a deny rule looks at addresses
	fingerprint string // of the deny rules
}

// newAdmission takes resolved rules.
func newAdmission(allow, deny []Rule) admission {
	written, _ := json.Marshal(deny) // texts
	return admission{
		allow: allow, deny: deny, fingerprint: fingerprintOf(written),
		byEmail: slices.ContainsFunc(deny, func(rule Rule) bool { return len(rule.Email) > 0 }),
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

// verdict is what the rules say of a person.
type verdict string

const (
	admitted      verdict = ""
	denied        verdict = "a deny rule matches"
	indeterminate verdict = "a deny rule can't be judged, for something of the person is missing or unreadable"
	notAllowed    verdict = "no allow rule matches"
)

// known is what deny rules look at: all that is known of a person, verified or
// not.
type subject struct {
	email            string // in normal form
	otherEmails      []string
	groups           []string
	otherGroups      []string
	provider         string
	emailIncomplete  bool
	groupsIncomplete bool
}

// evaluate decides with the verified address for allow and with all that is known
// for deny, so that an unverified address can shut out but never let in.
func (a *admission) evaluate(p person, k *subject) verdict {
	doubt := false
	for i := range a.deny {
		switch a.deny[i].applies(k) {
		case yes:
			return denied
		case unknown:
			doubt = true
		}
	}
	switch {
	case doubt:
		return indeterminate
	case len(a.allow) == 0, slices.ContainsFunc(a.allow, func(rule Rule) bool { return rule.matches(p) }):
		return admitted
	}
	return notAllowed
}

// truth is whether something holds, as far as is known.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

// applies says whether every field holds; a field that can't be read in full may.
func (rule *Rule) applies(k *subject) truth {
	return min(
		fieldHolds(rule.Email, k.emailIncomplete, k.hasEmail),
		fieldHolds(rule.Group, k.groupsIncomplete, k.hasGroup),
		fieldHolds(rule.Provider, false, func(id string) bool { return id == k.provider }),
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

func (k *subject) hasEmail(pattern string) bool {
	return isEmail(k.email, pattern) ||
		slices.ContainsFunc(k.otherEmails, func(address string) bool { return isEmail(address, pattern) })
}

func (k *subject) hasGroup(group string) bool {
	is := func(have string) bool { return have == group || strings.TrimSpace(have) == strings.TrimSpace(group) }
	return slices.ContainsFunc(k.groups, is) || slices.ContainsFunc(k.otherGroups, is)
}
