package oauth

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/profile"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// deviations are where a row is neither what NextAuth v4 nor what Auth.js v5
// has: by id and aspect, what the row has. Each row says why in differs.
var deviations = map[string]map[string]string{
	"apple":        {"name": "callback.user.name.firstName+callback.user.name.lastName|name"},
	"azure-ad-b2c": {"email": "emails.0|email"},
	"azure-devops": {
		"token_endpoint": "https://app.vssps.visualstudio.com/oauth2/token",
		"params":         "", // response_type has a place of its own
		"token_params":   "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		"client_auth":    "client_secret_post",
	},
	"battlenet": {"scopes": "openid"}, // there is no address
	"bungie": {
		"userinfo_endpoint": "https://www.bungie.net/platform/User/GetBungieAccount/{token_response.membership_id}/254/",
		"image":             "https://www.bungie.net{Response.bungieNetUser.profilePicturePath}",
	},
	"click-up": {"image": "user.profilePicture"},
	"concept2": {"scopes": "user:read"},
	"discord":  {"image": "discord_avatar()"},
	"eventbrite": {
		"email": "emails.primary=true.email",
		"image": "https://img.evbuc.com/https%3A%2F%2Fcdn.evbuc.com%2Fimages%2F{image_id}%2F1%2Foriginal.jpg",
	},
	"eveonline":  {"image": "https://images.evetech.net/characters/{CharacterID}/portrait?size=64"},
	"foursquare": {"image": "{response.user.photo.prefix}original{response.user.photo.suffix}"},
	"fusionauth": {"name": "name|preferred_username|given_name+middle_name+family_name"},
	"hubspot":    {"params": ""},
	"kakao": {
		"name":  "kakao_account.profile.nickname|kakao_account.nickname",
		"image": "kakao_account.profile.profile_image_url|kakao_account.profile_image_url",
	},
	"linkedin":           {"name": "name"},
	"mailru":             {"userinfo_params": "access_token={access_token}"},
	"microsoft-entra-id": {"scopes": "email openid profile"}, // User.Read is for the picture
	"netsuite":           {"userinfo_endpoint": "https://1234567.restlets.api.netsuite.com/app/site/hosting/restlet.nl"},
	"nextcloud": {
		"userinfo_endpoint": "https://issuer.example/t/acme/ocs/v1.php/cloud/users/{token_response.user_id}",
		"userinfo_params":   "format=json",
		"id":                "ocs.data.id", "name": "ocs.data.displayname", "email": "ocs.data.email",
		"image": "https://issuer.example/t/acme/avatar/{ocs.data.id}/512",
	},
	"notion": {
		"params": "owner=user",
		"id":     "bot.owner.user.id", "name": "bot.owner.user.name", "email": "bot.owner.user.person.email", "image": "bot.owner.user.avatar_url",
	},
	"pipedrive":   {"id": "data.id|id", "name": "data.name|name", "email": "data.email|email", "image": "data.icon_url|icon_url"},
	"simplelogin": {"image": "avatar_url|picture"},
	"threads":     {"id": "data.id|id", "name": "data.username|username", "image": "data.threads_profile_picture_url|threads_profile_picture_url"},
	"tiktok":      {"params": ""}, // client_key is the client id's name
	"todoist":     {"userinfo_endpoint": "https://api.todoist.com/api/v1/sync", "id": "user.id", "name": "user.full_name", "email": "user.email", "image": "user.avatar_big"},
	"twitter":     {"display name": "Twitter", "params": "", "userinfo_params": "user.fields=profile_image_url", "client_auth": "client_secret_basic"},
	"vk":          {"email": "token_response.email"},
	"wechat": { // appid and secret are the names of the client id and secret
		"params": "", "token_params": "", "client_auth": "client_secret_post",
		"userinfo_params": "access_token={access_token}&openid={token_response.openid}",
	},
	"workos": {"params": "connection=conn_1"},
	"yandex": {"image": "yandex_avatar()"},
}

