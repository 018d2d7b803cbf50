package providers

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// parts are what an account says that it lacks, each part once.
func (a Account) parts() string {
	var names []string
	for _, unread := range a.Incomplete {
		names = append(names, string(unread.Attribute))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// Nothing that a deny rule might name is dropped in silence.
func TestWhatDenyNeedsOfAProfile(t *testing.T) {
	long := strings.Repeat("a", 300)
	for name, tc := range map[string]struct {
		mapping ProfileMap
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
		"Entra's hasgroups":               {claims: `"hasgroups":true`, unread: "groups"},
		"hasgroups of another claim":      {mapping: ProfileMap{Groups: "roles"}, claims: `"hasgroups":true`},
		"distributed claims of others":    {claims: `"_claim_names":{"address":"src1"}`},
		"a path through a text":           {mapping: ProfileMap{Groups: "access.roles"}, claims: `"access":"x"`, unread: "groups"},
		"a path through null":             {mapping: ProfileMap{Groups: "access.roles"}, claims: `"access":null`, unread: "groups"},
		"a path through a list":           {mapping: ProfileMap{Groups: "groups.name"}, claims: `"groups":[{"name":"a"}]`, unread: "groups"},
		"a path that ends early":          {mapping: ProfileMap{Groups: "access.roles"}, claims: `"access":{}`},
		"an unreadable first choice":      {mapping: ProfileMap{Groups: "roles|groups"}, claims: `"roles":{},"groups":["a"]`, groups: "a", unread: "groups"},
		"a second element without a list": {mapping: ProfileMap{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},{"groups":{"b":1}}]`, groups: "a", unread: "groups"},
		"a second element's null":         {mapping: ProfileMap{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},{"groups":["b",null]}]`, groups: "a/b", unread: "groups"},
		"the groups of a second element":  {mapping: ProfileMap{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},{"groups":["b"]}]`, groups: "a/b"},

		"the groups of a second choice":   {mapping: ProfileMap{Groups: "groups|roles"}, claims: `"groups":[],"roles":["contractors"]`, groups: "/contractors"},
		"an unreadable second choice":     {mapping: ProfileMap{Groups: "groups|roles"}, claims: `"groups":["a"],"roles":{"b":1}`, groups: "a", unread: "groups"},
		"null for a second choice":        {mapping: ProfileMap{Groups: "groups|roles"}, claims: `"groups":["a"],"roles":null`, groups: "a"},
		"an unreadable second element":    {mapping: ProfileMap{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},{"groups":{"b":1}}]`, groups: "a", unread: "groups"},
		"a second element with null":      {mapping: ProfileMap{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},{"groups":["b",null]}]`, groups: "a/b", unread: "groups"},
		"a second element that is a text": {mapping: ProfileMap{Groups: "teams.0.groups"}, claims: `"teams":[{"groups":["a"]},"b"]`, groups: "a", unread: "groups"},
		"a soft hyphen":                   {claims: `"groups":["con\u00adtractors"]`, unread: "groups"},
		"a space without width":           {claims: `"groups":["con\u200btractors"]`, unread: "groups"},
		"a joiner":                        {claims: `"groups":["con\u200dtractors"]`, unread: "groups"},
		"a word joiner":                   {claims: `"groups":["con\u2060tractors"]`, unread: "groups"},
		"a byte order mark":               {claims: `"groups":["\ufeffcontractors"]`, unread: "groups"},

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
		"the second of a list":              {mapping: ProfileMap{Email: "emails.0"}, claims: `"emails":["a@x.example","b@contractor.example"]`, emails: "b@contractor.example"},
		"the one that isn't the primary":    {mapping: ProfileMap{Email: "emails.primary=true.email"}, claims: `"emails":[{"email":"a@x.example","primary":true},{"email":"B@contractor.example"}]`, emails: "b@contractor.example"},
		"the second choice":                 {mapping: ProfileMap{Email: "email|upn"}, claims: `"email":"a@x.example","upn":"b@contractor.example"`, emails: "b@contractor.example"},
		"an address that is kept elsewhere": {claims: `"_claim_names":{"email":"src1"}`, unread: "email"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := parseClaims([]byte(`{"sub":"1",` + tc.claims + `}`))
			if err != nil {
				t.Fatal(err)
			}
			account, err := tc.mapping.or(kindDefaults[kindOIDC].Profile).compile(false).account(c)
			if err != nil {
				t.Fatal(err)
			}
			groups := strings.Join(account.Groups, "|")
			if len(account.OtherGroups) > 0 {
				groups += "/" + strings.Join(account.OtherGroups, "|")
			}
			if groups != tc.groups || strings.Join(account.OtherEmails, " ") != tc.emails || account.parts() != tc.unread {
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
	mapping := ProfileMap{ID: "sub", Email: "email|mails.0.email", Groups: "groups|teams.0.groups"}
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
			c, err := parseClaims([]byte(`{"sub":"1",` + tc.claims + `}`))
			if err != nil {
				t.Fatal(err)
			}
			account, err := mapping.compile(false).account(c)
			if err != nil {
				t.Fatal(err)
			}
			var unread []string
			for _, one := range account.complete(Account{}).Incomplete {
				unread = append(unread, one.String())
			}
			if len(account.Groups) != tc.groups || len(account.OtherGroups) != tc.others || len(account.OtherEmails) != tc.emails || !slices.Equal(unread, tc.unread) {
				t.Errorf("%d groups and %d others, %d addresses, unread %q", len(account.Groups), len(account.OtherGroups), len(account.OtherEmails), unread)
			}
			twice := account.complete(account)
			if len(twice.OtherGroups) > maxOtherGroups || len(twice.OtherEmails) > maxOtherEmails || len(twice.Incomplete) > mostIncomplete+2 {
				t.Errorf("with another: %d groups, %d addresses, unread %v", len(twice.OtherGroups), len(twice.OtherEmails), twice.Incomplete)
			}
		})
	}
	var account Account
	if err := account.pickAddress([]byte(repeat(`{"email":"aN@x.example"}`))); err != nil || len(account.OtherEmails) != maxOtherEmails || account.parts() != "email" {
		t.Errorf("a list of addresses: %d, %v, %v", len(account.OtherEmails), account.Incomplete, err)
	}
}

func TestWhatDenyNeedsOfAListOfAddresses(t *testing.T) {
	for list, want := range map[string]struct{ emails, unread string }{
		`[]`: {},
		`[{"email":"a@x.example","primary":true,"verified":true}]`:                                       {},
		`[{"email":"a@x.example","primary":true,"verified":true},{"email":"B@contractor.example"}]`:      {emails: "b@contractor.example"},
		`[{"email":"a@x.example","primary":true,"verified":true},{"email":"jürgen@contractor.example"}]`: {unread: "email"},
		`[{"email":"a@x.example","primary":true,"verified":true},{"email":7}]`:                           {unread: "email"},
	} {
		var account Account
		if err := account.pickAddress([]byte(list)); err != nil {
			t.Errorf("%s: %v", list, err)
		}
		if strings.Join(account.OtherEmails, " ") != want.emails || account.parts() != want.unread {
			t.Errorf("%s: %q, %v", list, account.OtherEmails, account.Incomplete)
		}
	}
	for _, list := range []string{`{"message":"Not Found"}`, `null`, `[1]`, `[{"email":"a@x.example","email":"b@x.example"}]`} {
		if err := new(Account).pickAddress([]byte(list)); err == nil {
			t.Errorf("%s is read", list)
		}
	}
}

// What the ID token lacks and userinfo adds, and the other way round, counts.
func TestWhatUserinfoAddsCountsForDeny(t *testing.T) {
	p := ProfileMap{ID: "sub", Email: "email", Groups: "groups"}.compile(false)
	read := func(text string) Account {
		c, err := parseClaims([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		account, err := p.details(c)
		if err != nil {
			t.Fatal(err)
		}
		return account
	}
	got := read(`{"email":"a@x.example","groups":["staff"]}`).
		complete(read(`{"email":"b@contractor.example","groups":["staff","contractors",null]}`))
	if !slices.Equal(got.OtherEmails, []string{"b@contractor.example"}) || !slices.Equal(got.Groups, []string{"staff"}) ||
		!slices.Equal(got.OtherGroups, []string{"contractors"}) || got.parts() != "groups" {
		t.Errorf("%+v", got)
	}
}

// The authorization request passes through the visitor's address bar.
func TestATokenAnswerThatGrantsLessIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		config  config
		scope   any // of the token answer, nil for none
		refused string
	}{
		"all of them":              {scope: "openid email profile"},
		"in another order":         {scope: "profile  email openid"},
		"and more":                 {scope: "openid email profile groups"},
		"no scope":                 {},
		"a list":                   {scope: []any{"openid", "email", "profile"}},
		"without openid":           {scope: "email profile"}, // the ID token proves it
		"email is taken out":       {scope: "openid profile", refused: "the scope email"},
		"from a list":              {scope: []any{"openid", "profile"}, refused: "the scope email"},
		"everything is":            {scope: "", refused: "the scope email"},
		"in another case":          {scope: "openid Email profile", refused: "the scope email"},
		"commas are no separators": {scope: "openid email,profile", refused: "the scope email"},
		"commas where they are":    {config: config{"scope_separator": ","}, scope: "openid,email,profile"},
		"no text":                  {scope: map[string]any{"email": true}, refused: "an object"},
		"null in a list":           {scope: []any{"openid", nil}, refused: "null in its list"},
		"null beside all of them":  {scope: []any{"openid", "email", "profile", nil}, refused: "null in its list"},
		"a number in a list":       {scope: []any{"openid", 5}, refused: "a number in its list"},
		"an empty text in a list":  {scope: []any{"openid", ""}, refused: "the scope email"},
		"a space that is none":     {scope: "openid email\u00a0profile", refused: "the scope email"},
		"a tab":                    {scope: "openid email\tprofile", refused: "the scope email"},
		"an empty list":            {scope: []any{}, refused: "the scope email"},
		"empty where none is listed": {
			config: config{"scope_names": config{"email": "off", "profile": "off"}}, scope: "",
		},
		"only spaces":         {scope: "  ", refused: "the scope email"},
		"only separators":     {config: config{"scope_separator": ","}, scope: ",, ,", refused: "the scope email"},
		"an empty other name": {config: config{"scope_names": config{"email": "|mail"}}, scope: []any{"openid", "profile", ""}, refused: "the scope email"},
		"a scope of one's own": {
			config: config{"scopes": []string{"openid", "groups"}}, scope: "openid", refused: "the scope groups",
		},
		"offline_access is declined": {config: config{"scopes": []string{"openid", "offline_access", "email"}}, scope: "openid email"},
		"another name":               {config: config{"scope_names": config{"email": "mail:read|mail"}}, scope: "openid profile mail"},
		"a name that is never told":  {config: config{"scope_names": config{"email": "off"}}, scope: "openid profile"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(providertest.Behaviour{EditTokenAnswer: func(answer map[string]any) {
				if tc.scope != nil {
					answer["scope"] = tc.scope
				}
			}})
			account, err := signInWhole(t, loadOIDC(t, corp(s).with(tc.config)), s)
			if tc.refused != "" {
				mustFail(t, err, tc.refused)
			} else if err != nil || account.ID != "alice-1" {
				t.Errorf("%+v, %v", account, err)
			}
		})
	}
}

// Vendors who answer in a way of their own let honest people in.
func TestScopesInTheWordsOfVendors(t *testing.T) {
	for _, tc := range []struct{ preset, scope, refused string }{
		{"google", "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile", ""},
		{"google", "openid https://www.googleapis.com/auth/userinfo.profile", "email"},
		{"google", "email profile openid", ""},
		{"google", "openid https://www.googleapis.com/auth/userinfo.", "email"},
		{"microsoft-entra-id", "email openid profile https://graph.microsoft.com/User.Read", ""},
		{"microsoft-entra-id", "openid profile", "email"},
		{"azure-ad", "OpenID Profile EMAIL HTTPS://graph.microsoft.com/User.Read", ""},
		{"github", "read:user,user:email", ""},
		{"github", "user", ""},
		{"github", "read:user", "user:email"},
		{"linkedin", "email,openid,profile", ""},
		{"slack", "openid,profile", "email"},
		{"azure-ad-b2c", "openid offline_access", ""},
		{"zoho", "AaaServer.profile.READ", ""},
		{"tiktok", "user.info.basic", ""},
	} {
		row, _ := lookUp(tc.preset)
		c := &client{kind: row.kind, row: row, config: ClientConfig{Preset: tc.preset}.withDefaults(row.kind)}
		_, err := c.checkScopes(claims{"scope": tc.scope})
		if tc.refused != "" {
			mustFail(t, err, "the scope "+tc.refused)
		} else if err != nil {
			t.Errorf("%s: %s: %v", tc.preset, tc.scope, err)
		}
	}
}

// Microsoft lists the scopes of one resource alone, in a case of its own.
func TestScopesOfAnAPIAtMicrosoft(t *testing.T) {
	row, _ := lookUp("azure-ad")
	for name, tc := range map[string]struct {
		scopes, answer string
		names          map[string]string
		told           bool
		refused        string
	}{
		"an API's, as the note says":        {"openid email profile offline_access api://app/access", "api://app/access", map[string]string{"email": off, "profile": off}, false, ""},
		"an API's, taken out":               {"openid email profile api://app/access", "openid email profile", map[string]string{"email": off, "profile": off}, false, "api://app/access"},
		"an API's, without saying so":       {"openid email profile api://app/access", "api://app/access", nil, false, "email"},
		"Graph's in another case":           {"openid email profile user.read", "email openid profile https://graph.microsoft.com/User.Read", nil, true, ""},
		"Graph's under the name with a URL": {"openid email profile https://graph.microsoft.com/user.read", "email openid profile User.Read", nil, true, ""},
		"a letter outside ASCII":            {"openid email profile user.task", "email openid profile User.TasK", nil, false, "user.task"},
	} {
		config := ClientConfig{Preset: "azure-ad", Scopes: strings.Fields(tc.scopes), ScopeNames: tc.names}.withDefaults(row.kind)
		c := &client{kind: row.kind, row: row, config: config}
		told, err := c.checkScopes(claims{"scope": tc.answer})
		if tc.refused != "" {
			mustFail(t, err, "the scope "+tc.refused)
		} else if err != nil || told != tc.told {
			t.Errorf("%s: told %t, %v", name, told, err)
		}
	}
}

// A claim that isn't there is innocent only where the provider says that it was
// asked for.
func TestAMissingClaimIsNotedUnlessAllWasGranted(t *testing.T) {
	noGroups := providertest.Alice()
	delete(noGroups, "groups")
	noEmail := providertest.Alice()
	delete(noEmail, "email")
	for name, tc := range map[string]struct {
		claims map[string]any
		config config
		scope  string
		unread string
	}{
		"everything is there":                  {},
		"no groups, all granted":               {claims: noGroups, scope: "openid email profile"},
		"no address, all granted":              {claims: noEmail, scope: "openid email profile"},
		"no groups, nothing said":              {claims: noGroups, unread: "groups"},
		"no address, nothing said":             {claims: noEmail, unread: "email"},
		"no groups, a scope that isn't listed": {claims: noGroups, config: config{"scope_names": config{"email": "off"}}, scope: "openid profile", unread: "groups"},
		"no groups, none are mapped":           {claims: noGroups, config: config{"profile": config{"groups": "off"}}},
		"no groups, userinfo off":              {claims: noGroups, config: config{"userinfo_endpoint": "off"}, scope: "openid email profile", unread: "groups"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providertest.New(t)
			s.Set(providertest.Behaviour{Claims: tc.claims, EditTokenAnswer: func(answer map[string]any) {
				if tc.scope != "" {
					answer["scope"] = tc.scope
				}
			}})
			account, err := signInWhole(t, loadOIDC(t, corp(s).with(tc.config)), s)
			if err != nil || account.parts() != tc.unread {
				t.Errorf("%v, %v", account.Incomplete, err)
			}
		})
	}
}

func TestAListOfAddressesThatCantBeHadIsNoted(t *testing.T) {
	s := providertest.New(t)
	s.Set(providertest.Behaviour{Handle: map[string]http.HandlerFunc{
		providertest.GitHubEmailsPath: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
	}})
	account, err := signInWhole(t, loadOAuth2(t, octo(s)), s)
	if err != nil || account.parts() != "email" {
		t.Errorf("%+v, %v", account, err)
	}
}

func TestAnAnswerThatIsBothIsARefusal(t *testing.T) {
	for text, refused := range map[string]bool{
		`{}`:                               false,
		`{"error":null}`:                   false,
		`{"error":""}`:                     false,
		`{"error":false}`:                  false,
		`{"error":[]}`:                     false,
		`{"error":{"code":"ok"}}`:          false,
		`{"error":{"code":0}}`:             false,
		`{"success":true,"ok":true}`:       false,
		`{"error":"AccountLocked"}`:        true,
		`{"error":true}`:                   true,
		`{"error":1}`:                      true,
		`{"error":["x"]}`:                  true,
		`{"error":{"message":"x"}}`:        true,
		`{"error":{"code":"expired"}}`:     true,
		`{"success":false}`:                true,
		`{"success":"false"}`:              true,
		`{"ok":false}`:                     true,
		`{"authenticated":false,"id":"1"}`: true,
		`{"success":null,"ok":1}`:          false,
		`{"errors":[]}`:                    false,
		`{"errors":{}}`:                    false,
		`{"errors":null}`:                  false,
		`{"error_code":0}`:                 false,
		`{"error_code":""}`:                false,
		`{"active":true}`:                  false,
		`{"error":{"code":"ok","message":"","log_id":"1"}}`: false,
		`{"error":{"code":0,"message":""}}`:                 false,
		`{"error":{"code":0,"message":"account locked"}}`:   true,
		`{"error":{"code":"ok","message":"locked"}}`:        true,
		`{"success":0}`:                  true,
		`{"success":0.0}`:                true,
		`{"success":"0"}`:                true,
		`{"ok":0}`:                       true,
		`{"ok":"NO"}`:                    true,
		`{"authenticated":"False"}`:      true,
		`{"active":false}`:               true,
		`{"errors":["locked"]}`:          true,
		`{"errors":{"user":"locked"}}`:   true,
		`{"errors":{"code":0}}`:          true,
		`{"error_code":"AccountLocked"}`: true,
		`{"error_code":17}`:              true,
		`{"error_description":"locked"}`: true,
	} {
		c, err := parseClaims([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.contradiction() != nil; got != refused {
			t.Errorf("%s: refused %t", text, got)
		}
	}
}

func TestATokenAnswerOrUserinfoThatIsBothIsRefused(t *testing.T) {
	s := providertest.New(t)
	for _, more := range []map[string]any{
		{"error": "invalid_grant"}, {"error": map[string]any{"message": "x"}}, {"error": true}, {"ok": false}, {"success": false},
	} {
		s.Set(providertest.Behaviour{EditTokenAnswer: func(answer map[string]any) {
			maps.Copy(answer, more)
		}})
		if _, err := signIn(t, loadOIDC(t, corp(s)), s); err == nil {
			t.Errorf("%v beside an access_token is a success", more)
		}
		user := providertest.Octocat()
		maps.Copy(user, more)
		s.Set(providertest.Behaviour{GitHubUser: user})
		if _, err := signIn(t, loadOAuth2(t, octo(s)), s); err == nil {
			t.Errorf("%v beside a profile is a success", more)
		}
		lacking := providertest.Alice()
		delete(lacking, "groups")
		userinfo := providertest.Alice()
		maps.Copy(userinfo, more)
		s.Set(providertest.Behaviour{Claims: lacking, Userinfo: userinfo})
		_, err := signIn(t, loadOIDC(t, corp(s)), s)
		mustFail(t, err, "userinfo")
	}
	denying := providertest.Alice()
	denying["email_verified"] = false
	lacking := providertest.Alice()
	delete(lacking, "groups")
	s.Set(providertest.Behaviour{Claims: lacking, Userinfo: denying})
	_, err := signIn(t, loadOIDC(t, corp(s)), s)
	mustFail(t, err, "userinfo that it isn't")
	deniesInToken := providertest.Alice()
	delete(deniesInToken, "groups")
	deniesInToken["email_verified"] = false
	s.Set(providertest.Behaviour{Claims: deniesInToken, Userinfo: providertest.Alice()})
	_, err = signIn(t, loadOIDC(t, corp(s)), s)
	mustFail(t, err, "the ID token that it isn't")
	delete(deniesInToken, "email_verified")
	if account, err := signIn(t, loadOIDC(t, corp(s)), s); err != nil || !account.EmailVerified {
		t.Errorf("an ID token that says nothing of it: %+v, %v", account, err)
	}
}

func TestAMemberThatIsThereTwiceIsRefused(t *testing.T) {
	for text, refused := range map[string]bool{
		`{"id":"1","id":"2"}`:                  true,
		`{"a":{"id":"1","id":"1"}}`:            true,
		`{"a":[{"id":"1"},{"id":"1","id":1}]}`: true,
		`{"id":"1","\u0069d":"2"}`:             true,
		`{"id":"1","ID":"2","a":{"id":"3"}}`:   false,
		`{"a":[{"id":"1"},{"id":"1"}],"b":[]}`: false,
		`{"a":"b","b":"a","c":["a","a"]}`:      false,
	} {
		if !json.Valid([]byte(text)) {
			t.Fatal(text)
		}
		if _, err := parseClaims([]byte(text)); (err != nil) != refused {
			t.Errorf("%s: %v", text, err)
		}
	}
}
