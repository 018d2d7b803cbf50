package signin

import (
	"slices"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers"
)

// judged asks rules about a session of these claims.
func judged(t *testing.T, allow, deny []Rule, claims authjs.Claims, account *providers.Account) verdict {
	t.Helper()
	for _, rule := range slices.Concat(allow, deny) {
		if err := rule.check(); err != nil {
			t.Fatal(err)
		}
	}
	s := &siteSessions{sessionList: sessionList{sessionManager: &sessionManager{admission: newAdmission(allow, deny)}}}
	return s.evaluate(s.newSession(claims), account)
}

func TestDenyRefusesWhatItCantJudge(t *testing.T) {
	t.Parallel()
	contractors := []Rule{{Email: []string{"*@contractor.example"}}}
	group := []Rule{{Group: []string{"contractors"}}}
	both := []Rule{{Email: []string{"*@contractor.example"}, Group: []string{"contractors"}}}
	atCorp := []Rule{{Group: []string{"contractors"}, Provider: []string{"corp"}}}
	withoutEmail := &providers.Account{Incomplete: []providers.Incomplete{{Attribute: providers.AttributeEmail}}}
	withoutGroups := &providers.Account{Incomplete: []providers.Incomplete{{Attribute: providers.AttributeGroups}}}
	for name, tc := range map[string]struct {
		deny    []Rule
		claims  authjs.Claims
		account *providers.Account
		want    verdict
	}{
		"nothing is denied":                  {nil, authjs.Claims{}, withoutEmail, admitted},
		"another address":                    {contractors, authjs.Claims{Email: authjs.TextOf("a@x.example")}, nil, admitted},
		"no address":                         {contractors, authjs.Claims{}, nil, admitted},
		"the address":                        {contractors, authjs.Claims{Email: authjs.TextOf("a@contractor.example")}, nil, denied},
		"capitals, from NextAuth":            {contractors, authjs.Claims{Email: authjs.TextOf("Mallory@Contractor.Example"), Provider: foreignProvider}, nil, denied},
		"capitals, of a stored user":         {contractors, authjs.Claims{Email: authjs.TextOf("M@CONTRACTOR.example"), User: "github:1"}, nil, denied},
		"an address of NextAuth's own":       {contractors, authjs.Claims{Email: authjs.TextOf("jürgen@contractor.example"), Provider: foreignProvider}, nil, indeterminate},
		"full-width letters of NextAuth":     {contractors, authjs.Claims{Email: authjs.TextOf("ａ@contractor.example"), Provider: foreignProvider}, nil, indeterminate},
		"a second address":                   {contractors, authjs.Claims{Email: authjs.TextOf("a@x.example")}, &providers.Account{OtherEmails: []string{"m@contractor.example"}}, denied},
		"an address that can't be read":      {contractors, authjs.Claims{}, withoutEmail, indeterminate},
		"groups that can't be, for email":    {contractors, authjs.Claims{}, withoutGroups, admitted},
		"no groups":                          {group, authjs.Claims{}, nil, admitted},
		"the group":                          {group, authjs.Claims{Groups: []string{"staff", "contractors"}}, nil, denied},
		"the group with a space":             {group, authjs.Claims{Groups: []string{"contractors "}}, nil, denied},
		"a group with the name inside":       {group, authjs.Claims{Groups: []string{"contractors of old"}}, nil, admitted},
		"a further group":                    {group, authjs.Claims{}, &providers.Account{OtherGroups: []string{"contractors"}}, denied},
		"groups that can't be read":          {group, authjs.Claims{Groups: []string{"staff"}}, withoutGroups, indeterminate},
		"NextAuth says nothing of groups":    {group, authjs.Claims{Provider: foreignProvider}, nil, indeterminate},
		"both fields, one can't be read":     {both, authjs.Claims{Email: authjs.TextOf("a@contractor.example")}, withoutGroups, indeterminate},
		"both fields, the other doesn't fit": {both, authjs.Claims{Email: authjs.TextOf("a@x.example")}, withoutGroups, admitted},
		"of another provider":                {atCorp, authjs.Claims{Provider: "club"}, withoutGroups, admitted},
		"of the provider":                    {atCorp, authjs.Claims{Provider: "corp"}, withoutGroups, indeterminate},
		"a match beside a doubt":             {append(group[:1:1], contractors...), authjs.Claims{Groups: []string{"contractors"}}, withoutEmail, denied},
	} {
		if got := judged(t, nil, tc.deny, tc.claims, tc.account); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	everybody := []Rule{{Email: []string{"*@github.com"}}}
	mallory := authjs.Claims{Email: authjs.TextOf("mallory@g\u0130thub.com"), EmailVerified: true}
	if got := judged(t, everybody, nil, mallory, nil); got != notAllowed {
		t.Errorf("U+0130: %q", got)
	}
}
