package oauth

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// vendor makes the fake of a row from the facts.
func (f vendorFacts) vendor(q quirk) *providertest.Vendor {
	last := func(values []string) string { return f.fill(values[len(values)-1]) }
	auth := f.either("auth", "auth method")
	v := &providertest.Vendor{
		Token:    cmp.Or(q.Token, last(f.either("token", "token"))),
		Userinfo: cmp.Or(q.Userinfo, last(f.either("userinfo", "userinfo"))),
		Emails:   q.Emails, Auth: cmp.Or(q.Auth, strings.Fields(auth[len(auth)-1])[0]),
		DiscoveryQuery: q.DiscoveryQuery, TokenQuery: f.query("token_params", q.TokenQuery), UserinfoQuery: f.query("userinfo_params", q.UserinfoQuery),
		UserinfoHeaders: q.UserinfoHeaders, UserinfoJSON: q.UserinfoJSON, SignedUserinfo: q.SignedUserinfo,
		ClientIDName: cmp.Or(q.ClientIDName, "client_id"), SecretName: cmp.Or(q.ClientSecretName, "client_secret"), Code: cmp.Or(q.CodeName, "code"),
		GrantType: cmp.Or(q.GrantType, "authorization_code"), TokenMethod: cmp.Or(q.TokenMethod, "POST"), UserinfoMethod: cmp.Or(q.UserinfoMethod, "GET"),
		TokenIn: cmp.Or(q.TokenIn, "header"), NoTokenType: q.NoTokenType, NoNonce: q.NoNonce, TokenAnswer: q.TokenAnswer,
		Profile: q.Profile, IDTokenOnly: q.IDTokenOnly, Audiences: q.Audiences, Alg: cmp.Or(f["id_token_alg"], "RS256"),
	}
	if f.isOIDC() {
		f.discoverable(v, q)
	}
	if v.Profile == nil {
		v.Profile = f.profile()
	}
	if q.SignedSecret != nil {
		v.SignedSecret = func(secret string) error { return checkSignedSecret(secret, q.SignedSecret) }
	}
	return v
}

func (f vendorFacts) isOIDC() bool {
	kind, ok := f.v5("kind")
	return f["kind"] == "oidc" || ok && kind == "oidc"
}

func (f vendorFacts) discoverable(v *providertest.Vendor, q quirk) {
	known, _, _ := strings.Cut(f["discovery"], "?")
	v.Discovery = cmp.Or(q.Discovery, f.fill(known))
	if !strings.HasSuffix(v.Discovery, "openid-configuration") {
		v.Discovery = strings.TrimSuffix(v.Discovery, "/") + "/.well-known/openid-configuration"
	}
	v.Issuer = cmp.Or(q.Issuer, vendorIssuer)
	if !f.needsIssuer() && q.Issuer == "" {
		v.Issuer = strings.TrimSuffix(v.Discovery, "/.well-known/openid-configuration")
	}
	v.TokenIssuer = cmp.Or(q.TokenIssuer, v.Issuer)
	v.Token, v.Userinfo = "https://login.vendor.example/token", "https://login.vendor.example/me"
}

// query is what a column of parameters and the quirks say.
func (f vendorFacts) query(column string, more map[string]string) map[string]string {
	want := make(map[string]string)
	if f.isOIDC() || more != nil && column == "token_params" || f["kind"] == "oauth1" {
		return more
	}
	for pair := range strings.SplitSeq(f[column], "&") {
		if name, value, ok := strings.Cut(pair, "="); ok && !strings.Contains(value, "{") {
			want[name] = value
		}
	}
	maps.Copy(want, more)
	return want
}

// profile is a person whose parts stand where the facts say.
func (f vendorFacts) profile() map[string]any {
	profile := make(map[string]any)
	for column, value := range map[string]any{
		"map_id": "id-1", "map_name": "Ada Example", "map_email": "ada@example.com", "map_image": "https://img.example/ada.png",
	} {
		paths := slices.Concat(f.paths(column), f.paths5(column))
		if f.isOIDC() {
			paths = append(paths, map[string]string{"map_id": "sub", "map_name": "name", "map_email": "email", "map_image": "picture"}[column])
		}
		for _, alternative := range paths {
			parts := strings.Split(alternative, "+")
			for i, part := range parts {
				put(profile, strings.Split(part, "."), value)
				if len(parts) > 1 {
					put(profile, strings.Split(part, "."), []string{"Ada", "Example", "Example"}[i])
				}
			}
		}
	}
	if f.isOIDC() {
		profile["email_verified"] = true
	}
	return profile
}

