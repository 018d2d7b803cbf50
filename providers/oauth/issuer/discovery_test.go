package issuer

import (
	"encoding/json"
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
