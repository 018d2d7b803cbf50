package session

import (
	"slices"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers"
)

// judged asks rules about a session of these claims.
func judged(t *testing.T, allow, deny []access.Rule, claims authjs.Claims, account *providers.Account) access.Verdict {
	t.Helper()
	for _, rule := range slices.Concat(allow, deny) {
		if err := rule.Check(); err != nil {
			t.Fatal(err)
		}
	}
	s := &Site{List: List{Manager: &Manager{Admission: access.NewAdmission(allow, deny)}}}
	return s.Evaluate(s.NewSession(claims), account)
}

func TestDenyRefusesWhatItCantJudge(t *testing.T) {
	t.Parallel()
	contractors := []access.Rule{{Email: []string{"*@contractor.example"}}}
	group := []access.Rule{{Group: []string{"contractors"}}}
	both := []access.Rule{{Email: []string{"*@contractor.example"}, Group: []string{"contractors"}}}
	atCorp := []access.Rule{{Group: []string{"contractors"}, Provider: []string{"corp"}}}
	withoutEmail := &providers.Account{Incomplete: []providers.Incomplete{{Attribute: providers.AttributeEmail}}}
	withoutGroups := &providers.Account{Incomplete: []providers.Incomplete{{Attribute: providers.AttributeGroups}}}
	for name, tc := range map[string]struct {
		deny    []access.Rule
		claims  authjs.Claims
		account *providers.Account
		want    access.Verdict
	}{
		"nothing is denied":                  {nil, authjs.Claims{}, withoutEmail, access.Admitted},
		"another address":                    {contractors, authjs.Claims{Email: authjs.TextOf("a@x.example")}, nil, access.Admitted},
		"no address":                         {contractors, authjs.Claims{}, nil, access.Admitted},
		"the address":                        {contractors, authjs.Claims{Email: authjs.TextOf("a@contractor.example")}, nil, access.Denied},
		"capitals, from NextAuth":            {contractors, authjs.Claims{Email: authjs.TextOf("Mallory@Contractor.Example"), Provider: ForeignProvider}, nil, access.Denied},
		"capitals, of a stored user":         {contractors, authjs.Claims{Email: authjs.TextOf("M@CONTRACTOR.example"), User: "github:1"}, nil, access.Denied},
		"an address of NextAuth's own":       {contractors, authjs.Claims{Email: authjs.TextOf("jürgen@contractor.example"), Provider: ForeignProvider}, nil, access.Indeterminate},
		"full-width letters of NextAuth":     {contractors, authjs.Claims{Email: authjs.TextOf("ａ@contractor.example"), Provider: ForeignProvider}, nil, access.Indeterminate},
		"a second address":                   {contractors, authjs.Claims{Email: authjs.TextOf("a@x.example")}, &providers.Account{OtherEmails: []string{"m@contractor.example"}}, access.Denied},
		"an address that can't be read":      {contractors, authjs.Claims{}, withoutEmail, access.Indeterminate},
		"groups that can't be, for email":    {contractors, authjs.Claims{}, withoutGroups, access.Admitted},
		"no groups":                          {group, authjs.Claims{}, nil, access.Admitted},
		"the group":                          {group, authjs.Claims{Groups: []string{"staff", "contractors"}}, nil, access.Denied},
		"the group with a space":             {group, authjs.Claims{Groups: []string{"contractors "}}, nil, access.Denied},
		"a group with the name inside":       {group, authjs.Claims{Groups: []string{"contractors of old"}}, nil, access.Admitted},
		"a further group":                    {group, authjs.Claims{}, &providers.Account{OtherGroups: []string{"contractors"}}, access.Denied},
		"groups that can't be read":          {group, authjs.Claims{Groups: []string{"staff"}}, withoutGroups, access.Indeterminate},
		"NextAuth says nothing of groups":    {group, authjs.Claims{Provider: ForeignProvider}, nil, access.Indeterminate},
		"both fields, one can't be read":     {both, authjs.Claims{Email: authjs.TextOf("a@contractor.example")}, withoutGroups, access.Indeterminate},
		"both fields, the other doesn't fit": {both, authjs.Claims{Email: authjs.TextOf("a@x.example")}, withoutGroups, access.Admitted},
		"of another provider":                {atCorp, authjs.Claims{Provider: "club"}, withoutGroups, access.Admitted},
		"of the provider":                    {atCorp, authjs.Claims{Provider: "corp"}, withoutGroups, access.Indeterminate},
		"a match beside a doubt":             {append(group[:1:1], contractors...), authjs.Claims{Groups: []string{"contractors"}}, withoutEmail, access.Denied},
	} {
		if got := judged(t, nil, tc.deny, tc.claims, tc.account); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	everybody := []access.Rule{{Email: []string{"*@github.com"}}}
	mallory := authjs.Claims{Email: authjs.TextOf("mallory@g\u0130thub.com"), EmailVerified: true}
	if got := judged(t, everybody, nil, mallory, nil); got != access.NotAllowed {
		t.Errorf("U+0130: %q", got)
	}
}
