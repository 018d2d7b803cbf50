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
		k.add(account)
	case live.claims.Provider == foreignProvider: // NextAuth asks for no groups, and misses no address
		k.groupsIncomplete, k.emailIncomplete = true, raw == ""
	case passed != "" && passed != rules.mark:
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
