package profile

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// Nothing that a deny rule might name is dropped in silence.
func TestWhatDenyNeedsOfAProfile(t *testing.T) {
	long := strings.Repeat("a", 300)
	for name, tc := range map[string]struct {
		mapping Map
		claims  string // beside sub
		groups  string // joined by |, with OtherGroups after a /
		emails  string // OtherEmails
		unread  string // parts
	}{
		"nothing":                    {claims: `"x":1`},
		"an empty list":              {claims: `"groups":[]`},
		"a group of over 255 bytes":  {claims: `"groups":["CN=` + long + `"]`, groups: "CN=" + long},
		"a group of over 4096 bytes": {claims: `"groups":["` + strings.Repeat("a", 4097) + `"]`, unread: "groups"},
		"numbers":                    {claims: `"groups":[7, 1001, 1e3, 1.5]`, groups: "7|1001|1000|1.5"},
		"one number":                 {claims: `"groups":7`, groups: "7"},
		"a name with a space":        {claims: `"groups":["staff ", " ops"]`, groups: "staff | ops"},
		"a name with a line break":   {claims: `"groups":["staff\n"]`, unread: "groups"},
		"a name that hides":          {claims: `"groups":["st\u202eaff"]`, unread: "groups"},
		"an object":                  {claims: `"groups":{"staff":true}`, unread: "groups"},
		"null":                       {claims: `"groups":null`, unread: "groups"},
		"true":                       {claims: `"groups":true`, unread: "groups"},
		"mixed types":                {claims: `"groups":["staff",{"name":"ops"},null]`, groups: "staff", unread: "groups"},
		"Entra's overage": {
			claims: `"_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://graph.example"}}`, unread: "groups",
		},
		"Entra's hasgroups":                 {claims: `"hasgroups":true`, unread: "groups"},
		"hasgroups of another claim":        {mapping: Map{Groups: "roles"}, claims: `"hasgroups":true`},
		"distributed claims of others":      {claims: `"_claim_names":{"address":"src1"}`},
		"a path through a text":             {mapping: Map{Groups: "access.roles"}, claims: `"access":"x"`, unread: "groups"},
		"a path through null":               {mapping: Map{Groups: "access.roles"}, claims: `"access":null`, unread: "groups"},
		"a path through a list":             {mapping: Map{Groups: "groups.name"}, claims: `"groups":[{"name":"a"}]`, unread: "groups"},
		"a path that ends early":            {mapping: Map{Groups: "access.roles"}, claims: `"access":{}`},
		"an unreadable first choice":        {mapping: Map{Groups: "roles|groups"}, claims: `"roles":{},"groups":["a"]`, groups: "a", unread: "groups"},
		"a second element without a list":   {mapping: Map{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},{"groups":{"b":1}}]`, groups: "a", unread: "groups"},
		"a second element's null":           {mapping: Map{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},{"groups":["b",null]}]`, groups: "a/b", unread: "groups"},
		"the groups of a second element":    {mapping: Map{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},{"groups":["b"]}]`, groups: "a/b"},
		"the groups of a second choice":     {mapping: Map{Groups: "groups|roles"}, claims: `"groups":[],"roles":["contractors"]`, groups: "/contractors"},
		"an unreadable second choice":       {mapping: Map{Groups: "groups|roles"}, claims: `"groups":["a"],"roles":{"b":1}`, groups: "a", unread: "groups"},
		"null for a second choice":          {mapping: Map{Groups: "groups|roles"}, claims: `"groups":["a"],"roles":null`, groups: "a"},
		"a second element that is a text":   {mapping: Map{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},"b"]`, groups: "a", unread: "groups"},
		"a soft hyphen":                     {claims: `"groups":["con\u00adtractors"]`, unread: "groups"},
		"a space without width":             {claims: `"groups":["con\u200btractors"]`, unread: "groups"},
		"a joiner":                          {claims: `"groups":["con\u200dtractors"]`, unread: "groups"},
		"a word joiner":                     {claims: `"groups":["con\u2060tractors"]`, unread: "groups"},
		"a byte order mark":                 {claims: `"groups":["\ufeffcontractors"]`, unread: "groups"},
		"an address":                        {claims: `"email":"a@x.example"`},
		"no address":                        {claims: `"email":"alice"`, unread: "email"},
		"an empty text":                     {claims: `"email":" "`},
		"an at sign in words":               {claims: `"email":"bob at contractor.example"`, unread: "email"},
		"an escaped at sign":                {claims: `"email":"bob%40contractor.example"`, unread: "email"},
		"null for an address":               {claims: `"email":null`},
		"a letter outside ASCII":            {claims: `"email":"jürgen@contractor.example"`, unread: "email"},
		"an exclamation mark":               {claims: `"email":"a!b@contractor.example"`, unread: "email"},
		"a percent sign":                    {claims: `"email":"a%b@contractor.example"`, unread: "email"},
		"a quoted local part":               {claims: `"email":"\"a b\"@contractor.example"`, unread: "email"},
		"two dots":                          {claims: `"email":"a..b@contractor.example"`, unread: "email"},
		"a trailing dot":                    {claims: `"email":"a@contractor.example."`, unread: "email"},
		"full-width letters":                {claims: `"email":"ａ@contractor.example"`, unread: "email"},
		"a full-width at sign":              {claims: `"email":"a＠contractor.example"`, unread: "email"},
		"U+0130":                            {claims: `"email":"a@contract\u0130r.example"`, unread: "email"},
		"a display name":                    {claims: `"email":"A <a@contractor.example>"`, unread: "email"},
		"two addresses":                     {claims: `"email":"a@x.example,b@contractor.example"`, unread: "email"},
		"a local part of 65 bytes":          {claims: `"email":"` + long[:65] + `@contractor.example"`, unread: "email"},
		"a list of addresses":               {claims: `"email":["a@x.example","b@contractor.example"]`, emails: "a@x.example b@contractor.example"},
		"an object for an address":          {claims: `"email":{"value":"a@contractor.example"}`, unread: "email"},
		"the second of a list":              {mapping: Map{Email: "emails.0"}, claims: `"emails":["a@x.example","b@contractor.example"]`, emails: "b@contractor.example"},
		"the one that isn't the primary":    {mapping: Map{Email: "emails.primary=true.email"}, claims: `"emails":[{"email":"a@x.example","primary":true},{"email":"B@contractor.example"}]`, emails: "b@contractor.example"},
		"the second choice":                 {mapping: Map{Email: "email|upn"}, claims: `"email":"a@x.example","upn":"b@contractor.example"`, emails: "b@contractor.example"},
		"an address that is kept elsewhere": {claims: `"_claim_names":{"email":"src1"}`, unread: "email"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := ParseClaims([]byte(`{"sub":"1",` + tc.claims + `}`))
			if err != nil {
				t.Fatal(err)
			}
			account, err := or(tc.mapping, ofOIDC).Compile(false).Account(c)
			if err != nil {
				t.Fatal(err)
			}
			groups := strings.Join(account.Groups, "|")
			if len(account.OtherGroups) > 0 {
				groups += "/" + strings.Join(account.OtherGroups, "|")
			}
			if groups != tc.groups || strings.Join(account.OtherEmails, " ") != tc.emails || providertest.Missing(account) != tc.unread {
				t.Errorf("groups %q, further addresses %q, unread %v", groups, account.OtherEmails, account.Incomplete)
			}
		})
	}
}

