package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

func TestTokensOfAProviderAreSealed(t *testing.T) {
	t.Parallel()
	const one, two = firstSecret, secondSecret
	ring := func(d authjs.Dialect, secrets ...string) *keys.Ring {
		keys, err := secretOf(t, d.Names(false), secrets...).Ring(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	now := time.Unix(1_800_000_000, 0)
	alice := sessionstore.AccountKey{Provider: "corp", ID: "alice"}
	tokens := &providers.Tokens{Access: "access-1", Refresh: "refresh-1", ID: "id-1", Expires: now.Add(time.Hour)}
	sealed, err := SealTokens(ring(authjs.NextAuth, one), alice, tokens)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), tokens.Access) {
		t.Errorf("the sealed form is %s", sealed)
	}
	for name, test := range map[string]struct {
		keys  *keys.Ring
		key   sessionstore.AccountKey
		after time.Duration
		want  string
	}{
		"by the same key":              {ring(authjs.NextAuth, one), alice, 0, "access-1"},
		"until it expires":             {ring(authjs.NextAuth, one), alice, time.Hour - time.Second, "access-1"},
		"once it has expired":          {ring(authjs.NextAuth, one), alice, time.Hour, ""},
		"by an older key":              {ring(authjs.NextAuth, two, one), alice, 0, "access-1"},
		"in the other dialect":         {ring(authjs.AuthJS, one), alice, 0, "access-1"},
		"by a key that is not its own": {ring(authjs.NextAuth, two), alice, 0, ""},
		"in another account's place":   {ring(authjs.NextAuth, one), sessionstore.AccountKey{Provider: "corp", ID: "bob"}, 0, ""},
		"in another provider's place":  {ring(authjs.NextAuth, one), sessionstore.AccountKey{Provider: "other", ID: "alice"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := sessionstore.SealedTokens{AccountKey: test.key, Tokens: sealed}
			if got := openAccessToken(test.keys, found, now.Add(test.after)); got != test.want {
				t.Errorf("the access token is %q, want %q", got, test.want)
			}
		})
	}
	tokens.Access = strings.Repeat("x", 64<<10)
	if _, err := SealTokens(ring(authjs.NextAuth, one), alice, tokens); !errors.Is(err, ErrTokensTooLong) {
		t.Errorf("sealing what can't be opened again: %v", err)
	}
}
