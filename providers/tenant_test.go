package providers

import (
	"maps"
	"testing"

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
			mustFail(t, err, tc.want)
		})
	}
}

// RFC 9207 at a vendor with many tenants.
func TestTheCallbacksIssuerIsATenants(t *testing.T) {
	for iss, want := range map[string]bool{
		entra + tenant + "/v2.0":                 true,
		entra + "{tenantid}/v2.0":                false,
		"https://evil.example/" + tenant + "/v2": false,
		entra + "common/v2.0":                    false,
	} {
		if got := isIssuer(entra+"{tenantid}/v2.0", iss); got != want {
			t.Errorf("%s: %t", iss, got)
		}
	}
}

// F12: whoever runs a tenant writes its people's addresses.
func TestATenantsAddressIsNotVerifiedByItsOwnWord(t *testing.T) {
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
		if got := loadOIDC(t, base.with(tc.config)).Info().Public; got != tc.want {
			t.Errorf("%s: public is %t", name, got)
		}
	}
}
