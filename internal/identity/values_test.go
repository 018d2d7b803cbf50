package identity

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

func TestIdentityHeadersTakeEveryPlaceholder(t *testing.T) {
	t.Parallel()
	names := []string{"user.claims", "user.claims.org.id"}
	for name := range userValues {
		names = append(names, "user."+name)
	}
	for name := range sessionValues {
		names = append(names, "session."+name)
	}
	for _, name := range names {
		if err := checkPlaceholders("Bearer {http.auth." + name + "}"); err != nil {
			t.Error(err)
		}
		unknown := strings.Replace(name, ".", ".x", 1)
		if err := checkPlaceholders("{http.auth." + unknown + "}"); err == nil {
			t.Errorf("{http.auth.%s} is taken", unknown)
		}
	}
}

// What proves a session to the gateway alone is in no placeholder.
func TestNoPlaceholderTellsWhatProvesASession(t *testing.T) {
	t.Parallel()
	keys, err := authjs.NewMACKeys("session claims", "a secret of the unit tests, over 32 bytes")
	if err != nil {
		t.Fatal(err)
	}
	s := &session.Session{Claims: authjs.Claims{Subject: "alice", SID: "0123456789abcdef", Credential: "made by a key from the password"}}
	s.Claims.Sign(keys)
	if Claim(s, "sub") != "alice" {
		t.Fatal("the claims can't be read")
	}
	for _, path := range []string{"mac", "cred"} {
		if value := Claim(s, path); value != nil {
			t.Errorf("the placeholder of the claim %s is %v", path, value)
		}
	}
}
