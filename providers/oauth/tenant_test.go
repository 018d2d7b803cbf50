package oauth

import (
	"maps"
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/profile"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

const (
	tenant      = "9188040d-6c67-4c5b-b112-36a304b66dad"
	otherTenant = "775527ff-9a37-4307-8b3d-cc311f58d925"
	entra       = "https://login.microsoftonline.com/"
)

// The issuer of an ID token is that of its own tenant, and of this vendor.
func TestTokensOfManyTenants(t *testing.T) {
	facts, quirks := readVendors(t)["azure-ad"], readQuirks(t)["azure-ad"]
	for name, tc := range map[string]struct {
		document, iss string
		tid           any
		want          string
	}{
		"its own tenant":                 {entra + "{tenantid}/v2.0", entra + tenant + "/v2.0", tenant, ""},
		"a document of one tenant":       {entra + tenant + "/v2.0", entra + tenant + "/v2.0", tenant, ""},
		"another tenant's issuer":        {entra + "{tenantid}/v2.0", entra + otherTenant + "/v2.0", tenant, "not its tenant's"},
		"another tenant than the one's":  {entra + tenant + "/v2.0", entra + otherTenant + "/v2.0", otherTenant, "iss is not the issuer"},
		"no tenant":                      {entra + "{tenantid}/v2.0", entra + tenant + "/v2.0", nil, "tid is not the id of a tenant"},
		"a tenant that is a path":        {entra + "{tenantid}/v2.0", entra + "../evil/v2.0", "../evil", "tid is not the id of a tenant"},
		"the template itself":            {entra + "{tenantid}/v2.0", entra + "{tenantid}/v2.0", "{tenantid}", "tid is not the id of a tenant"},
		"another vendor's token":         {entra + "{tenantid}/v2.0", "https://evil.example/" + tenant + "/v2.0", tenant, "not its tenant's"},
		"another vendor's document":      {"https://evil.example/{tenantid}/v2.0", entra + tenant + "/v2.0", tenant, "names another issuer"},
		"a document of more than tenant": {entra + "a/b/v2.0", entra + "a/b/v2.0", tenant, "names another issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			v := facts.vendor(quirks)
			v.Issuer, v.TokenIssuer = tc.document, tc.iss
			v.Profile = maps.Clone(v.Profile)
			if v.Profile["tid"] = tc.tid; tc.tid == nil {
				delete(v.Profile, "tid")
			}
			p, _ := loadRow(t, facts, quirks, v)
			target, err := p.Begin(t.Context(), newFlow(), nil)
			if err == nil {
				answer, approveErr := v.Approve(target)
				if approveErr != nil {
					t.Fatal(approveErr)
				}
				_, err = p.Finish(t.Context(), newFlow(), answer)
			}
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			providertest.MustFail(t, err, tc.want)
		})
	}
}

// RFC 9207 at a vendor with many tenants.
func TestTheCallbacksIssuerIsATenants(t *testing.T) {
	t.Parallel()
	for iss, want := range map[string]bool{
		entra + tenant + "/v2.0":                 true,
		entra + "{tenantid}/v2.0":                false,
		"https://evil.example/" + tenant + "/v2": false,
		entra + "common/v2.0":                    false,
	} {
		if got := issuer.Matches(entra+"{tenantid}/v2.0", iss); got != want {
			t.Errorf("%s: %t", iss, got)
		}
	}
}

