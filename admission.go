package signin

import (
	"encoding/json"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/providers"
)

// admission is who may come in: any allow rule admits, any deny rule wins, and
// without an allow rule everyone that the providers let in is admitted. A deny
// rule that can't be judged refuses.
type admission struct {
	allow, deny []Rule // resolved
	byEmail     bool   // a deny rule looks at addresses
	mark        string // of the deny rules
}

// newAdmission takes resolved rules.
func newAdmission(allow, deny []Rule) admission {
	written, _ := json.Marshal(deny) // texts
	return admission{
		allow: allow, deny: deny, mark: digest(string(written))[:markLength],
		byEmail: slices.ContainsFunc(deny, func(rule Rule) bool { return len(rule.Email) > 0 }),
	}
}

// markLength is enough to tell the deny rules of today from those of before; who
// writes them means no harm.
const markLength = 12

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

// add takes in what the provider says at a sign-in and the session doesn't hold.
func (k *subject) add(account *providers.Account) {
	k.otherEmails, k.otherGroups = account.OtherEmails, account.OtherGroups
	for _, lack := range account.Incomplete {
		k.emailIncomplete = k.emailIncomplete || lack.Attribute == providers.AttributeEmail
		k.groupsIncomplete = k.groupsIncomplete || lack.Attribute == providers.AttributeGroups
	}
}

// evaluate asks the rules about a session; account is given at sign-in. Where the
// deny rules are others than those of the sign-in, they can't be judged by what
// the session doesn't hold.
func (s *site) evaluate(live *session, account *providers.Account) verdict {
	rules := &s.realm.admission
	k := subject{groups: live.claims.Groups, provider: live.claims.Provider}
	raw := live.claims.Email.String()
	switch passed, lacks, _ := strings.Cut(live.claims.DenyRules, "."); {
	case account != nil:
		k.add(account)
	case live.claims.Provider == foreignProvider: // NextAuth asks for no groups, and misses no address
		k.groupsIncomplete, k.emailIncomplete = true, raw == ""
	case passed != "" && passed != rules.mark:
		k.emailIncomplete, k.groupsIncomplete = strings.Contains(lacks, lacksEmail), strings.Contains(lacks, lacksGroups)
	}
	// NextAuth and the store have addresses as somebody wrote them.
	if raw != "" && rules.byEmail {
		var ok bool
		if k.email, ok = address.Normal(raw); !ok {
			k.emailIncomplete = true
		}
	}
	return rules.evaluate(live.person(), &k)
}

// What a session may lack of its person, behind the mark of the deny rules.
const (
	lacksEmail  = "e"
	lacksGroups = "g"
)

// passedBy is what the session of somebody whom the rules admit keeps of them: a
// mark of the deny rules, and which parts of the person the session doesn't hold,
// so that it can't be judged by other deny rules. It is empty where the session
// holds all, or the provider is asked anew on every request.
func (a *admission) passedBy(account *providers.Account) string {
	if account.Credential != "" {
		return ""
	}
	var lacks string
	k := new(subject)
	k.add(account)
	if account.Email == "" || len(k.otherEmails) > 0 || k.emailIncomplete {
		lacks += lacksEmail
	}
	if len(account.Groups) == 0 || len(k.otherGroups) > 0 || k.groupsIncomplete {
		lacks += lacksGroups
	}
	if lacks == "" {
		return ""
	}
	return a.mark + "." + lacks
}

func (s *site) admits(live *session) bool { return s.evaluate(live, nil) == admitted }

// warnOfBlindDeny tells of providers whose people a deny rule never refuses, since
// the provider doesn't tell what the rule looks at.
func (rl *Realm) warnOfBlindDeny() {
	for _, rule := range rl.admission.deny {
		for _, id := range rl.providerIDs() {
			told := rl.tells[id]
			if len(rule.Provider) > 0 && !slices.Contains(rule.Provider, id) {
				continue
			}
			if len(rule.Group) > 0 && !told.Groups || len(rule.Email) > 0 && !told.Email {
				rl.logger.Warn("a deny rule refuses nobody who signs in with this provider, which doesn't tell what the rule looks at: have it told, or say who may come in with allow",
					zap.String("realm", rl.String()), zap.String("provider", id), zap.Any("rule", rule), zap.String("told", told.Mend))
			}
		}
	}
}
