package test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What the protocol does not have is answered with 400, sets nothing and never
// reaches an upstream.
func TestUnsupportedMethods(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("alice")
	form := b.form("json", "true", "username", "bob", "password", password)
	var requests [][2]string
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "post", "HEAD"} {
		for _, action := range []string{"csrf", "providers", "session", "signin", "signin/credentials", "callback/credentials", "signout", "error", "verify-request", "_log"} {
			requests = append(requests, [2]string{method, action})
		}
	}
	for _, action := range []string{"csrf", "providers", "error", "verify-request", "callback", "callback/nobody", "unknown", "CSRF", ""} {
		requests = append(requests, [2]string{"POST", action})
	}
	for _, action := range []string{"_log", "callback", "callback/nobody", "unknown", "CSRF", "Signout", ""} {
		requests = append(requests, [2]string{"GET", action})
	}
	for _, request := range requests {
		method, target := request[0], "/api/auth/"+request[1]
		got := b.do(method, target, form, formType, "X-HTTP-Method-Override: POST")
		want := "400\n<private>"
		if method != http.MethodHead {
			want += "\n\nError: This action with HTTP " + method + " is not supported by NextAuth.js"
		}
		expectAnswer(t, got, g.origin, want)
		if t.Failed() {
			t.Fatalf("after %s %s", method, target)
		}
	}
	if !strings.Contains(b.session(), "Alice") {
		t.Error("one of them changed the session")
	}
	g.echo.none(t)
}

// No answer is for another origin to read (requirement D7).
func TestNoCORSHeaders(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, origin := range []string{"https://evil.example", "null"} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			got := g.browser().do(method, "/api/auth/session", "", "Origin: "+origin, "Access-Control-Request-Method: GET")
			for name := range got.header {
				if strings.HasPrefix(name, "Access-Control") {
					t.Errorf("%s from %s gets %s", method, origin, name)
				}
			}
		}
	}
}

// Requirement N1: bodies are limited in bytes, fields and depth.
func TestBodyLimits(t *testing.T) {
	g := start(t, onePasswordSite)
	fields := func(n int) string { return strings.TrimSuffix(strings.Repeat("a=b&", n), "&") }
	object := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":"v",`, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	nested := func(depth int) string {
		return `{"data":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	pad := func(n int) string { return "json=true&pad=" + strings.Repeat("x", n-len("json=true&pad=")) }
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		text                    string
	}{
		{"a form of 64 KiB", formType, pad(64 << 10), 200, ""},
		{"a form of a byte more", formType, pad(64<<10 + 1), 413, ""},
		{"text of a byte more", "Content-Type: text/plain", pad(64<<10 + 1), 413, ""},
		{"100 fields", formType, "json=true&" + fields(99), 200, ""},
		{"101 fields", formType, "json=true&" + fields(100), 400, ""},
		{"100 members", jsonType, strings.Replace(object(99), "{", `{"json":"true",`, 1), 200, ""},
		{"101 members", jsonType, strings.Replace(object(100), "{", `{"json":"true",`, 1), 400, ""},
		{"16 levels of JSON", jsonType, nested(16), 302, ""},
		{"17 levels of JSON", jsonType, nested(17), 400, ""},
		{"60 KB of brackets", jsonType, strings.Repeat("[", 60000), 400, ""},
		{"malformed JSON", jsonType, `{"json":"true"`, 400, "Invalid JSON"},
		{"JSON followed by more", jsonType, `{"json":"true"}{}`, 400, "Invalid JSON"},
		{"JSON that is no object", jsonType, `["json","true"]`, 400, "Invalid JSON"},
		{"an empty body as JSON", jsonType, ``, 302, ""},
		{"a malformed form", formType, "json=true&a=%zz", 400, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := g.browser().do(http.MethodPost, "/api/auth/signin/x", test.body, test.contentType)
			if got.status != test.status || (test.text != "" && got.body != test.text) {
				t.Errorf("answered %d %q, want %d %s", got.status, got.body, test.status, test.text)
			}
			if kind := got.header.Get("Content-Type"); got.status >= 400 && kind != "" { // Next.js names none
				t.Errorf("a refused body got the content type %s", kind)
			}
			if got.status >= 400 && len(got.header["Set-Cookie"]) > 0 {
				t.Errorf("a refused body got cookies: %v", got.header["Set-Cookie"])
			}
		})
	}
}

// The limit counts for bodies of unknown length too, and the rest isn't read.
func TestBodyLimitOfChunkedBodies(t *testing.T) {
	g := start(t, onePasswordSite)
	c := g.dial()
	c.send("POST /api/auth/signin/x HTTP/1.1", "Host: "+g.host(), formType, "Transfer-Encoding: chunked", "")
	chunk := "1000\r\n" + strings.Repeat("x", 0x1000) + "\r\n"
	c.write(strings.Repeat(chunk, 17))
	got := c.answer()
	if got.status != http.StatusRequestEntityTooLarge || !slices.Contains(got.header["Connection"], "close") {
		t.Errorf("answered %d %v", got.status, got.header)
	}
}
