package test

import (
	"net/url"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// Requirement E6: each of the sealed cookies opens by a key of its own, and by none
// of the others'.
func TestEachSealedCookieHasAKeyOfItsOwn(t *testing.T) {
	g := start(t, corpSite(providertest.New(t), "{$USERS}"))
	b := g.browser().signIn("alice")
	b.begin("/")
	b.post("/api/auth/callback/credentials", b.form("username", "alice", "password", "wrong"))
	cookies := map[string]string{plain.Session: b.token(), plain.State: b.cookie(b.pending()[0]), plain.Flash(): b.cookie(plain.Flash())}
	for key := range cookies {
		ring := keyringOf(t, key)
		for cookie, sent := range cookies {
			value, err := url.QueryUnescape(sent)
			if err != nil || value == "" {
				t.Fatalf("the cookie %s is %q: %v", cookie, sent, err)
			}
			if _, _, err := ring.Open(value); (err == nil) != (cookie == key) {
				t.Errorf("the cookie %s under the key of %s: %v", cookie, key, err)
			}
		}
	}
}

func keyringOf(t *testing.T, cookie string) *authjs.Keyring {
	t.Helper()
	ring, err := plain.Keyring(cookie, secret)
	if cookie == plain.Session {
		ring, err = plain.SessionKeyring(secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ring
}
