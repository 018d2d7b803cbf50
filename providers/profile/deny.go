package profile

import (
	"iter"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers"
)

// readGroups takes the groups from the first claim that is a list of them. What
// else the mapped claims hold counts for deny.
func (r Reader) readGroups(c Claims, a *providers.Account) {
	for _, at := range r.groups {
		first := a.Groups == nil // null says nothing in a further choice
		if at.blocked(map[string]any(c), first) {
			a.AddIncomplete(providers.AttributeGroups, "%s leads through what is no object", at)
		}
		if found, ok := at.Find(map[string]any(c)); ok && first {
			a.Groups, _, _ = groups(found)
		}
		a.AddOtherGroups(at.groups(c, a, first))
	}
	for _, at := range r.groups {
		// Microsoft Entra ID says so where there are too many for a token.
		if at.isElsewhere(c) || at[0] == "groups" && isTrue(c["hasgroups"]) {
			a.AddIncomplete(providers.AttributeGroups, "%s is not in the claims but kept elsewhere (distributed claims, or too many groups for a token)", at)
		}
	}
}

// groups are the groups at every place that the path may mean. What is none there is
// noted; null counts where nullCounts is set.
func (p Path) groups(c Claims, a *providers.Account, nullCounts bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		p.each(map[string]any(c), func(found any) bool {
			names, dropped, ok := groups(found)
			switch {
			case ok:
				dropped.note(a, p.String())
			case nullCounts || found != nil:
				a.AddIncomplete(providers.AttributeGroups, "%s is %s, not a list of names", p, KindOf(found))
			}
			return !slices.ContainsFunc(names, func(name string) bool { return !yield(name) })
		})
	}
}

// readAddresses notes all addresses in the mapped claims: every alternative, and
// of a list every element.
func (r Reader) readAddresses(c Claims, a *providers.Account) {
	for _, at := range r.email {
		if at.blocked(map[string]any(c), false) {
			a.AddIncomplete(providers.AttributeEmail, "%s leads through what is no object", at)
		}
		if at.isElsewhere(c) {
			a.AddIncomplete(providers.AttributeEmail, "%s is not in the claims but kept elsewhere (distributed claims)", at)
		}
		at.each(map[string]any(c), func(found any) bool {
			list, ok := found.([]any)
			if !ok {
				list = []any{found}
			}
			for _, one := range list {
				switch one := one.(type) {
				case nil:
				case string:
					a.AddOtherEmail(one)
				default:
					a.AddIncomplete(providers.AttributeEmail, "%s is %s, not an address", at, KindOf(one))
				}
			}
			return !a.IsOver(providers.AttributeEmail)
		})
	}
}

// isElsewhere says that the claims name another place for the path's claim
// (OpenID Connect Core 5.6.2, aggregated and distributed claims).
func (p Path) isElsewhere(c Claims) bool {
	names, _ := c["_claim_names"].(map[string]any)
	for n := 1; n <= len(p); n++ {
		if _, named := names[strings.Join(p[:n], ".")]; named {
			return true
		}
	}
	return false
}