// aspects compare a row, as it is when loaded, with the facts.
var aspects = map[string]func(f vendorFacts, c *client) (got string, allowed []string){
	"authorization_endpoint": func(f vendorFacts, c *client) (string, []string) {
		return withoutQuery(c.config.AuthorizationEndpoint), f.addresses("authorize", "authorize")
	},
	"token_endpoint": func(f vendorFacts, c *client) (string, []string) {
		return withoutQuery(c.config.TokenEndpoint), f.addresses("token", "token")
	},
	"userinfo_endpoint": func(f vendorFacts, c *client) (string, []string) {
		return withoutQuery(c.config.UserinfoEndpoint), f.addresses("userinfo", "userinfo")
	},
	"scopes": func(f vendorFacts, c *client) (string, []string) { return f.scopes(c) },
	"params": func(f vendorFacts, c *client) (string, []string) {
		want := strings.ReplaceAll(f.fillParams(f["authorize_params"]), "response_type=code", "")
		return params(c.config.Params), []string{sortedParams(want)}
	},
	"token_params": func(f vendorFacts, c *client) (string, []string) {
		return params(c.config.TokenParams), []string{sortedParams(f["token_params"])}
	},
	"userinfo_params": func(f vendorFacts, c *client) (string, []string) {
		return params(c.config.UserinfoParams), []string{sortedParams(f["userinfo_params"]), ""}
	},
	"client_auth": func(f vendorFacts, c *client) (string, []string) {
		return c.config.ClientAuth, f.either("auth", "auth method")
	},
	"id_token_alg": func(f vendorFacts, c *client) (string, []string) {
		return c.row.Config.IDTokenSignedResponseAlg, []string{f["id_token_alg"]}
	},
	"id": func(f vendorFacts, c *client) (string, []string) {
		return f.mapped(c.config.Profile.ID, "map_id", "sub")
	},
	"name": func(f vendorFacts, c *client) (string, []string) {
		return f.mapped(c.config.Profile.Name, "map_name", "name|nickname|preferred_username")
	},
	"email": func(f vendorFacts, c *client) (string, []string) {
		return f.mapped(c.config.Profile.Email, "map_email", "email")
	},
	"image": func(f vendorFacts, c *client) (string, []string) {
		return f.mapped(c.config.Profile.Image, "map_image", "picture")
	},
	"display name": func(f vendorFacts, c *client) (string, []string) { return c.config.Name, []string{f["name"]} },
}

func withoutQuery(endpoint string) string {
	before, _, _ := strings.Cut(endpoint, "?")
	return before
}

// addresses are v4's endpoint and v5's; what is discovered isn't compared.
func (f vendorFacts) addresses(column, key string) []string {
	if f.isOIDC() {
		return []string{""}
	}
	values := f.either(column, key)
	for i := range values {
		if values[i] != "" {
			values[i] = f.fill(values[i])
		}
	}
	return values
}

// scopes: the engines' own default stands for none at plain OAuth 2 vendors, or
// v4's openid where they know it, and for openid, email and profile at OpenID
// Connect's.
func (f vendorFacts) scopes(c *client) (string, []string) {
	got := strings.Join(slices.Sorted(slices.Values(c.config.Scopes)), " ")
	if c.config.EmptyScope {
		got += "-"
	}
	var allowed []string
	for _, scope := range f.either("scope", "scope") {
		switch {
		case strings.Contains(scope, "on purpose"):
			scope = "-"
		case scope == "*" && !f.isOIDC():
			allowed = append(allowed, "openid")
			scope = ""
		case scope == "*", strings.Contains(scope, "engine default"):
			scope = "email openid profile"
		}
		scope = strings.Trim(scope, `"`)
		allowed = append(allowed, strings.Join(slices.Sorted(slices.Values(strings.Fields(scope))), " "))
	}
	return got, allowed
}

func (f vendorFacts) fillParams(text string) string {
	return strings.NewReplacer("{issuer}", vendorIssuer, "{clientId}", providertest.VendorClientID, "{tenantId}", "t-1").Replace(text)
}

