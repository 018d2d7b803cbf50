package signin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/directive"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/catalog"
)

// newAdmission resolves the rules and checks them anew, for placeholders may
// have become ids of providers. tells gives what each provider tells, by id.
func newAdmission(allow, deny []access.Rule, tells map[string]providers.Parts) (_ *access.Admission, err error) {
	if allow, err = resolveRules(allow); err != nil {
		return nil, fmt.Errorf("allow: %w", err)
	}
	if deny, err = resolveRules(deny); err != nil {
		return nil, fmt.Errorf("deny: %w", err)
	}
	if err := checkRules(allow, deny, tells); err != nil {
		return nil, err
	}
	return access.NewAdmission(allow, deny), nil
}

func resolveRules(rules []access.Rule) ([]access.Rule, error) {
	all := make([]access.Rule, len(rules))
	for i := range rules {
		var err error
		if all[i], err = resolveRule(rules[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// checkRules refuses rules about providers that the realm doesn't have, and deny
// rules that can't be judged. tells gives what each provider tells, by id.
func checkRules(allow, deny []access.Rule, tells map[string]providers.Parts) error {
	for _, rule := range slices.Concat(allow, deny) {
		if err := rule.CheckProviders(func(id string) bool { _, ok := tells[id]; return ok }); err != nil {
			return err
		}
	}
	for i := range deny {
		if err := checkEvaluable(&deny[i], tells); err != nil {
			return fmt.Errorf("deny %w", err)
		}
	}
	return nil
}

// resolveRule returns the rule with its placeholders resolved and its addresses in
// normal form. What is written stays.
func resolveRule(rule access.Rule) (access.Rule, error) {
	rule.Email, rule.Group, rule.Provider = slices.Clone(rule.Email), slices.Clone(rule.Group), slices.Clone(rule.Provider)
	for _, field := range []struct {
		name   string
		values []string
	}{{"email", rule.Email}, {"group", rule.Group}, {"provider", rule.Provider}} {
		for i, value := range field.values {
			if !access.IsDynamic(value) {
				continue
			}
			if err := directive.Expand(field.name, &field.values[i]); err != nil {
				return rule, fmt.Errorf("a rule: %w", err)
			}
		}
	}
	return rule, rule.Normalize(func(string) bool { return false })
}

// checkEvaluable refuses a deny rule by a part that none of the providers tells: it
// would refuse nobody. tells gives what each provider tells, by id.
func checkEvaluable(rule *access.Rule, tells map[string]providers.Parts) error {
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
		told := func(id string) bool { return access.IsDynamic(id) || part.told(tells[id]) }
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
