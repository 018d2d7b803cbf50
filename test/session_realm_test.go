package test

import (
	"net/http"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// Requirement E6, where nothing but the realm's name in the token tells: people of a
// provider have no password that a session is bound to.
func TestASessionOfAnotherRealmUnderTheSameSecret(t *testing.T) {
	g := start(t, corpSite(providertest.New(t), ""))
	for realm, want := range map[string]int{
		g.origin: http.StatusOK, "https://other.example": http.StatusUnauthorized, g.origin + "/": http.StatusUnauthorized, "": http.StatusUnauthorized,
	} {
		claims := g.claimsOf()
		claims.Realm, claims.Provider, claims.Subject = realm, "corp", "alice-1"
		claims.Login = ""
		if got := g.browser().withToken(seal(t, secret, claims)).get("/app/"); got.status != want {
			t.Errorf("a gate answers a session of the realm %q with %d, want %d", realm, got.status, want)
		}
	}
}