func params(m map[string]string) string {
	var pairs []string
	for name, value := range m {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func sortedParams(text string) string {
	pairs := strings.Split(strings.Trim(strings.ReplaceAll(text, "&&", "&"), "&"), "&")
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// mapped are v4's and v5's paths, and the standard claim where v5 has no map.
func (f vendorFacts) mapped(got, column, standard string) (string, []string) {
	key := strings.TrimPrefix(column, "map_") + ":"
	allowed := []string{strings.Join(f.paths(column), "|")}
	if _, ok := f.v5(key); ok {
		allowed = append(allowed, strings.Join(f.paths5(column), "|"))
	}
	if strings.Contains(f["v5"], "default profile map") {
		allowed = append(allowed, standard)
	}
	for i := range allowed {
		allowed[i] = cmp.Or(allowed[i], profile.Off)
	}
	return got, allowed
}

func TestRowsAgreeWithTheFacts(t *testing.T) {
	t.Parallel()
	quirks := readQuirks(t)
	for id, f := range readVendors(t) {
		if rowless(f) {
			continue
		}
		_, c := loadRow(t, f, quirks[id], f.vendor(quirks[id]))
		known := maps.Clone(deviations[id])
		for aspect, compare := range aspects {
			got, allowed := compare(f, c)
			deviation, deviates := known[aspect]
			delete(known, aspect)
			switch agrees := slices.Contains(allowed, got); {
			case deviates && got != deviation:
				t.Errorf("%s: %s is %q, not %q", id, aspect, got, deviation)
			case deviates && agrees:
				t.Errorf("%s: %s %q is no deviation", id, aspect, got)
			case !deviates && !agrees:
				t.Errorf("%s\t%s\t%q\t%q", id, aspect, got, allowed)
			}
		}
		for aspect := range known {
			t.Errorf("%s: there is no aspect %s", id, aspect)
		}
	}
	for id := range deviations {
		if _, ok := lookUp(id); !ok {
			t.Errorf("there is no row %s", id)
		}
	}
}

// What NextAuth checks in one version or the other, we do. Where neither does, a
// row may leave it out, and says so when it is loaded.
func TestRowsLeaveOutOnlyChecksThatNobodyMakes(t *testing.T) {
	t.Parallel()
	quirks := readQuirks(t)
	for id, f := range readVendors(t) {
		if rowless(f) {
			continue
		}
		_, c := loadRow(t, f, quirks[id], f.vendor(quirks[id]))
		v5, _ := f.v5("checks")
		for _, check := range kindDefaults[c.kind].Checks {
			if !c.checks(check) && strings.Contains(f["checks"]+v5, check) {
				t.Errorf("%s leaves out %s, which NextAuth makes", id, check)
			}
		}
		if !c.checks(checkState) {
			t.Errorf("%s leaves out state", id)
		}
		logs := watch(c)
		c.warn()
		for _, check := range kindDefaults[c.kind].Checks {
			if said := strings.Contains(providertest.LogText(t, logs), `"check":"`+check+`"`); said == c.checks(check) {
				t.Errorf("%s: %s is made: %t, warned of: %t", id, check, c.checks(check), said)
			}
		}
	}
}

// What a row does beyond what is plain has a vendor that asks for it.
func TestRowsHaveNothingWithoutNeed(t *testing.T) {
	t.Parallel()
	quirks := readQuirks(t)
	for id, f := range readVendors(t) {
		if rowless(f) {
			continue
		}
		q := quirks[id]
		_, c := loadRow(t, f, q, f.vendor(q))
		headers := maps.Clone(q.UserinfoHeaders)
		if scheme, ok := strings.CutPrefix(q.TokenIn, "scheme:"); ok {
			headers = map[string]string{"Authorization": scheme + " {access_token}"}
		}
		for what, pair := range map[string][2]any{
			"an answer without token_type": {c.config.TokenTypeOptional, q.NoTokenType},
			"userinfo headers":             {params(expandedHeaders(c)), params(headers)},
			"userinfo method":              {cmp.Or(c.config.UserinfoMethod, "GET") == "POST" || c.config.UserinfoBody != "", q.UserinfoMethod == "POST"},
			"what is between scopes":       {c.config.ScopeSeparator, q.ScopeSeparator},
			"discovery parameters":         {params(c.row.values(c.config).fillMap(c.row.Config.DiscoveryParams)), params(q.DiscoveryQuery)},
			"the flag of an address":       {c.config.Profile.EmailVerified, q.VerifiedBy},
			"a signed userinfo answer":     {c.row.Config.UserinfoSignedResponseAlg, q.SignedUserinfo},
			"further audiences":            {len(c.row.Config.TrustedAudiences) > 0, q.Audiences != nil},
			"plain http":                   {c.config.InsecureHTTP, false},
			"what a browser may add":       {len(c.config.AllowParams), 0},
			"further hosts":                {len(c.row.Hosts) > 0, id == "netsuite"},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %s: %v, not %v", id, what, pair[0], pair[1])
			}
		}
	}
}

func expandedHeaders(c *client) map[string]string {
	headers := maps.Clone(c.config.UserinfoHeaders)
	for name, value := range headers {
		headers[name] = strings.ReplaceAll(value, "{client_id}", c.config.ClientID)
	}
	return headers
}

// Whoever has an issuer of its own lets in its own people, and knows their
// groups; at the others anyone can have an account.
func TestRowsKnowWhoTheirPeopleAre(t *testing.T) {
	t.Parallel()
	isOpen := map[string]bool{"battlenet": true, "mastodon": true, "azure-ad-b2c": false, "netsuite": false, "workos": false}
	quirks := readQuirks(t)
	for id, f := range readVendors(t) {
		if rowless(f) {
			continue
		}
		want, said := isOpen[id]
		if !said {
			want = !f.needsIssuer()
		}
		p, c := loadRow(t, f, quirks[id], f.vendor(quirks[id]))
		if got := p.Info().Public; got != want {
			t.Errorf("%s: open to anyone: %t", id, got)
		}
		groups := profile.Off
		if c.kind == kindOIDC && !want {
			groups = "groups"
		}
		if got := c.config.Profile.Groups; got != groups {
			t.Errorf("%s: groups come from %s", id, got)
		}
	}
}

// A secret stands in a URL at one vendor, which demands it.
func TestSecretsStandInNoURLWithoutNeed(t *testing.T) {
	t.Parallel()
	for _, name := range PresetNames() {
		row, _ := lookUp(name)
		if row.TokenByGET && (name != "wechat" || !strings.Contains(row.Note, "URL")) {
			t.Errorf("%s sends its secret in a URL", name)
		}
		for _, endpoint := range []string{row.defaults.AuthorizationEndpoint, row.defaults.TokenEndpoint, row.defaults.UserinfoEndpoint} {
			if endpoint != "" && !strings.HasPrefix(endpoint, "https://") && !strings.HasPrefix(endpoint, "{issuer}/") {
				t.Errorf("%s: %s is no https URL", name, endpoint)
			}
		}
	}
}
