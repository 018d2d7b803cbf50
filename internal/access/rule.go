package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/address"
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

// Person is what rules look at.
type Person struct {
	Email    string
	Groups   []string
	Provider string
}

func (rule Rule) matches(p Person) bool {
	return anyOf(rule.Email, p.hasEmail) &&
		anyOf(rule.Group, func(group string) bool { return slices.Contains(p.Groups, group) }) &&
		anyOf(rule.Provider, func(id string) bool { return p.Provider == id })
}

// Meets reports whether every rule holds.
func (p Person) Meets(rules []Rule) bool {
	for _, rule := range rules {
		if !rule.matches(p) {
			return false
		}
	}
	return true
}

func anyOf(values []string, holds func(string) bool) bool {
	return len(values) == 0 || slices.ContainsFunc(values, holds)
}

func (p Person) hasEmail(pattern string) bool { return isEmail(p.Email, pattern) }

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

// IsDynamic says that a value is not known before it is resolved.
func IsDynamic(value string) bool { return strings.Contains(value, "{") }

// Check finds mistakes in what is written, and brings addresses into normal form;
// values that still hold placeholders are left to those who resolve them.
func (rule *Rule) Check() error { return rule.Normalize(IsDynamic) }

// Normalize is [Rule.Check], but keeps those addresses as they are written of which
// leave is true.
func (rule *Rule) Normalize(leave func(string) bool) error {
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

// CheckProviders refuses a rule about a provider that the realm doesn't have:
// it would silently match nobody.
func (rule *Rule) CheckProviders(has func(id string) bool) error {
	for _, id := range rule.Provider {
		if !IsDynamic(id) && !has(id) {
			return fmt.Errorf("provider %q is not in this realm", id)
		}
	}
	return nil
}
