package oauth

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/profile"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

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
			account, err := signInWhole(t, loadOIDC(t, corp(s).With(tc.config)), s)
			if tc.refused != "" {
				providertest.MustFail(t, err, tc.refused)
			} else if err != nil || account.ID != "alice-1" {
				t.Errorf("%+v, %v", account, err)
			}
		})
	}
}

func TestScopesInTheWordsOfVendors(t *testing.T) {
	t.Parallel()
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
		c := &client{registration: registration{kind: row.Kind, row: row, config: ClientConfig{Preset: tc.preset}.withDefaults(row.Kind)}}
		_, err := scopeRules{&c.registration}.check(profile.Claims{"scope": tc.scope})
		if tc.refused != "" {
			providertest.MustFail(t, err, "the scope "+tc.refused)
		} else if err != nil {
			t.Errorf("%s: %s: %v", tc.preset, tc.scope, err)
		}
	}
}

func TestScopesOfAnAPIAtMicrosoft(t *testing.T) {
	t.Parallel()
	row, _ := lookUp("azure-ad")
	for name, tc := range map[string]struct {
		scopes, answer string
		names          map[string]string
		told           bool
		refused        string
	}{
		"an API's, as the note says":        {"openid email profile offline_access api://app/access", "api://app/access", map[string]string{"email": profile.Off, "profile": profile.Off}, false, ""},
		"an API's, taken out":               {"openid email profile api://app/access", "openid email profile", map[string]string{"email": profile.Off, "profile": profile.Off}, false, "api://app/access"},
		"an API's, without saying so":       {"openid email profile api://app/access", "api://app/access", nil, false, "email"},
		"Graph's in another case":           {"openid email profile user.read", "email openid profile https://graph.microsoft.com/User.Read", nil, true, ""},
		"Graph's under the name with a URL": {"openid email profile https://graph.microsoft.com/user.read", "email openid profile User.Read", nil, true, ""},
		"a letter outside ASCII":            {"openid email profile user.task", "email openid profile User.TasK", nil, false, "user.task"},
	} {
		config := ClientConfig{Preset: "azure-ad", Scopes: strings.Fields(tc.scopes), ScopeNames: tc.names}.withDefaults(row.Kind)
		c := &client{registration: registration{kind: row.Kind, row: row, config: config}}
		told, err := scopeRules{&c.registration}.check(profile.Claims{"scope": tc.answer})
		if tc.refused != "" {
			providertest.MustFail(t, err, "the scope "+tc.refused)
		} else if err != nil || told != tc.told {
			t.Errorf("%s: told %t, %v", name, told, err)
		}
	}
}

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
			account, err := signInWhole(t, loadOIDC(t, corp(s).With(tc.config)), s)
			if err != nil || providertest.Missing(account) != tc.unread {
				t.Errorf("%v, %v", account.Incomplete, err)
			}
		})
	}
}
