package redirect_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
)

func TestLocationHoldsOnlyWhatAHeaderMay(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		app + "/dash?x=%2F#y":   app + "/dash?x=%2F#y",
		app + "/Zoë":            app + "/Zo%C3%AB",
		app + "/a b":            app + "/a%20b",
		"/x\r\nSet-Cookie: a=b": "/x%0D%0ASet-Cookie:%20a=b",
		"/\x00\x7f\xff":         "/%00%7F%FF",
		`/"<>\`:                 "/%22%3C%3E%5C",
		"/!$&'()*+,;=:@-._~[]|": "/!$&'()*+,;=:@-._~[]|",
		"":                      "",
	}
	for target, want := range cases {
		if got := redirect.Location(target); got != want {
			t.Errorf("%q: %s, want %s", target, got, want)
		}
	}
}

func TestAddQueryEncodesLikeTheClient(t *testing.T) {
	t.Parallel()
	cases := []struct {
		base  string
		pairs []string
		want  string
	}{
		{"/login", []string{"callbackUrl", "http://localhost:3000/dash"}, "/login?callbackUrl=http%3A%2F%2Flocalhost%3A3000%2Fdash"},
		{"/login", []string{"callbackUrl", app, "error", "OAuthCallback"}, "/login?callbackUrl=https%3A%2F%2Fapp.example.com&error=OAuthCallback"},
		{"/login", []string{"callbackUrl", app, "error", ""}, "/login?callbackUrl=https%3A%2F%2Fapp.example.com"},
		{"/login", nil, "/login"},
		{"/login", []string{"odd"}, "/login"},
		{"/login?a=1", []string{"b", "2"}, "/login?a=1&b=2"},
		{"/login#top", []string{"b", "2"}, "/login?b=2#top"},
		{"/login?a=1#top?", []string{"b", "2", "c", "3"}, "/login?a=1&b=2&c=3#top?"},
		{"/login#", []string{"b", "2"}, "/login?b=2#"},
		{"/x", []string{"a b&c", "Zoë +&=#\r\n-_.!~*'()"}, "/x?a%20b%26c=Zo%C3%AB%20%2B%26%3D%23%0D%0A-_.!~*'()"},
	}
	for _, c := range cases {
		if got := redirect.AddQuery(c.base, c.pairs...); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.base, c.pairs, got, c.want)
		}
	}
}

func FuzzAddQueryIsReadBack(f *testing.F) {
	f.Add("/login?a=1#top", "callbackUrl", app+"/ë?x&y")
	f.Fuzz(func(t *testing.T, base, name, value string) {
		got := redirect.AddQuery(base, name, value)
		address, _, _ := strings.Cut(got, "#")
		_, query, _ := strings.Cut(address, "?")
		if i := strings.LastIndexByte(query, '&'); i >= 0 {
			query = query[i+1:]
		}
		if value == "" {
			if got != base {
				t.Errorf("nothing to add, and %q became %q", base, got)
			}
			return
		}
		back, err := url.ParseQuery(query)
		if err != nil || back.Get(name) != value {
			t.Errorf("%q=%q at %q came back from %q as %q (%v)", name, value, base, got, back, err)
		}
	})
}

func ExamplePolicy_Resolve() {
	p := redirect.Policy{Origin: "https://app.example.com"}
	for _, value := range []string{"/dash", "https://app.example.com/dash", "//evil.example", "https://evil.example"} {
		fmt.Println(p.Resolve(value))
	}
	// Output:
	// https://app.example.com/dash true
	// https://app.example.com/dash true
	// https://app.example.com false
	// https://app.example.com false
}

func ExamplePolicy_FromRequest() {
	p := redirect.Policy{Origin: "https://app.example.com"}
	fmt.Println(p.FromRequest("//evil.example/app/", "tab=1"))
	// Output: https://app.example.com/evil.example/app/?tab=1
}

func ExampleAddQuery() {
	fmt.Println(redirect.AddQuery("/login", "callbackUrl", "http://localhost:3000/dash", "error", "Callback"))
	// Output: /login?callbackUrl=http%3A%2F%2Flocalhost%3A3000%2Fdash&error=Callback
}
