package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// forgery is a POST that lacks what the browser's own page would send.
type forgery struct {
	name  string
	body  func(token string) string
	query func(token string) string
	lines []string
}

func forgeries() []forgery {
	good := func(token string) string { return "csrfToken=" + token }
	return []forgery{
		{name: "without a token", body: func(string) string { return "" }},
		{name: "with an empty token", body: func(string) string { return "csrfToken=" }},
		{name: "with another token", body: func(string) string { return "csrfToken=" + strings.Repeat("0", 64) }},
		{name: "with the token in capitals", body: func(token string) string { return "csrfToken=" + strings.ToUpper(token) }},
		{name: "with the token twice", body: func(token string) string { return good(token) + "&" + good(token) }},
		{name: "with the token in the query", query: good, body: func(string) string { return "" }},
		{name: "as text/plain", body: good, lines: []string{"Content-Type: text/plain"}},
		{name: "as multipart", lines: []string{"Content-Type: multipart/form-data; boundary=b"}, body: func(token string) string {
			return "--b\r\nContent-Disposition: form-data; name=\"csrfToken\"\r\n\r\n" + token + "\r\n--b--\r\n"
		}},
		{name: "without a content type", body: good, lines: []string{"Content-Type: "}},
		{name: "compressed", body: good, lines: []string{formType, "Content-Encoding: gzip"}},
		{name: "with the token in an array", lines: []string{jsonType}, body: func(token string) string { return `{"csrfToken":["` + token + `"]}` }},
		{name: "with the token twice in JSON", lines: []string{jsonType}, body: func(token string) string {
			return `{"csrfToken":"` + token + `","csrfToken":"` + token + `"}`
		}},
		{name: "from another site", body: good, lines: []string{formType, "Sec-Fetch-Site: cross-site"}},
		{name: "from a sibling host", body: good, lines: []string{formType, "Sec-Fetch-Site: same-site"}},
		{name: "from another site by its Origin", body: good, lines: []string{formType, "Origin: https://evil.example"}},
		{name: "from this host's https by its Origin", body: good, lines: []string{formType, "Origin: https://localhost"}},
	}
}

func (f forgery) send(b *browser, target, fields string) answer {
	b.t.Helper()
	token := b.csrf()
	if f.query != nil {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + f.query(token)
	}
	lines := f.lines
	if lines == nil {
		lines = []string{formType}
	}
	body := f.body(token)
	if strings.HasPrefix(lines[0], jsonType) {
		return b.do(http.MethodPost, target, strings.Replace(body, "{", `{"json":"true","username":"alice","password":"`+password+`",`, 1), lines...)
	}
	if fields != "" {
		body += "&" + fields
	}
	return b.do(http.MethodPost, target, body, lines...)
}

// Requirements D1, D2, D5 and D6: each of these changes nothing on any endpoint.
func TestForgedPosts(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, f := range forgeries() {
		t.Run("signing out "+f.name, func(t *testing.T) {
			b := g.browser().signIn("alice")
			token := b.token()
			f.send(b, "/api/auth/signout", "")
			if !b.signedIn() || !g.browser().withToken(token).signedIn() {
				t.Error("signed out")
			}
		})
		t.Run("signing in "+f.name, func(t *testing.T) {
			b := g.browser()
			got := f.send(b, "/api/auth/callback/credentials", "username=alice&password="+password)
			if target := got.header.Get("Location") + got.body; !strings.Contains(target, "/api/auth/signin?csrf=true") {
				t.Errorf("answered %d %s", got.status, target)
			}
			if b.signedIn() {
				t.Error("signed in")
			}
		})
		t.Run("updating the session "+f.name, func(t *testing.T) {
			b := g.browser().signIn("alice")
			got := f.send(b, "/api/auth/session", "")
			if got.status != http.StatusBadRequest || got.body != "{}" {
				t.Errorf("answered %d %s, want 400 {}", got.status, got.body)
			}
			if cookies := strings.Join(got.header["Set-Cookie"], "\n"); strings.Contains(cookies, plain.Session) {
				t.Errorf("the session cookie was touched: %s", cookies)
			}
		})
	}
}

// What the browser's own page sends, in all forms of it.
func TestVerifiedPosts(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, test := range []struct {
		name  string
		body  string // %s is the token
		lines []string
	}{
		{"as a form", "csrfToken=%s", []string{formType}},
		{"as a form with a charset", "csrfToken=%s", []string{formType + "; charset=UTF-8"}},
		{"as JSON", `{"csrfToken":"%s"}`, []string{jsonType}},
		{"as JSON with a charset", `{"csrfToken":"%s","data":{"a":[1,null]}}`, []string{jsonType + "; charset=utf-8"}},
		{"from the same origin", "csrfToken=%s", []string{formType, "Sec-Fetch-Site: same-origin", "Origin: https://ignored.example"}},
		{"by the person's own hand", "csrfToken=%s", []string{formType, "Sec-Fetch-Site: none"}},
		{"from our own pages, whose Origin is null", "csrfToken=%s", []string{formType, "Origin: null"}},
		{"with this Origin", "csrfToken=%s", []string{formType, "Origin: " + g.origin}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := g.browser().signIn("alice")
			got := b.do(http.MethodPost, "/api/auth/signout", fmt.Sprintf(test.body, b.csrf()), test.lines...)
			if location := got.header.Get("Location"); got.status != http.StatusFound || location != g.origin {
				t.Errorf("answered %d to %q", got.status, location)
			}
			if b.signedIn() {
				t.Error("still signed in")
			}
		})
	}
}

// A pair that somebody made without the secret, or took from another realm.
func TestForeignCSRFPairs(t *testing.T) {
	g := start(t, onePasswordSite)
	own := g.browser()
	own.csrf()
	b := g.browser().signIn("alice")
	b.csrf()
	stolen := own.cookie(plain.CSRF)
	token, _, _ := strings.Cut(stolen, "%7C")
	if got := b.post("/api/auth/signout", "json=true&csrfToken="+token); !strings.Contains(got.body, "csrf=true") {
		t.Errorf("another browser's token counts without its cookie: %s", got.body)
	}
	made := strings.Repeat("a", 64)
	b.setCookie(plain.CSRF, made+"%7C"+made)
	if got := b.post("/api/auth/signout", "json=true&csrfToken="+made); !strings.Contains(got.body, "csrf=true") {
		t.Errorf("a pair made without the secret counts: %s", got.body)
	}
	if !b.signedIn() {
		t.Error("signed out")
	}
}

// The token neither rotates nor is it spent, as in NextAuth.js.
func TestCSRFTokenStays(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	token := b.csrf()
	b.signIn("alice").signOut()
	b.signIn("bob")
	if got := b.csrf(); got != token {
		t.Errorf("the token changed from %s to %s", token, got)
	}
}
