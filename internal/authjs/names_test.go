package authjs_test

import (
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

var (
	plainNames  = authjs.NextAuth.Names(false)
	secureNames = authjs.NextAuth.Names(true)

	plainV5  = authjs.AuthJS.Names(false)
	secureV5 = authjs.AuthJS.Names(true)
)

func TestNamesAreThoseOfNextAuth(t *testing.T) {
	t.Parallel()
	cases := []struct {
		names *authjs.Names
		want  [4]string
	}{
		{plainNames, [4]string{"next-auth.session-token", "next-auth.csrf-token", "next-auth.callback-url", "next-auth.state"}},
		{secureNames, [4]string{"__Secure-next-auth.session-token", "__Host-next-auth.csrf-token", "__Secure-next-auth.callback-url", "__Secure-next-auth.state"}},
		{plainV5, [4]string{"authjs.session-token", "authjs.csrf-token", "authjs.callback-url", "authjs.state"}},
		{secureV5, [4]string{"__Secure-authjs.session-token", "__Host-authjs.csrf-token", "__Secure-authjs.callback-url", "__Secure-authjs.state"}},
	}
	for _, c := range cases {
		got := [4]string{c.names.Session, c.names.CSRF, c.names.CallbackURL, c.names.State}
		if got != c.want {
			t.Errorf("secure=%v: %v, want %v", c.names.Secure, got, c.want)
		}
	}
}

func TestPendingNameIsTheStatesHash(t *testing.T) {
	t.Parallel()
	// SHA-256("hn-9") begins with these four bytes, by sha256sum.
	if got, want := secureNames.Pending("hn-9"), "__Secure-next-auth.state.ad8e904f"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if secureNames.Pending("a") == secureNames.Pending("b") {
		t.Error("two states share a name")
	}
}

// ownCases says which cookie names are ours.
var ownCases = map[string]bool{
	"next-auth.session-token":              true,
	"__Secure-next-auth.session-token":     true,
	"__Host-next-auth.session-token":       true,
	"next-auth.session-token.0":            true,
	"__Secure-next-auth.session-token.15":  true,
	"next-auth.session-token.99":           true,
	"next-auth.session-token.x":            true,
	"next-auth.csrf-token":                 true,
	"__Host-next-auth.csrf-token":          true,
	"__Secure-next-auth.callback-url":      true,
	"next-auth.callback-url":               true,
	"next-auth.state":                      true,
	"next-auth.state.0123abcd":             true,
	"__Secure-next-auth.state.0123abcd":    true,
	"":                                     false,
	"next-auth":                            false,
	"next-auth.":                           false,
	"next-auth.session-token-x":            false,
	"next-auth.session-tokens":             false,
	"next-auth.csrf-token.0":               false,
	"next-auth.callback-url.0":             false,
	"next-auth.states":                     false,
	"Next-Auth.session-token":              false,
	"xnext-auth.session-token":             false,
	"__Secure-__Host-next-auth.csrf-token": false,
	"authjs.session-token":                 true,
	"__Secure-authjs.session-token.1":      true,
	"__Host-authjs.csrf-token":             true,
	"authjs.callback-url":                  true,
	"__Secure-authjs.state.0123abcd":       true,
	"authjs":                               false,
	"authjs.session-token-x":               false,
	"authjs.csrf-token.0":                  false,
	"authjsx.session-token":                false,
	"session-token":                        false,
}

func TestOwnKnowsOurCookiesAndNoOthers(t *testing.T) {
	t.Parallel()
	for name, want := range ownCases {
		if got := authjs.Own(name); got != want {
			t.Errorf("Own(%q) = %v", name, got)
		}
	}
	for _, names := range []*authjs.Names{plainNames, secureNames, plainV5, secureV5} {
		if !authjs.Own(names.Pending("a")) {
			t.Errorf("%q isn't ours", names.Pending("a"))
		}
	}
}
