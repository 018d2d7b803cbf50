package signin

import (
	"encoding/json"
	"slices"
	"strings"

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
	admitted   verdict = ""
	denied     verdict = "a deny rule matches"
	unjudged   verdict = "a deny rule can't be judged, for something of the person is missing or unreadable"
	notAllowed verdict = "no allow rule matches"
)

// known is what deny rules look at: all that is known of a person, verified or
// not.
type known struct {
	email        string // in normal form
	alsoEmails   []string
	groups       []string
	alsoGroups   []string
	provider     string
	emailUnread  bool
	groupsUnread bool
}

// judge decides with the verified address for allow and with all that is known
// for deny, so that an unverified address can shut out but never let in.
func (a *admission) judge(p person, k *known) verdict {
	doubt := false
	for i := range a.deny {
		switch a.deny[i].applies(k) {
		case yes:
			return denied
		case maybe:
			doubt = true
		}
	}
	switch {
	case doubt:
		return unjudged
	case len(a.allow) == 0, slices.ContainsFunc(a.allow, func(rule Rule) bool { return rule.matches(p) }):
		return admitted
	}
	return notAllowed
}

// answer is whether something holds, as far as is known.
type answer uint8

const (
	no answer = iota
	maybe
	yes
)

// applies says whether every field holds; a field that can't be read in full may.
func (rule *Rule) applies(k *known) answer {
	return min(
		fieldHolds(rule.Email, k.emailUnread, k.hasEmail),
		fieldHolds(rule.Group, k.groupsUnread, k.hasGroup),
		fieldHolds(rule.Provider, false, func(id string) bool { return id == k.provider }),
	)
}

func fieldHolds(values []string, unread bool, holds func(string) bool) answer {
	switch {
	case anyOf(values, holds):
		return yes
	case unread:
		return maybe
	}
	return no
}

func (k *known) hasEmail(pattern string) bool {
	return isEmail(k.email, pattern) ||
		slices.ContainsFunc(k.alsoEmails, func(address string) bool { return isEmail(address, pattern) })
}

func (k *known) hasGroup(group string) bool {
	is := func(have string) bool { return have == group || strings.TrimSpace(have) == strings.TrimSpace(group) }
	return slices.ContainsFunc(k.groups, is) || slices.ContainsFunc(k.alsoGroups, is)
}

// add takes in what the provider says at a sign-in and the session doesn't hold.
func (k *known) add(account *providers.Account) {
	k.alsoEmails, k.alsoGroups = account.AlsoEmails, account.AlsoGroups
	for _, unread := range account.Unread {
		k.emailUnread = k.emailUnread || unread.Part == providers.PartEmail
		k.groupsUnread = k.groupsUnread || unread.Part == providers.PartGroups
	}
}

// judge asks the rules about a session; account is given at sign-in. Where the
// deny rules are others than those of the sign-in, they can't be judged by what
// the session doesn't hold.
func (s *site) judge(live *session, account *providers.Account) verdict {
	rules := &s.realm.admission
	k := known{groups: live.claims.Groups, provider: live.claims.Provider}
	raw := live.claims.Email.String()
	switch passed, lacks, _ := strings.Cut(live.claims.DenyRules, "."); {
	case account != nil:
		k.add(account)
	case live.claims.Provider == foreignProvider: // NextAuth asks for no groups, and misses no address
		k.groupsUnread, k.emailUnread = true, raw == ""
	case passed != "" && passed != rules.mark:
		k.emailUnread, k.groupsUnread = strings.Contains(lacks, lacksEmail), strings.Contains(lacks, lacksGroups)
	}
	// NextAuth and the store have addresses as somebody wrote them.
	if raw != "" && rules.byEmail {
		var ok bool
		if k.email, ok = providers.NormalEmail(raw); !ok {
			k.emailUnread = true
		}
	}
	return rules.judge(live.person(), &k)
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
	k := new(known)
	k.add(account)
	if account.Email == "" || len(k.alsoEmails) > 0 || k.emailUnread {
		lacks += lacksEmail
	}
	if len(account.Groups) == 0 || len(k.alsoGroups) > 0 || k.groupsUnread {
		lacks += lacksGroups
	}
	if lacks == "" {
		return ""
	}
	return a.mark + "." + lacks
}

func (s *site) admits(live *session) bool { return s.judge(live, nil) == admitted }
