package signin

import (
	"strings"

	"github.com/caddy-signin/caddy-signin/providers"
)

// evaluate asks the rules about a session; account is given at sign-in. Where the
// deny rules are others than those of the sign-in, they can't be judged by what
// the session doesn't hold.
func (m *sessionManager) evaluate(live *session, account *providers.Account) verdict {
	rules := &m.admission
	k := subject{groups: live.claims.Groups, provider: live.claims.Provider}
	raw := live.claims.Email.String()
	switch passed, lacks, _ := strings.Cut(live.claims.DenyRules, "."); {
	case account != nil:
		addAccount(&k, account)
	case live.claims.Provider == foreignProvider: // NextAuth asks for no groups, and misses no address
		k.groupsIncomplete, k.emailIncomplete = true, raw == ""
	case passed != "" && passed != rules.fingerprint:
		k.emailIncomplete, k.groupsIncomplete = strings.Contains(lacks, lacksEmail), strings.Contains(lacks, lacksGroups)
	}
	// NextAuth and the store have addresses as somebody wrote them.
	if raw != "" && rules.byEmail {
		var ok bool
		if k.email, ok = providers.NormalEmail(raw); !ok {
			k.emailIncomplete = true
		}
	}
	return rules.evaluate(live.person(), &k)
}

func (m *sessionManager) admits(live *session) bool { return m.evaluate(live, nil) == admitted }

// addAccount takes in what the provider says at a sign-in and the session doesn't hold.
func addAccount(k *subject, account *providers.Account) {
	k.otherEmails, k.otherGroups = account.OtherEmails, account.OtherGroups
	for _, lack := range account.Incomplete {
		k.emailIncomplete = k.emailIncomplete || lack.Attribute == providers.AttributeEmail
		k.groupsIncomplete = k.groupsIncomplete || lack.Attribute == providers.AttributeGroups
	}
}

// What a session may lack of its person, behind the fingerprint of the deny rules.
const (
	lacksEmail  = "e"
	lacksGroups = "g"
)

// denyRulesClaim is what the session of somebody whom the rules admit keeps of them: a
// fingerprint of the deny rules, and which parts of the person the session doesn't hold,
// so that it can't be judged by other deny rules. It is empty where the session
// holds all, or the provider is asked anew on every request.
func (m *sessionManager) denyRulesClaim(account *providers.Account) string {
	if account.Credential != "" {
		return ""
	}
	var lacks string
	k := new(subject)
	addAccount(k, account)
	if account.Email == "" || len(k.otherEmails) > 0 || k.emailIncomplete {
		lacks += lacksEmail
	}
	if len(account.Groups) == 0 || len(k.otherGroups) > 0 || k.groupsIncomplete {
		lacks += lacksGroups
	}
	if lacks == "" {
		return ""
	}
	return m.admission.fingerprint + "." + lacks
}
