package session

import (
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/providers"
)

// Evaluate asks the rules about a session; account is given at sign-in. Where the
// deny rules are others than those of the sign-in, they can't be judged by what
// the session doesn't hold.
func (m *Manager) Evaluate(live *Session, account *providers.Account) access.Verdict {
	rules := &m.Admission
	k := access.Subject{Groups: live.Claims.Groups, Provider: live.Claims.Provider}
	raw := live.Claims.Email.String()
	switch passed, lacks, _ := strings.Cut(live.Claims.DenyRules, "."); {
	case account != nil:
		addAccount(&k, account)
	case live.Claims.Provider == ForeignProvider: // NextAuth asks for no groups, and misses no address
		k.GroupsIncomplete, k.EmailIncomplete = true, raw == ""
	case passed != "" && passed != rules.Fingerprint:
		k.EmailIncomplete, k.GroupsIncomplete = strings.Contains(lacks, lacksEmail), strings.Contains(lacks, lacksGroups)
	}
	// NextAuth and the store have addresses as somebody wrote them.
	if raw != "" && rules.ByEmail {
		var ok bool
		if k.Email, ok = address.Normal(raw); !ok {
			k.EmailIncomplete = true
		}
	}
	return rules.Evaluate(live.Person(), &k)
}

func (m *Manager) Admits(live *Session) bool { return m.Evaluate(live, nil) == access.Admitted }

// addAccount takes in what the provider says at a sign-in and the session doesn't hold.
func addAccount(k *access.Subject, account *providers.Account) {
	k.OtherEmails, k.OtherGroups = account.OtherEmails, account.OtherGroups
	for _, lack := range account.Incomplete {
		k.EmailIncomplete = k.EmailIncomplete || lack.Attribute == providers.AttributeEmail
		k.GroupsIncomplete = k.GroupsIncomplete || lack.Attribute == providers.AttributeGroups
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
func (m *Manager) denyRulesClaim(account *providers.Account) string {
	if account.Credential != "" {
		return ""
	}
	var lacks string
	k := new(access.Subject)
	addAccount(k, account)
	if account.Email == "" || len(k.OtherEmails) > 0 || k.EmailIncomplete {
		lacks += lacksEmail
	}
	if len(account.Groups) == 0 || len(k.OtherGroups) > 0 || k.GroupsIncomplete {
		lacks += lacksGroups
	}
	if lacks == "" {
		return ""
	}
	return m.Admission.Fingerprint + "." + lacks
}
