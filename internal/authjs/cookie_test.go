package authjs_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

func TestSetCookieIsWrittenToTheByte(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 21, 58, 999e6, time.FixedZone("CET", 3600))
	cases := map[string]authjs.Cookie{
		"next-auth.callback-url=http%3A%2F%2Flocalhost%3A3000%2Fdash; Path=/; HttpOnly; SameSite=Lax":                                                {Name: "next-auth.callback-url", Value: "http://localhost:3000/dash"},
		"next-auth.csrf-token=ace24a%7C8a915e; Path=/; HttpOnly; SameSite=Lax":                                                                       {Name: "next-auth.csrf-token", Value: "ace24a|8a915e"},
		"next-auth.state=eyJ; Max-Age=900; Path=/; Expires=Mon, 23 Nov 2026 08:21:58 GMT; HttpOnly; SameSite=Lax":                                    {Name: "next-auth.state", Value: "eyJ", MaxAge: 900, Expires: at},
		"next-auth.session-token=eyJ; Path=/; Expires=Mon, 23 Nov 2026 08:21:58 GMT; HttpOnly; SameSite=Lax":                                         {Name: "next-auth.session-token", Value: "eyJ", Expires: at},
		"next-auth.state=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax":                                                                                {Name: "next-auth.state", MaxAge: -1},
		"__Secure-next-auth.state=x; Max-Age=900; Domain=example.com; Path=/; Expires=Mon, 23 Nov 2026 08:21:58 GMT; HttpOnly; Secure; SameSite=Lax": {Name: "__Secure-next-auth.state", Value: "x", MaxAge: 900, Domain: "example.com", Secure: true, Expires: at},
	}
	for want, cookie := range cases {
		if got := cookie.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestDeleteKeepsWhatNamesTheCookie(t *testing.T) {
	t.Parallel()
	c := authjs.Cookie{Name: "__Secure-a", Value: "v", Domain: "example.com", Secure: true, MaxAge: 900, Expires: time.Unix(1, 0)}
	const want = "__Secure-a=; Max-Age=0; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax"
	if got := c.Delete().String(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestCookieValuesAreEncodedLikeEncodeURIComponent(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"azAZ09-_.!~*'()":       "azAZ09-_.!~*'()",
		";,/?:@&=+$#":           "%3B%2C%2F%3F%3A%40%26%3D%2B%24%23",
		" \"<>\\^`{|}%[]":       "%20%22%3C%3E%5C%5E%60%7B%7C%7D%25%5B%5D",
		"\x00\r\n\t\x7f":        "%00%0D%0A%09%7F",
		"Zoë 😀":                 "Zo%C3%AB%20%F0%9F%98%80",
		"http://localhost:3000": "http%3A%2F%2Flocalhost%3A3000",
	}
	for value, want := range cases {
		got, _, _ := strings.Cut(authjs.Cookie{Name: "a", Value: value}.String(), ";")
		if got != "a="+want {
			t.Errorf("%q became %s", value, got)
		}
	}
}

func FuzzCookieComesBackAsItWent(f *testing.F) {
	f.Add("x|y; Domain=evil\r\nSet-Cookie: a=b", 0)
	f.Add("Zoë", 900)
	f.Fuzz(func(t *testing.T, value string, maxAge int) {
		line := authjs.Cookie{Name: "a", Value: value, MaxAge: maxAge}.String()
		if _, err := http.ParseSetCookie(line); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		pair, attributes, _ := strings.Cut(line, "; ")
		if !strings.HasSuffix("; "+attributes, "; Path=/; HttpOnly; SameSite=Lax") || strings.Count(attributes, ";") > 3 {
			t.Errorf("attributes %q", attributes)
		}
		if back, err := url.PathUnescape(strings.TrimPrefix(pair, "a=")); err != nil || back != value {
			t.Errorf("%q came back as %q (%v)", value, back, err)
		}
	})
}