// What is kept for deny is bounded, whatever a provider says; what isn't kept makes
// deny refuse.
func TestWhatIsKeptForDenyIsBounded(t *testing.T) {
	const many = 20_000
	repeat := func(format string) string {
		items := make([]string, many)
		for i := range items {
			items[i] = strings.ReplaceAll(format, "N", strconv.Itoa(i))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	mapping := Map{ID: "sub", Email: "email|mails.0.email", Groups: "groups|teams.0.groups"}
	for name, tc := range map[string]struct {
		claims                 string
		groups, others, emails int
		unread                 []string
	}{
		"addresses":            {claims: `"email":` + repeat(`"aN@x.example"`), emails: 100, unread: []string{"email: there are more than 100 further addresses"}},
		"addresses in objects": {claims: `"mails":` + repeat(`{"email":"aN@x.example"}`), emails: 100, unread: []string{"email: there are more than 100 further addresses"}},
		"one address":          {claims: `"email":` + repeat(`"a@x.example"`), emails: 1},
		"unreadable addresses": {claims: `"email":` + repeat(`"a bN@x.example"`), unread: []string{
			`email: "a b0@x.example" is not one plain address`, `email: "a b1@x.example" is not one plain address`,
			`email: "a b2@x.example" is not one plain address`, "email: and 19997 more",
		}},
		"numbers for addresses": {claims: `"email":` + repeat(`N`), unread: []string{
			"email: email is a number, not an address", "email: email is a number, not an address",
			"email: email is a number, not an address", "email: and 19997 more",
		}},
		"groups of many teams": {claims: `"teams":` + repeat(`{"groups":["gN"]}`), groups: 1, others: 500, unread: []string{"groups: there are more than 500 further groups"}},
		"one group of many":    {claims: `"teams":` + repeat(`{"groups":["g"]}`), groups: 1},
		"groups of two teams":  {claims: `"teams":[{"groups":["a"]},{"groups":` + repeat(`"gN"`) + `}]`, groups: 1, others: 500, unread: []string{"groups: there are more than 500 further groups"}},
		"what is no group":     {claims: `"groups":` + repeat(`null`), unread: []string{"groups: groups holds what is no name of a group: null, null, null and 19997 more"}},
		"teams without groups": {claims: `"teams":` + repeat(`{"groups":["g",null]}`), groups: 1, unread: []string{
			"groups: teams.0.groups holds what is no name of a group: null", "groups: teams.0.groups holds what is no name of a group: null",
			"groups: teams.0.groups holds what is no name of a group: null", "groups: and 19997 more",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := ParseClaims([]byte(`{"sub":"1",` + tc.claims + `}`))
			if err != nil {
				t.Fatal(err)
			}
			account, err := mapping.Compile(false).Account(c)
			if err != nil {
				t.Fatal(err)
			}
			var unread []string
			for _, one := range Complete(account, providers.Account{}).Incomplete {
				unread = append(unread, one.String())
			}
			if len(account.Groups) != tc.groups || len(account.OtherGroups) != tc.others || len(account.OtherEmails) != tc.emails || !slices.Equal(unread, tc.unread) {
				t.Errorf("%d groups and %d others, %d addresses, unread %q", len(account.Groups), len(account.OtherGroups), len(account.OtherEmails), unread)
			}
			twice := Complete(account, account)
			if len(twice.OtherGroups) > 500 || len(twice.OtherEmails) > 100 || len(twice.Incomplete) > 3+2 {
				t.Errorf("with another: %d groups, %d addresses, unread %v", len(twice.OtherGroups), len(twice.OtherEmails), twice.Incomplete)
			}
		})
	}
}

// What the ID token lacks and userinfo adds, and the other way round, counts.
func TestWhatUserinfoAddsCountsForDeny(t *testing.T) {
	t.Parallel()
	p := Map{ID: "sub", Email: "email", Groups: "groups"}.Compile(false)
	read := func(text string) providers.Account {
		c, err := ParseClaims([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		account, err := p.Details(c)
		if err != nil {
			t.Fatal(err)
		}
		return account
	}
	got := Complete(read(`{"email":"a@x.example","groups":["staff"]}`),
		read(`{"email":"b@contractor.example","groups":["staff","contractors",null]}`))
	if !slices.Equal(got.OtherEmails, []string{"b@contractor.example"}) || !slices.Equal(got.Groups, []string{"staff"}) ||
		!slices.Equal(got.OtherGroups, []string{"contractors"}) || providertest.Missing(got) != "groups" {
		t.Errorf("%+v", got)
	}
}
