package signin

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers"
)

// Rule is one condition on a signed-in person. Each field that is set must
// hold; a field holds when any of its values matches. A rule with nothing set
// is refused.
type Rule struct {
	// E-mail addresses: whole ones, or *@example.com for every address at
	// exactly that domain. Only verified addresses count, except in deny.
	// Default: any.
	Email []string `json:"email,omitempty"`

	// Groups, compared exactly. Default: any.
	Group []string `json:"group,omitempty"`

	// Provider ids, compared exactly. Default: any.
	Provider []string `json:"provider,omitempty"`
}

// person is what rules look at.
type person struct {
	email    string
	groups   []string
	provider string
}

func (rule Rule) matches(p person) bool {
	return anyOf(rule.Email, p.hasEmail) &&
		anyOf(rule.Group, func(group string) bool { return slices.Contains(p.groups, group) }) &&
		anyOf(rule.Provider, func(id string) bool { return p.provider == id })
}

func anyOf(values []string, holds func(string) bool) bool {
	return len(values) == 0 || slices.ContainsFunc(values, holds)
}

// hasEmail compares whole addresses, or whole domains after the only @: both
// sides are in the form that [providers.ParseEmail] gives.
func (p person) hasEmail(pattern string) bool {
	if p.email == "" {
		return false
	}
	if domain, ok := strings.CutPrefix(pattern, "*@"); ok {
		_, have, _ := strings.Cut(p.email, "@")
		return have == domain
	}
	return p.email == pattern
}

// provision checks the rule and brings its addresses into normal form.
func (rule *Rule) provision() error {
	if len(rule.Email)+len(rule.Group)+len(rule.Provider) == 0 {
		return errors.New("a rule needs at least one of email, group and provider")
	}
	for i, pattern := range rule.Email {
		normal, err := normalEmailPattern(pattern)
		if err != nil {
			return err
		}
		rule.Email[i] = normal
	}
	if slices.Contains(rule.Group, "") || slices.Contains(rule.Provider, "") {
		return errors.New("a rule holds an empty value, which nobody matches")
	}
	return nil
}

func normalEmailPattern(pattern string) (string, error) {
	probe, wildcard := pattern, strings.HasPrefix(pattern, "*@")
	if wildcard {
		probe = "x" + pattern[1:]
	}
	normal, err := providers.ParseEmail(probe)
	if err != nil {
		return "", fmt.Errorf("email %q is neither an address such as alice@example.com nor a domain such as *@example.com", pattern)
	}
	if wildcard {
		normal = "*" + normal[1:]
	}
	return normal, nil
}

// admission is who may come in: any allow rule admits, any deny rule wins, and
// without an allow rule everyone that the providers let in is admitted.
type admission struct {
	allow, deny []Rule
}

// admits decides with the verified address for allow and with any address for
// deny, so that an unverified one can shut out but never let in.
func (a admission) admits(p person, anyEmail string) bool {
	denied := p
	denied.email = anyEmail
	if slices.ContainsFunc(a.deny, func(rule Rule) bool { return rule.matches(denied) }) {
		return false
	}
	return len(a.allow) == 0 ||
		slices.ContainsFunc(a.allow, func(rule Rule) bool { return rule.matches(p) })
}
