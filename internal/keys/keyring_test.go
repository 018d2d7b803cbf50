package keys

import (
	"bytes"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// What was made for one purpose is worth nothing for another.
func TestPurposesShareNoKey(t *testing.T) {
	t.Parallel()
	const secret = "a secret of the unit tests, over 32 bytes"
	ring, err := newRing([]string{secret}, plainNames)
	if err != nil {
		t.Fatal(err)
	}
	for name, others := range map[string][]string{
		"claims":      {purposeTokens, purposeCredentials, purposeLinks},
		"credentials": {purposeTokens, purposeClaims, purposeLinks},
		"links":       {purposeTokens, purposeClaims, purposeCredentials},
	} {
		for _, purpose := range others {
			foreign, err := authjs.NewMACKeys(purpose, secret)
			if err != nil {
				t.Fatal(err)
			}
			derived, err := authjs.DeriveKeys(purpose, secret)
			if err != nil {
				t.Fatal(err)
			}
			verified, shared := false, false
			switch name {
			case "claims":
				verified, _ = ring.Claims.Verify(foreign.Sum("x"), "x")
			case "credentials":
				verified, _ = ring.Credentials.Verify(foreign.Sum("x"), "x")
			case "links":
				shared = bytes.Equal(ring.Links[0], derived[0])
			}
			if verified || shared {
				t.Errorf("%s have the key of %q", name, purpose)
			}
		}
	}
}
