package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/catalog"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Rule is one condition on a signed-in person. Each field that is set must
// hold; a field holds when any of its values matches. A rule with nothing set
// is refused.
//
// Values may hold placeholders such as {env.CONTRACTORS}, each of which gives one
// value; they are resolved when the configuration is loaded. A brace that belongs
// to a value is written \{.
type Rule struct {
	// E-mail addresses: whole ones, or *@example.com for every address at
	// exactly that domain. Only verified addresses count, except in deny.
	// Default: any.
	Email []string `json:"email,omitempty"`

	// Groups, compared exactly; in deny without spaces around them, too.
	// Default: any.
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

func (p person) hasEmail(pattern string) bool { return isEmail(p.email, pattern) }

// isEmail compares whole addresses, or whole domains after the only @: both
// sides are in the form that [address.Parse] gives.
func isEmail(address, pattern string) bool {
	if address == "" {
		return false
	}
	if domain, ok := strings.CutPrefix(pattern, "*@"); ok {
		_, have, _ := strings.Cut(address, "@")
		return have == domain
	}
	return address == pattern
}

// resolved returns the rule with its placeholders resolved and its addresses in
// normal form. The rule itself stays as it was written.
func (rule Rule) resolved() (Rule, error) {
	rule.Email, rule.Group, rule.Provider = slices.Clone(rule.Email), slices.Clone(rule.Group), slices.Clone(rule.Provider)
	for _, field := range []struct {
		name   string
		values []string
	}{{"email", rule.Email}, {"group", rule.Group}, {"provider", rule.Provider}} {
		for i, value := range field.values {
			if !isDynamic(value) {
				continue
			}
			var err error
			if field.values[i], err = sessionstore.Expand(field.name, value); err != nil {
				return rule, fmt.Errorf("a rule: %w", err)
			}
		}
	}
	return rule, rule.normalize(func(string) bool { return false })
}

// isDynamic says that a value is not known before it is resolved.
func isDynamic(value string) bool { return strings.Contains(value, "{") }

// check finds mistakes in what is written, and brings addresses into normal form;
// values that still hold placeholders are left to [Rule.resolved].
func (rule *Rule) check() error { return rule.normalize(isDynamic) }

func (rule *Rule) normalize(leave func(string) bool) error {
	if len(rule.Email)+len(rule.Group)+len(rule.Provider) == 0 {
		return errors.New("a rule needs at least one of email, group and provider")
	}
	for i, pattern := range rule.Email {
		if leave(pattern) {
			continue
		}
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
	normal, err := address.Parse(probe)
	if err != nil {
		return "", fmt.Errorf("email %q is neither an address such as alice@example.com nor a domain such as *@example.com", pattern)
	}
	if wildcard {
		normal = "*" + normal[1:]
	}
	return normal, nil
}

// checkEvaluable refuses a deny rule by a part that none of the providers tells: it
// would refuse nobody. tells gives what each provider tells, by id.
func (rule *Rule) checkEvaluable(tells map[string]providers.Parts) error {
	relevant := rule.Provider
	if len(relevant) == 0 {
		for id := range tells {
			relevant = append(relevant, id)
		}
	}
	for _, part := range []struct {
		name, what string
		values     []string
		told       func(providers.Parts) bool
	}{
		{"email", "address", rule.Email, func(p providers.Parts) bool { return p.Email }},
		{"group", "groups", rule.Group, func(p providers.Parts) bool { return p.Groups }},
	} {
		told := func(id string) bool { return isDynamic(id) || part.told(tells[id]) }
		if len(part.values) > 0 && !slices.ContainsFunc(relevant, told) {
			mends := make([]string, 0, len(relevant))
			for _, id := range relevant {
				mends = append(mends, tells[id].Mend)
			}
			slices.Sort(mends)
			return fmt.Errorf("%s %s can't be judged, because no provider of this realm tells a person's %s: %s; or leave the line out",
				part.name, strings.Join(part.values, " "), part.what, strings.Join(slices.Compact(mends), "; "))
		}
	}
	return nil
}

// tellsOf is what the providers of a realm tell, by id, as far as it is written.
func tellsOf(ids []string, written []json.RawMessage) map[string]providers.Parts {
	tells := make(map[string]providers.Parts, len(ids))
	for i, id := range ids {
		tells[id] = catalog.Tells(written[i])
	}
	return tells
}