func put(into map[string]any, path []string, value any) {
	if len(path) > 1 && path[1] == "0" {
		if len(path) == 2 {
			into[path[0]] = []any{value}
			return
		}
		inner, _ := into[path[0]].([]any)
		if inner == nil {
			inner = []any{map[string]any{}}
			into[path[0]] = inner
		}
		put(inner[0].(map[string]any), path[2:], value)
		return
	}
	if len(path) == 1 {
		into[path[0]] = value
		return
	}
	inner, ok := into[path[0]].(map[string]any)
	if !ok {
		inner = make(map[string]any)
		into[path[0]] = inner
	}
	put(inner, path[1:], value)
}

// paths reads the facts' notation: alternatives of paths, parts joined by +.
func (f vendorFacts) paths(column string) []string { return notation(f[column]) }

func (f vendorFacts) paths5(column string) []string {
	v5, _ := f.v5(strings.TrimPrefix(column, "map_") + ":")
	return notation(v5)
}

func notation(s string) []string {
	s = regexp.MustCompile(` \(blanks dropped\)`).ReplaceAllString(s, "")
	s = strings.NewReplacer(` + " " + `, "+", "[0]", ".0", " | ", "|", "|null", "", "|random UUID", "").Replace(s)
	if s == "sub|id" { // Auth.js' standard map, whose last resort is a random id
		s = "sub"
	}
	if s == "" || s == "null" || strings.ContainsAny(s, " ()[{~") {
		return nil
	}
	return strings.Split(s, "|")
}

// checkSignedSecret is what Apple documents of its client secrets.
func checkSignedSecret(secret string, want map[string]string) error {
	jws, err := jose.ParseSignedCompact(secret, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return fmt.Errorf("the client secret: %w", err)
	}
	key, err := parsePrivateKey(testKey("EC"))
	if err != nil {
		return err
	}
	payload, err := jws.Verify(key.Public())
	if err != nil {
		return fmt.Errorf("the client secret: %w", err)
	}
	var claims struct {
		Iss, Sub, Aud string
		Iat, Exp      int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return fmt.Errorf("the client secret: %w", err)
	}
	if claims.Iss != want["iss"] || claims.Aud != want["aud"] || claims.Sub != providertest.VendorClientID ||
		jws.Signatures[0].Header.KeyID != "KEY1234567" || claims.Exp <= claims.Iat || claims.Exp-claims.Iat > 15777000 {
		return fmt.Errorf("the client secret has the claims %s", payload)
	}
	return nil
}

// want is the person that the row must find.
func (f vendorFacts) want(q quirk) providers.Account {
	text := func(key, standard string) string {
		if value, ok := q.Want[key].(string); ok {
			return value
		}
		return standard
	}
	has := func(column, value string) string {
		standard := f.isOIDC() && strings.Contains(f["v5"], "default profile map")
		if len(f.paths(column)) == 0 && len(f.paths5(column)) == 0 && !standard {
			return ""
		}
		return value
	}
	account := providers.Account{
		ID: text("id", "id-1"), Name: text("name", has("map_name", "Ada Example")),
		Email: text("email", has("map_email", "ada@example.com")), Image: text("image", has("map_image", "https://img.example/ada.png")),
	}
	account.EmailVerified = f.isOIDC() && q.Profile == nil && account.Email != ""
	if verified, ok := q.Want["verified"].(bool); ok {
		account.EmailVerified = verified
	}
	return account
}

// Every row signs a person in at a fake of its vendor, which knows what the
// facts say and nothing of the table.
func TestEveryRowSignsIn(t *testing.T) {
	quirks := readQuirks(t)
	for id, f := range readVendors(t) {
		if rowless(f) {
			continue
		}
		t.Run(id, func(t *testing.T) {
			q := quirks[id]
			v := f.vendor(q)
			p, _ := loadRow(t, f, q, v)
			flow := newFlow()
			flow.RedirectURI = "https://app.example.com/api/auth/callback/" + id
			target, err := p.Begin(t.Context(), flow, nil)
			if err != nil {
				t.Fatal(err, v.Refusals())
			}
			answer, err := v.Approve(target)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range q.Callback {
				answer.Set(name, value)
			}
			account, err := p.Finish(t.Context(), flow, answer)
			if err != nil {
				t.Fatal(err, v.Refusals())
			}
			if account.Tokens == nil || account.Tokens.Access == "" {
				t.Error("the access token is lost")
			}
			account.Groups, account.Tokens, account.OtherEmails, account.Incomplete = nil, nil, nil, nil
			if want := f.want(q); fmt.Sprintf("%+v", account) != fmt.Sprintf("%+v", want) {
				t.Errorf("got  %+v\nwant %+v", account, want)
			}
			if v.Request.Get("state") != flow.State || len(v.Request.Get("state")) < 22 {
				t.Error("no state")
			}
			if v.Request.Get("response_type") != cmp.Or(q.ResponseType, "code") {
				t.Errorf("response_type is %q", v.Request.Get("response_type"))
			}
			for name, value := range q.AuthorizeQuery {
				if v.Request.Get(name) != value {
					t.Errorf("%s is %q", name, v.Request.Get(name))
				}
			}
		})
	}
}