// Whoever runs a tenant writes its people's addresses.
func TestATenantsAddressIsNotVerifiedByItsOwnWord(t *testing.T) {
	t.Parallel()
	facts, quirks := readVendors(t)["azure-ad"], readQuirks(t)["azure-ad"]
	for claim, want := range map[string]bool{"email_verified": false, "xms_edov": true} {
		v := facts.vendor(quirks)
		v.Profile = maps.Clone(v.Profile)
		v.Profile[claim] = true
		p, _ := loadRow(t, facts, quirks, v)
		target, err := p.Begin(t.Context(), newFlow(), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := v.Approve(target)
		if err != nil {
			t.Fatal(err)
		}
		account, err := p.Finish(t.Context(), newFlow(), answer)
		if err != nil || account.EmailVerified != want {
			t.Errorf("%s: verified %t, %v", claim, account.EmailVerified, err)
		}
	}
}

// Who can come in depends on the tenant.
func TestATenantIsPublicOrNot(t *testing.T) {
	base := config{"client_id": providertest.VendorClientID, "client_secret": providertest.VendorClientSecret}
	for name, tc := range map[string]struct {
		config config
		want   bool
	}{
		"every tenant":              {config{"preset": "azure-ad"}, true},
		"organizations":             {config{"preset": "azure-ad", "options": config{"tenant_id": "organizations"}}, true},
		"one tenant":                {config{"preset": "azure-ad", "options": config{"tenant_id": tenant}}, false},
		"every tenant, as in v5":    {config{"preset": "microsoft-entra-id", "issuer": entra + "common/v2.0"}, true},
		"one tenant, as in v5":      {config{"preset": "microsoft-entra-id", "issuer": entra + tenant + "/v2.0"}, false},
		"a tenant in a placeholder": {config{"preset": "azure-ad", "options": config{"tenant_id": "{env.TEST_TENANT}"}}, true},
	} {
		t.Setenv("TEST_TENANT", "consumers")
		if got := loadOIDC(t, base.With(tc.config)).Info().Public; got != tc.want {
			t.Errorf("%s: public is %t", name, got)
		}
	}
}

// An issuer that is written in full says what the options say.
func TestAnIssuerInFullIsReadAsOptions(t *testing.T) {
	t.Parallel()
	const b2c = "https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_signin/v2.0"
	base := config{"client_id": providertest.VendorClientID, "client_secret": providertest.VendorClientSecret}
	for name, tc := range map[string]struct{ Issuer, options config }{
		"a tenant": {
			config{"preset": "azure-ad", "issuer": entra + tenant + "/v2.0"},
			config{"preset": "azure-ad", "options": config{"tenant_id": tenant}},
		},
		"a slash more": {
			config{"preset": "microsoft-entra-id", "issuer": entra + "common/v2.0/"},
			config{"preset": "microsoft-entra-id"},
		},
		"a user flow": {
			config{"preset": "azure-ad-b2c", "issuer": b2c},
			config{"preset": "azure-ad-b2c", "options": config{"tenant_id": "contoso", "primary_user_flow": "B2C_1_signin"}},
		},
		"both": {
			config{"preset": "azure-ad-b2c", "issuer": b2c, "options": config{"tenant_id": "contoso"}},
			config{"preset": "azure-ad-b2c", "options": config{"tenant_id": "contoso", "primary_user_flow": "B2C_1_signin"}},
		},
	} {
		got, want := loadOIDC(t, base.With(tc.Issuer)), loadOIDC(t, base.With(tc.options))
		if got.issuer != want.issuer || got.client.config.Issuer != want.client.config.Issuer || got.Info().Public != want.Info().Public ||
			got.client.config.ClientAssertionAudience != want.client.config.ClientAssertionAudience {
			t.Errorf("%s: %+v, not %+v", name, got.client.config, want.client.config)
		}
	}
}

// One that isn't of the row's form stands for itself.
func TestOtherIssuersAreNotReadAsOptions(t *testing.T) {
	t.Parallel()
	for preset, issuers := range map[string][]string{
		"azure-ad": {
			"", "{env.ISSUER}", "https://login.microsoftonline.us/" + tenant + "/v2.0", entra + "a/b/v2.0", entra + "/v2.0",
			entra + ".../v2.0", "https://evil.example/?" + entra + tenant + "/v2.0", entra + tenant + "/v2.0//",
		},
		"azure-ad-b2c": {"https://contoso.b2clogin.com/fabrikam.onmicrosoft.com/B2C_1_signin/v2.0"},
		"google":       {"https://accounts.google.com"},
	} {
		row, _ := lookUp(preset)
		for _, written := range issuers {
			if got := row.readIssuer(written); got != nil {
				t.Errorf("%s: %s is read as %v", preset, written, got)
			}
		}
	}
}

// The assertion of private_key_jwt is for the tenant's own token endpoint there.
func TestAssertionsAreForTheirTenant(t *testing.T) {
	t.Parallel()
	base := config{"preset": "azure-ad", "client_id": "c", "client_auth": "private_key_jwt", "private_key": testKey("RSA")}
	for name, tc := range map[string]struct {
		config config
		want   string
	}{
		"every tenant":        {nil, entra + "common/oauth2/v2.0/token"},
		"one tenant":          {config{"options": config{"tenant_id": tenant}}, entra + tenant + "/oauth2/v2.0/token"},
		"one tenant's issuer": {config{"issuer": entra + tenant + "/v2.0"}, entra + tenant + "/oauth2/v2.0/token"},
		"another cloud": {
			config{"issuer": "https://login.microsoftonline.us/" + tenant + "/v2.0"},
			"https://login.microsoftonline.us/" + tenant + "/v2.0",
		},
		"as written": {config{"issuer": entra + tenant + "/v2.0", "client_assertion_audience": "aud"}, "aud"},
	} {
		form := url.Values{}
		p := loadOIDC(t, base.With(tc.config))
		if err := (clientAuth{&p.client.registration}).authenticate(nil, form, "https://token.example"); err != nil {
			t.Fatal(err)
		}
		jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := profile.ParseClaims(jws.UnsafePayloadWithoutVerification()); err != nil || got["aud"] != tc.want {
			t.Errorf("%s: aud is %v, not %s: %v", name, got["aud"], tc.want, err)
		}
	}
}
