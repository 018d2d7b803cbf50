package access

import "testing"

var (
	admins = Rule{Group: []string{"admins"}}
	corp   = Rule{Email: []string{"*@corp.example"}, Provider: []string{"google", "corp"}}
)

func TestAPersonMeetsEveryRule(t *testing.T) {
	t.Parallel()
	alice := Person{Email: "alice@corp.example", Groups: []string{"admins", "ops"}, Provider: "google"}
	for name, test := range map[string]struct {
		rules []Rule
		want  bool
	}{
		"no rule":                     {nil, true},
		"a group":                     {[]Rule{admins}, true},
		"two rules":                   {[]Rule{admins, corp}, true},
		"one that doesn't hold":       {[]Rule{admins, {Group: []string{"owners"}}}, false},
		"one value is enough":         {[]Rule{{Group: []string{"owners", "ops"}}}, true},
		"a domain is no suffix":       {[]Rule{{Email: []string{"*@example"}}}, false},
		"an address in other letters": {[]Rule{{Email: []string{"Alice@corp.example"}}}, false}, // rules are in normal form
		"another provider":            {[]Rule{{Provider: []string{"github"}}}, false},
	} {
		if got := alice.Meets(test.rules); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if (Person{}).Meets([]Rule{{Email: []string{"*@corp.example"}}}) {
		t.Error("nobody meets a rule about addresses")
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	alice := Person{Email: "alice@corp.example", Groups: []string{"admins"}, Provider: "google"}
	known := Subject{Email: alice.Email, Groups: alice.Groups, Provider: alice.Provider}
	unknownGroups := Subject{Email: alice.Email, Provider: alice.Provider, GroupsIncomplete: true}
	for name, test := range map[string]struct {
		allow, deny []Rule
		known       Subject
		want        Verdict
	}{
		"no rules":                             {nil, nil, known, Admitted},
		"allowed":                              {[]Rule{admins}, nil, known, Admitted},
		"one allow rule is enough":             {[]Rule{{Group: []string{"x"}}, corp}, nil, known, Admitted},
		"not allowed":                          {[]Rule{{Group: []string{"x"}}}, nil, known, NotAllowed},
		"denied though allowed":                {[]Rule{admins}, []Rule{corp}, known, Denied},
		"a deny rule of which one field fails": {nil, []Rule{{Group: []string{"admins"}, Provider: []string{"github"}}}, known, Admitted},
		"a deny rule that can't be judged":     {[]Rule{corp}, []Rule{admins}, unknownGroups, Indeterminate},
		"one that another field decides":       {nil, []Rule{{Group: []string{"admins"}, Provider: []string{"github"}}}, unknownGroups, Admitted},
		"one that is certain beside it":        {nil, []Rule{admins, corp}, unknownGroups, Denied},
	} {
		if got := NewAdmission(test.allow, test.deny).Evaluate(alice, &test.known); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	var none *Admission
	if none.Evaluate(Person{}, &Subject{}) != Admitted || none.Deny() != nil || none.DeniesByEmail() || none.Fingerprint() == "" {
		t.Error("an admission without rules is not open")
	}
	first, second := NewAdmission(nil, []Rule{admins}), NewAdmission(nil, []Rule{corp})
	if first.Fingerprint() == second.Fingerprint() || first.Fingerprint() != NewAdmission([]Rule{corp}, []Rule{admins}).Fingerprint() {
		t.Error("a fingerprint is not that of the deny rules")
	}
}

func TestRulesAreChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule Rule
		ok   bool
	}{
		"nothing":          {Rule{}, false},
		"an empty group":   {Rule{Group: []string{""}}, false},
		"no address":       {Rule{Email: []string{"alice"}}, false},
		"two wildcards":    {Rule{Email: []string{"*@*.example.com"}}, false},
		"a domain":         {Rule{Email: []string{"*@Example.COM"}}, true},
		"a placeholder":    {Rule{Email: []string{"{env.WHO}"}}, true},
		"a provider alone": {Rule{Provider: []string{"google"}}, true},
	} {
		if err := test.rule.Check(); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	domain := Rule{Email: []string{"*@Example.COM"}}
	if err := domain.Check(); err != nil || domain.Email[0] != "*@example.com" {
		t.Errorf("%q, %v", domain.Email, err)
	}
}
