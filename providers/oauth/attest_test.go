package oauth

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/presets"
	"github.com/caddy-signin/caddy-signin/providers/profile"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// choosesNobody are parameters that say how a vendor asks, not whom.
var choosesNobody = set(
	"approval_prompt", "audience", "claims", "display", "login_hint", "owner", "prompt", "reauth", "redirect_popup",
	"resource", "response_mode", "token_access_type", "ui_locales", "v",
)

// Whoever adds a row decides for each of its options and parameters what comes back
// and is compared with it, or why nothing is.
func TestEveryRowSaysWhatHoldsItsOptions(t *testing.T) {
	t.Parallel()
	for _, name := range PresetNames() {
		row, _ := lookUp(name)
		asked := slices.Collect(maps.Keys(row.defaults.Params))
		for _, option := range row.Options {
			asked = append(asked, option.Name)
		}
		for _, one := range asked {
			decided := choosesNobody[one] || row.Unrestricting[one] != ""
			for _, at := range row.Attests {
				decided = decided || at.Name == one || strings.Contains(row.defaults.Params[at.Name], "{"+one+"}")
			}
			if !decided {
				t.Errorf("%s: say in attests where %s is attested, or in unrestricting why it needs not be", name, one)
			}
		}
		for one := range row.Unrestricting {
			if !slices.Contains(asked, one) {
				t.Errorf("%s: nothing asks for %s", name, one)
			}
		}
		for _, at := range row.Attests {
			if err := profile.CheckSources(at.Claim, false); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

type attested map[string]any

type ask struct {
	row          string
	config       map[string]string
	right, wrong attested
}

// asks are configurations of rows that restrict who comes in, with what the vendor
// attests of somebody who may come in, and of somebody who may not.
var asks = []ask{
	{"workos", map[string]string{"organization": "org_A"}, attested{"organization_id": "org_A"}, attested{"organization_id": "org_B"}},
	{"workos", map[string]string{"organization": "org_A"}, attested{"organization_id": "org_A"}, attested{"organization_id": nil, "connection_type": "GoogleOAuth"}},
	{"workos", map[string]string{"params": "organization=org_A"}, attested{"organization_id": "org_A"}, attested{"organization_id": "org_a"}},
	{"workos", map[string]string{"connection": "conn_A"}, attested{"connection_id": "conn_A"}, attested{"connection_id": "conn_B"}},
	{"workos", map[string]string{"provider": "GoogleOAuth"}, attested{"connection_type": "GoogleOAuth"}, attested{"connection_type": "OktaSAML"}},
	{"boxyhq-saml", map[string]string{"tenant": "acme"}, attested{"requested": map[string]any{"tenant": "acme"}}, attested{"requested": map[string]any{"tenant": "other"}}},
	{"boxyhq-saml", map[string]string{"params": "product=app"}, attested{"requested": map[string]any{"product": "app"}}, attested{"requested": map[string]any{"product": "other"}}},
	{"osso", map[string]string{"params": "domain=acme.example"}, attested{"requested": map[string]any{"domain": "Acme.example"}}, attested{"requested": map[string]any{"domain": "other.example"}}},
	{"azure-ad-b2c", map[string]string{"primary_user_flow": "B2C_1_signin"}, attested{"tfp": "b2c_1_signin"}, attested{"tfp": "B2C_1_open"}},
	{"azure-ad-b2c", map[string]string{"primary_user_flow": "B2C_1_signin"}, attested{"acr": "b2c_1_signin"}, attested{"acr": "b2c_1_open"}},
	{"microsoft-entra-id", map[string]string{"tenant_id": "organizations"}, attested{"tid": "775527ff-9a37-4307-8b3d-cc311f58d925"}, attested{"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}},
	{"slack", map[string]string{"params": "team=T1"}, attested{"https://slack.com/team_id": "T1"}, attested{"https://slack.com/team_id": "T2"}},
	{"auth0", map[string]string{"params": "organization=org_A"}, attested{"org_id": "org_A"}, attested{"org_id": "org_B", "org_name": "org_A"}},
	{"auth0", map[string]string{"params": "organization=Acme"}, attested{"org_id": "org_A", "org_name": "acme"}, attested{"org_id": "Acme", "org_name": "other"}},
	{"cognito", map[string]string{"params": "identity_provider=Corp"}, attested{"identities": []any{map[string]any{"providerName": "Corp"}}}, attested{"identities": []any{map[string]any{"providerName": "Google"}}}},
	{"duende-identity-server6", map[string]string{"params": "acr_values=idp:corp"}, attested{"idp": "corp"}, attested{"idp": "Google"}},
	{"identity-server4", map[string]string{"params": "acr_values=idp:corp"}, attested{"idp": "corp"}, attested{"idp": "Google", "acr": "idp:corp"}},
	{"fusionauth", map[string]string{"tenant_id": "t-1"}, attested{"tid": "t-1"}, attested{"tid": "t-2"}},
	{"kinde", map[string]string{"params": "org_code=org_A"}, attested{"org_codes": []any{"org_B", "org_A"}}, attested{"org_codes": []any{"org_B"}}},
	{"okta", map[string]string{"params": "idp=0oa1"}, attested{"idp": "0oa1"}, attested{"idp": "0oa2"}},
	{"zitadel", map[string]string{"scopes": "openid urn:zitadel:iam:org:id:7"}, attested{"urn:zitadel:iam:user:resourceowner:id": "7"}, attested{"urn:zitadel:iam:user:resourceowner:id": "8"}},
	{"zitadel", map[string]string{"scopes": "openid urn:zitadel:iam:org:domain:primary:acme.example"}, attested{"urn:zitadel:iam:user:resourceowner:primary_domain": "acme.example"}, attested{"urn:zitadel:iam:user:resourceowner:primary_domain": "other.example"}},
	{"google", map[string]string{"params": "hd=example.com"}, attested{"hd": "example.com"}, attested{"hd": "example.org"}},
	{"google", map[string]string{"params": "hd=*"}, attested{"hd": "example.org"}, attested{"hd": ""}},
	{"keycloak", map[string]string{"params": "\"acr_values=gold silver\""}, attested{"acr": "silver"}, attested{"acr": "bronze"}},
	{"keycloak", map[string]string{"params": "max_age=60"}, attested{"auth_time": time.Now().Unix()}, attested{"auth_time": time.Now().Add(-time.Hour).Unix()}},
	{"keycloak", map[string]string{"params": "kc_idp_hint=corp", "attests": "kc_idp_hint=identity_provider"}, attested{"identity_provider": "corp"}, attested{"identity_provider": "google"}},
	{"keycloak", map[string]string{"params": `claims=\{"id_token":\{"acr":\{"essential":true,"values":["gold"]\},"email":null\}\}`}, attested{"acr": "gold"}, attested{"acr": "bronze"}},
	// The values are held whatever else the parameter asks for.
	{"keycloak", map[string]string{"params": `claims=\{"id_token":\{"acr":\{"values":["gold"]\},"verified_claims":[\{"verification":null\}]\}\}`}, attested{"acr": "gold"}, attested{"acr": "bronze"}},
	{"keycloak", map[string]string{"params": `claims=\{"id_token":null,"userinfo":\{"level":\{"value":3,"purpose":"x"\}\}\}`}, attested{"level": 3}, attested{"level": 2}},
	// Only hd of Google's has a value that asks for any.
	{"keycloak", map[string]string{"params": "acr_values=*"}, nil, attested{"acr": "gold"}},
	{"keycloak", map[string]string{"params": "hd=*"}, nil, attested{"hd": "example.com"}},
	{"google", map[string]string{"params": "hd=*example"}, nil, attested{"hd": "example.com"}},
	{"google", map[string]string{"params": "hd=*", "attests": "hd=domain"}, attested{"domain": "example.com"}, attested{"domain": ""}},
	{"keycloak", map[string]string{"params": `claims=\{"id_token":\{"acr":\{"value":"*"\}\}\}`}, nil, attested{"acr": "gold"}},
	{"keycloak", map[string]string{"params": "tenant=*", "attests": "tenant=tid"}, nil, attested{"tid": "t1"}},
	// No profile can pose as the token endpoint's answer.
	{"42-school", map[string]string{"params": "team=1", "attests": "team=token_response.team.id"}, nil, attested{"token_response": map[string]any{"team": map[string]any{"id": "1"}}}},
}

func TestWhatAParameterAsksForIsCompared(t *testing.T) {
	vendors, quirks := readVendors(t), readQuirks(t)
	for _, ask := range asks {
		t.Run(ask.row+" "+strings.Join(slices.Collect(maps.Values(ask.config)), " "), func(t *testing.T) {
			for what, test := range map[string]struct {
				attests attested
				wanted  bool
			}{
				"what was asked for": {ask.right, true}, "something else": {ask.wrong, false}, "nothing": {nil, false},
			} {
				if what == "what was asked for" && ask.right == nil {
					continue
				}
				q := quirks[ask.row]
				q.Config = maps.Clone(q.Config)
				if q.Config == nil || ask.row == "workos" {
					q.Config = map[string]string{}
				}
				maps.Copy(q.Config, ask.config)
				f := vendors[ask.row]
				v := f.vendor(q)
				v.Profile, v.IDTokenOnly = profileWith(v.Profile, test.attests), nil
				if tid, ok := test.attests["tid"].(string); ok && ask.row == "microsoft-entra-id" {
					v.TokenIssuer = "https://login.microsoftonline.com/" + tid + "/v2.0"
				}
				if ask.row == "microsoft-entra-id" {
					v.Discovery = strings.Replace(v.Discovery, "/common/", "/organizations/", 1)
				}
				p, of := loadRow(t, f, q, v)
				logs := watch(of)
				_, err := finishAt(t, p, v)
				if test.wanted != (err == nil) || err != nil && what == "something else" && !errors.Is(err, providers.ErrNotAdmitted) {
					t.Errorf("%s: %v %q", what, err, v.Refusals())
				}
				if err != nil && errors.Is(err, providers.ErrNotAdmitted) && logs.FilterField(zap.Strings("got", nil)).Len()+logs.FilterMessageSnippet("doesn't attest").Len() == 0 {
					t.Errorf("%s: nothing is logged", what)
				}
			}
		})
	}
}

// profileWith is a profile in which nothing is attested but what is given.
func profileWith(base map[string]any, more attested) map[string]any {
	whole := maps.Clone(base)
	for _, name := range []string{"tid", "tfp", "connection_id"} {
		if more["tid"] == nil || name != "tid" {
			delete(whole, name)
		}
	}
	maps.Copy(whole, more)
	return whole
}

func finishAt(t *testing.T, p providers.Redirector, v *providertest.Vendor) (providers.Account, error) {
	t.Helper()
	target, err := p.Begin(t.Context(), newFlow(), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := v.Approve(target)
	if err != nil {
		t.Fatal(err)
	}
	return p.Finish(t.Context(), newFlow(), answer)
}

// Every place that a row names is in the table above.
func TestEveryAttestationOfARowIsTried(t *testing.T) {
	t.Parallel()
	for _, name := range PresetNames() {
		row, _ := lookUp(name)
		if row.AliasOf != "" {
			continue
		}
		for _, at := range row.Attests {
			tried := at.Claim == "" || slices.ContainsFunc(asks, func(ask ask) bool {
				top := slices.Collect(maps.Keys(ask.right))
				return ask.row == name && slices.ContainsFunc(top, func(key string) bool {
					return slices.ContainsFunc(strings.Split(at.Claim, "|"), func(p string) bool { return p == key || strings.HasPrefix(p, key+".") })
				})
			})
			if !tried {
				t.Errorf("%s: %s is not tried", name, at.Claim)
			}
		}
	}
}

// The ID token may be silent where the userinfo endpoint speaks; where both speak,
// the signed one counts.
func TestUserinfoAttestsWhatTheIDTokenLacks(t *testing.T) {
	for name, test := range map[string]struct {
		idToken, userinfo map[string]any
		admitted          bool
	}{
		"the ID token":          {map[string]any{"org": "acme"}, nil, true},
		"userinfo":              {nil, map[string]any{"org": "acme"}, true},
		"neither":               {nil, nil, false},
		"the ID token disagree": {map[string]any{"org": "other"}, map[string]any{"org": "acme"}, false},
		"userinfo disagrees":    {map[string]any{"org": "acme", "name": ""}, map[string]any{"org": "other"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			op := providertest.New(t)
			token, userinfo := providertest.Alice(), providertest.Alice()
			maps.Copy(token, test.idToken)
			maps.Copy(userinfo, test.userinfo)
			op.Set(providertest.Behaviour{Claims: token, Userinfo: userinfo})
			p := loadOIDC(t, corp(op).With(config{"params": config{"organization": "acme"}, "attests": config{"organization": "org"}}))
			if _, err := signIn(t, p, op); test.admitted != (err == nil) || err != nil && !errors.Is(err, providers.ErrNotAdmitted) {
				t.Error(err)
			}
		})
	}
}

// A parameter in the endpoint's own query is one, too: it is compared, and scripts
// can't set it anew.
func TestParametersOfTheEndpointsQueryAreCompared(t *testing.T) {
	t.Parallel()
	op := providertest.New(t)
	p := loadOIDC(t, corp(op).With(config{
		"authorization_endpoint": op.URL + providertest.AuthorizePath + "?acr_values=gold&tenant=t1", "attests": config{"tenant": "tid"},
	}))
	target, err := p.Begin(t.Context(), newFlow(), url.Values{"acr_values": {"bronze"}})
	if err != nil || strings.Count(target, "acr_values") != 1 {
		t.Errorf("the browser goes to %s: %v", target, err)
	}
	for acr, admitted := range map[string]bool{"gold": true, "bronze": false} {
		claims := providertest.Alice()
		claims["acr"], claims["tid"] = acr, "t1"
		op.Set(providertest.Behaviour{Claims: claims})
		if _, err := signIn(t, p, op); admitted != (err == nil) {
			t.Errorf("%s: %v", acr, err)
		}
	}
}

// max_age counts from when the browser was sent away, not from when it is back.
func TestMaxAgeCountsFromTheRequest(t *testing.T) {
	t.Parallel()
	r := restriction{presets.Attestation{Name: paramMaxAge, Claim: "auth_time"}, []string{"0"}}
	began := time.Unix(1_800_000_000, 0)
	for authTime, met := range map[string]bool{"1800000120": true, "1799999950": true, "1799999000": false, "x": false, "": false} {
		if r.isMet([]string{authTime}, began) != met {
			t.Errorf("%s: %t", authTime, !met)
		}
	}
}

func TestParametersThatNothingAttestsAreTold(t *testing.T) {
	for name, test := range map[string]struct {
		line   string
		told   []string
		public bool
	}{
		"a hint at an identity provider": {"keycloak id a-client-secret {\nissuer https://kc.example\nparams kc_idp_hint=corp\n}", []string{"kc_idp_hint"}, false},
		"a connection":                   {"auth0 id a-client-secret {\nissuer https://a.example/\nparams connection=corp organization=org_1\n}", []string{"connection"}, false},
		"what IdentityServer reads":      {"duende-identity-server6 id a-client-secret {\nissuer https://a.example\nparams acr_values=tenant:x\n}", []string{"acr_values"}, false},
		"a way of authkit":               {"workos id a-client-secret {\nprovider authkit\n}", []string{"provider"}, true},
		"Google's own domain is held":    {"google id a-client-secret {\nparams hd=example.com\n}", nil, false},
		"any domain of Google's":         {"google id a-client-secret {\nparams hd=* prompt=consent\n}", nil, true},
		"any domain, as attested":        {"google id a-client-secret {\nparams hd=*\nattests hd=hd\n}", nil, true},
		"one domain, as attested":        {"google id a-client-secret {\nparams hd=example.com\nattests hd=hd\n}", nil, false},
		"what chooses nobody":            {"google id a-client-secret {\nparams prompt=consent\nattests prompt=amr\n}", nil, true},
		"claims that can't be compared":  {"google id a-client-secret {\nparams `claims=\\{\"userinfo\":\\{\"verified_claims\":[],\"a\":\\{\"max\":1\\}\\}\\}`\n}", []string{"claims a", "claims verified_claims"}, true},
		"all people of a provider":       {"workos id a-client-secret {\nprovider GoogleOAuth\n}", nil, true},
		"an organization":                {"workos id a-client-secret {\norganization org_1\n}", nil, false},
		"hd without OpenID Connect":      {"github id a-client-secret {\nparams hd=example.com\n}", []string{"hd"}, true},
		"a restriction in capitals":      {"google id a-client-secret {\nparams HD=example.com\n}", []string{"HD"}, true},
		"fixed parameters of a row":      {"boxyhq-saml id a-client-secret {\nissuer https://a.example\n}", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			of := loadLine(t, test.line)
			core, logs := observer.New(zap.DebugLevel)
			of.logger = zap.New(core)
			of.warn()
			var told []string
			for _, entry := range logs.FilterMessageSnippet("is no restriction").All() {
				told = append(told, entry.ContextMap()["parameter"].(string))
			}
			if !slices.Equal(told, test.told) || of.public != test.public {
				t.Errorf("told of %q, public: %t", told, of.public)
			}
		})
	}
}

// A list attests only what all of it is, unless it lists memberships.
func TestAListAttestsWhatAllOfItIs(t *testing.T) {
	t.Parallel()
	google := "google id a-client-secret {\nparams hd=Example.com\n}"
	kinde := "kinde id a-client-secret {\nissuer https://k.example\nparams org_code=org_1\n}"
	own := "keycloak id a-client-secret {\nissuer https://k.example\nparams \"acr_values=gold silver\"\n}"
	for name, tc := range map[string]struct {
		line     string
		found    profile.Claims
		admitted bool
	}{
		"the domain in another case": {google, profile.Claims{"hd": "example.COM"}, true},
		"a list of one":              {google, profile.Claims{"hd": []any{"example.com"}}, true},
		"another one before it":      {google, profile.Claims{"hd": []any{"evil.example", "example.com"}}, false},
		"another one behind it":      {google, profile.Claims{"hd": []any{"example.com", "evil.example"}}, false},
		"memberships":                {kinde, profile.Claims{"org_codes": []any{"org_2", "org_1"}}, true},
		"memberships elsewhere":      {kinde, profile.Claims{"org_codes": []any{"org_2"}}, false},
		"both alternatives":          {own, profile.Claims{"acr": []any{"gold", "silver"}}, true},
		"one alternative and more":   {own, profile.Claims{"acr": []any{"gold", "bronze"}}, false},
	} {
		of := loadLine(t, tc.line)
		if err := of.restrictions.check(of.logger, providers.Flow{}, tc.found); tc.admitted != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The client id of BoxyHQ may hold the parameters.
func TestParametersInAClientIDAreCompared(t *testing.T) {
	t.Parallel()
	of := loadLine(t, "boxyhq-saml tenant=acme&product=app a-client-secret {\nissuer https://a.example\n}")
	found := profile.Claims{"requested": map[string]any{"tenant": "acme", "product": "other"}}
	if err := of.restrictions.check(of.logger, providers.Flow{}, found); !errors.Is(err, providers.ErrNotAdmitted) {
		t.Error(err)
	}
	found["requested"] = map[string]any{"tenant": "acme", "product": "app"}
	if err := of.restrictions.check(of.logger, providers.Flow{}, found); err != nil {
		t.Error(err)
	}
}

// loadLine loads a provider as a Caddyfile has it.
func loadLine(t *testing.T, line string) *client {
	t.Helper()
	raw, err := providertest.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	var c config
	if err := json.Unmarshal(raw[0], &c); err != nil {
		t.Fatal(err)
	}
	kind, _ := c["provider"].(string)
	delete(c, "provider")
	loaded, err := providertest.Load(t, kind, c)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := loaded.(*OIDC); ok {
		return p.client
	}
	return loaded.(*OAuth2).client
}

// A claims parameter that can't be compared is refused, and so is one of which a part
// can't be.
func TestAClaimsParameterThatCantBeComparedIsRefused(t *testing.T) {
	for written, reason := range map[string]string{
		`gold`:                                             "must be a JSON object",
		`null`:                                             "must be a JSON object",
		`[]`:                                               "must be a JSON object",
		`{"id_token":{}} {}`:                               "must be a JSON object",
		`{"id_token":[]}`:                                  "id_token must be a JSON object",
		`{"id_token":"acr"}`:                               "id_token must be a JSON object",
		`{"id_token":{"acr":"gold"}}`:                      "must be null, or a JSON object",
		`{"id_token":{"acr":[{"value":"x"}]}}`:             "must be null, or a JSON object",
		`{"id_token":{"acr":{"values":"gold"}}}`:           "values must be a list",
		`{"id_token":{"acr":{"values":[]}}}`:               "values must be a list",
		`{"id_token":{"acr":{"values":null}}}`:             "values must be a list",
		`{"id_token":{"acr":{"value":["a"]}}}`:             "can't be compared",
		`{"id_token":{"acr":{"value":{"a":1}}}}`:           "can't be compared",
		`{"id_token":{"acr":{"value":null}}}`:              "can't be compared",
		`{"id_token":{"acr":{"value":""}}}`:                "can't be compared",
		`{"userinfo":{"acr":{"values":["a",{}]}}}`:         "can't be compared",
		`{"id_token":{"acr":{"value":"gold"},"acr":null}}`: "twice",
	} {
		t.Run(written, func(t *testing.T) {
			c := config{"id": "corp", "issuer": "https://op.example", "client_id": "id", "client_secret": "secret"}
			escaped := strings.NewReplacer("{", `\{`, "}", `\}`).Replace(written)
			_, err := providertest.Load(t, kindOIDC, c.With(config{"params": config{"claims": escaped}}))
			providertest.MustFail(t, err, reason)
			_, err = providertest.Parse("oidc corp https://op.example id a-client-secret {\nparams `claims=" + escaped + "`\n}")
			providertest.MustFail(t, err, reason)
			_, err = providertest.Load(t, kindOIDC, c.With(config{"authorization_endpoint": "https://op.example/a?claims=" + url.QueryEscape(written)}))
			providertest.MustFail(t, err, reason)
		})
	}
}
