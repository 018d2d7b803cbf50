package test

import (
	"net/url"
	"strings"
	"testing"
)

// hostileReturns are return addresses that must lead home (requirements A1 to A3).
var hostileReturns = []string{
	"https://evil.example/", "http://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example",
	"https:evil.example", "///evil.example", "/%2fevil.example", "/%5cevil.example", "/.//evil.example",
	"/x/../..//evil.example", "/\t/evil.example", "/\r\nSet-Cookie:a=b", "/a\x00b", " /x", "/x ",
	"javascript:alert(1)", "data:text/html,x", "blob:{O}/x", "file:///etc/passwd", "{O}@evil.example/",
	"{O}.evil.example/", "https://localhost/", "http://localhost:1/", "http://user:pw@{H}/", "foo", "?x",
	"%2F%2Fevil.example", "http://evil.example\\@{H}/", "http://{H}\\@evil.example/", "\uFEFF/x", "/\u0085x",
	"http:///evil.example", "HTTPS://{H}/", "/" + strings.Repeat("x", 2100),
}

func TestHostileReturnAddresses(t *testing.T) {
	g := start(t, onePasswordSite)
	fill := strings.NewReplacer("{O}", g.origin, "{H}", strings.TrimPrefix(g.origin, "http://"))
	for _, raw := range hostileReturns {
		value := fill.Replace(raw)
		t.Run(raw[:min(len(raw), 60)], func(t *testing.T) {
			b := g.browser()
			if got := b.trySignIn("alice", password, "callbackUrl", value); got.status != 200 || got.body != `{"url":"`+g.origin+`"}` {
				t.Errorf("in the body: %d %s", got.status, got.body)
			}
			if b.token() == "" {
				t.Error("in the body: the sign-in failed")
			}
			c := g.browser().setCookie(plain.CallbackURL, strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
			if got := c.trySignIn("alice", password); got.status != 200 || got.body != `{"url":"`+g.origin+`"}` {
				t.Errorf("in the cookie: %d %s", got.status, got.body)
			}
			got := g.browser().visit("/api/auth/signin?callbackUrl=" + url.QueryEscape(value))
			if got.status != 200 || strings.Contains(got.body, "evil") || strings.Contains(got.body, "alert(1)") {
				t.Errorf("in the query: %d %s", got.status, got.body)
			}
			if got := g.browser().get("/api/auth/csrf?callbackUrl=" + url.QueryEscape(value)); got.status != 200 {
				t.Errorf("in the query of csrf: %d %s", got.status, got.body)
			}
			if got := b.post("/api/auth/signout", b.form("callbackUrl", value)); got.header.Get("Location") != g.origin {
				t.Errorf("at sign-out: %q", got.header.Get("Location"))
			}
		})
	}
}

// A good return address is used as it stands.
func TestGoodReturnAddresses(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
		redirect https://docs.example.com https://*.apps.example.com
	}
}
`)
	for _, test := range []struct{ value, want string }{
		{"/", "{O}/"},
		{"/dash?a=b&c=%20d#e", "{O}/dash?a=b&c=%20d#e"},
		{"{O}", "{O}"},
		{"{O}/dash", "{O}/dash"},
		{"/%2Fx/..y/", "{O}"},
		{"/x%2Fy", "{O}/x%2Fy"},
		{"/straße?q=ü", "{O}/straße?q=ü"},
		{"https://docs.example.com/page", "https://docs.example.com/page"},
		{"https://one.apps.example.com/", "https://one.apps.example.com/"},
		{"https://apps.example.com/", "{O}"},
		{"http://docs.example.com/", "{O}"},
	} {
		t.Run(test.value, func(t *testing.T) {
			fill := strings.NewReplacer("{O}", g.origin)
			got := g.browser().trySignIn("alice", password, "callbackUrl", fill.Replace(test.value))
			if want := `{"url":"` + fill.Replace(test.want) + `"}`; got.body != want {
				t.Errorf("leads to %s, want %s", got.body, want)
			}
		})
	}
}

// The body decides, else the query, else the cookie, else the origin; an empty
// value is as if it were not given.
func TestWhereTheReturnAddressComesFrom(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, test := range []struct{ name, body, query, cookie, want string }{
		{"the body", "callbackUrl=/body", "?callbackUrl=/query", "/cookie", "/body"},
		{"the query without a body", "", "?callbackUrl=/query", "/cookie", "/query"},
		{"the cookie without either", "", "", "/cookie", "/cookie"},
		{"the origin without any", "", "", "", ""},
		{"the cookie when the body's is empty", "callbackUrl=", "?callbackUrl=/query", "/cookie", "/cookie"},
		{"the body's, with a bare semicolon", "callbackUrl=/a;b=c", "", "/cookie", "/a;b=c"},
		{"the query's, with a bare semicolon", "", "?callbackUrl=/a;b=c", "/cookie", "/a;b=c"},
		{"the cookie when the query's is malformed", "", "?callbackUrl=/100%", "/cookie", "/cookie"},
		{"the cookie when the query's is given twice", "", "?callbackUrl=/a&callbackUrl=/b", "/cookie", "/cookie"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := g.browser()
			token := b.csrf()
			b.setCookie(plain.CallbackURL, url.QueryEscape(g.origin+test.cookie))
			got := b.post("/api/auth/signout"+test.query, "json=true&csrfToken="+token+"&"+test.body, "Referer: "+g.origin+"/referer")
			if want := `{"url":"` + g.origin + test.want + `"}`; got.body != want {
				t.Errorf("leads to %s, want %s", got.body, want)
			}
			if kept := b.cookie(plain.CallbackURL); kept != url.QueryEscape(g.origin+test.want) {
				t.Errorf("the cookie holds %s", kept)
			}
		})
	}
}

// What is not ASCII goes into a Location percent-encoded, and nothing of it
// becomes a header.
func TestReturnAddressInLocation(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	got := b.post("/api/auth/signout", b.form("callbackUrl", "/straße?q=\"<ü>"))
	if want := g.origin + "/stra%C3%9Fe?q=%22%3C%C3%BC%3E"; got.header.Get("Location") != want {
		t.Errorf("Location is %q, want %q", got.header.Get("Location"), want)
	}
}
