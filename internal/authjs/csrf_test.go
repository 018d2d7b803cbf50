package authjs_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

const (
	secretA = "correct horse battery staple 0123456789"
	secretB = "another secret that has enough letters in it"
)

func newCSRF(t testing.TB, secrets ...string) *authjs.CSRF {
	t.Helper()
	c, err := authjs.NewCSRF(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pair returns the cookie value of a token, by the definition.
func pair(token, secret string) string {
	sum := sha256.Sum256([]byte(token + secret))
	return token + "|" + hex.EncodeToString(sum[:])
}

func TestNewCSRFTokensAreFreshAndVerify(t *testing.T) {
	t.Parallel()
	c := newCSRF(t, secretA, secretB)
	token, cookie := c.New()
	if cookie != pair(token, secretA) {
		t.Errorf("cookie %s isn't the token and its hash with the first secret", cookie)
	}
	if got, ok := c.Verify(cookie); !ok || got != token {
		t.Errorf("Verify gives %q, %v", got, ok)
	}
	if again, _ := c.New(); again == token || len(again) != 64 {
		t.Errorf("the next token is %q", again)
	}
}

func TestOnlyPairsMadeWithASecretVerify(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("0123456789abcdef", 4)
	good := pair(token, secretA)
	cases := map[string]struct {
		cookie string
		want   bool
	}{
		"good":                       {good, true},
		"with the second secret":     {pair(token, secretB), true},
		"text after a second bar":    {good + "|x", true},
		"a second bar only":          {good + "|", true},
		"empty":                      {"", false},
		"token alone":                {token, false},
		"token and bar":              {token + "|", false},
		"self-made":                  {pair(token, ""), false},
		"with a third secret":        {pair(token, "x"), false},
		"another token's hash":       {strings.Replace(good, "0", "1", 1), false},
		"hash in upper case":         {token + "|" + strings.ToUpper(good[65:]), false},
		"token in upper case":        {pair(strings.ToUpper(token), secretA), false},
		"token that isn't hex":       {pair(strings.Repeat("g", 64), secretA), false},
		"token too short":            {pair(token[1:], secretA), false},
		"token too long":             {pair(token+"0", secretA), false},
		"hash cut":                   {good[:128], false},
		"more after the hash":        {good + "x", false},
		"a colon for the bar":        {strings.Replace(good, "|", ":", 1), false},
		"the hash of the other half": {good[65:] + "|" + token, false},
	}
	c := newCSRF(t, secretA, secretB)
	for name, tc := range cases {
		got, ok := c.Verify(tc.cookie)
		if ok != tc.want || (ok && got != token) || (!ok && got != "") {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

func TestAPostNeedsTheCookiesOwnToken(t *testing.T) {
	t.Parallel()
	c := newCSRF(t, secretA)
	token, cookie := c.New()
	other, otherCookie := c.New()
	cases := []struct {
		cookie, field string
		want          bool
	}{
		{cookie, token, true},
		{cookie, other, false},
		{otherCookie, token, false},
		{cookie, "", false},
		{"", token, false},
		{"", "", false},
		{cookie, cookie, false},
		{pair(token, ""), token, false},
	}
	for _, tc := range cases {
		if got := c.VerifyPost(tc.cookie, tc.field); got != tc.want {
			t.Errorf("cookie %q with field %q: %v", tc.cookie, tc.field, got)
		}
	}
}

func TestNoSecretIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := authjs.NewCSRF(); err == nil {
		t.Error("CSRF without a secret")
	}
	if _, err := plainNames.SessionKeyring(); err == nil {
		t.Error("keyring without a secret")
	}
}

func FuzzVerifyTakesOnlyRealPairs(f *testing.F) {
	c := newCSRF(f, secretA)
	token := strings.Repeat("0123456789abcdef", 4)
	f.Add(pair(token, secretA))
	f.Add(pair(token, secretA) + "|x")
	f.Add(token + "|" + token)
	f.Fuzz(func(t *testing.T, cookie string) {
		fields := strings.Split(cookie, "|")
		want := len(fields) >= 2 && pair(fields[0], secretA) == fields[0]+"|"+fields[1] &&
			len(fields[0]) == 64 && strings.Trim(fields[0], "0123456789abcdef") == ""
		if _, ok := c.Verify(cookie); ok != want {
			t.Errorf("%q: %v, want %v", cookie, ok, want)
		}
	})
}
