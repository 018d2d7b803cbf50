package issuer

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// An issuer on the internet can't have us call this machine's own services.
func TestAnHTTPSIssuerHasNoLoopbackEndpoints(t *testing.T) {
	t.Parallel()
	document := func(id string) []byte {
		body, err := json.Marshal(Metadata{
			Issuer: id, AuthorizationEndpoint: "https://op.example/a", JWKSURI: "https://op.example/j",
			TokenEndpoint: "http://127.0.0.1:6379/",
		})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	_, err := (&Issuer{id: "https://op.example"}).read(document("https://op.example"))
	providertest.MustFail(t, err, "token_endpoint")
	for name, trusted := range map[string]*Issuer{
		"an issuer on this machine": {id: "http://127.0.0.1:4000"},
		"insecure_http":             {id: "https://op.example", insecure: true},
	} {
		if _, err := trusted.read(document(trusted.id)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Which issuer it should be is what the operator wants to know.
func TestADocumentOfAnotherIssuerIsNamed(t *testing.T) {
	t.Parallel()
	for named, want := range map[string]string{
		"https://other.example\n":             `set issuer to https://other.example\n if that is yours`,
		"https://login.example/{tenantid}/v2": "issuer_template to https://login.example/{tenantid}/v2",
		"https://op.example/":                 "set issuer to exactly that",
		"":                                    "names another issuer",
	} {
		document, err := json.Marshal(map[string]string{"issuer": named})
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&Issuer{id: "https://op.example"}).read(document)
		providertest.MustFail(t, err, want)
	}
}

// Some providers write their only algorithm without brackets.
func TestAlgorithmsMayBeOneText(t *testing.T) {
	t.Parallel()
	const document = `{"issuer":"https://op.example","authorization_endpoint":"https://op.example/a","token_endpoint":"https://op.example/t","jwks_uri":"https://op.example/j","id_token_signing_alg_values_supported":%s}`
	for written, want := range map[string][]string{
		`"ES256"`: {"ES256"}, `["ES256","RS256"]`: {"ES256", "RS256"}, `[]`: {}, `null`: nil,
	} {
		m, err := (&Issuer{id: "https://op.example"}).read(fmt.Appendf(nil, document, written))
		if err != nil || !slices.Equal(m.IDTokenAlgs, want) {
			t.Errorf("%s: %q, %v", written, m.IDTokenAlgs, err)
		}
	}
	for _, written := range []string{`7`, `{}`, `[7]`} {
		if _, err := (&Issuer{id: "https://op.example"}).read(fmt.Appendf(nil, document, written)); err == nil {
			t.Errorf("%s was read", written)
		}
	}
}
