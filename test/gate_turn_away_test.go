package test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The forms in which a gate turns a visitor away.
const (
	asRedirect = "a redirect"
	asJSON     = "JSON"
	asPage     = "a page"
	asFormPage = "a page that says that nothing was saved"
)

// turnedAway says in which of them an answer is; status is that of all but
// redirects.
func turnedAway(got answer, status int) string {
	isHTML := strings.HasPrefix(got.header.Get("Content-Type"), "text/html")
	switch {
	case got.status == http.StatusFound:
		return asRedirect
	case got.status == status && got.header.Get("Content-Type") == "application/json; charset=utf-8":
		return asJSON
	case got.status == status && isHTML && strings.Contains(got.body, "not saved"):
		return asFormPage
	case got.status == status && isHTML:
		return asPage
	}
	return got.body
}

var (
	navigation = []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}
	acceptHTML = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
)

// requestsOfAllKinds are requests as browsers, scripts and programs send them,
// and how a gate answers them.
var requestsOfAllKinds = []struct {
	name   string
	method string
	lines  []string
	want   string
	wantIf string // when a rule refuses: empty means the same
}{
	{"a page view", "GET", navigation, asRedirect, asPage},
	{"a page view by HEAD", "HEAD", navigation, asRedirect, ""},
	{"a page view of a browser without fetch metadata", "GET", []string{acceptHTML}, asRedirect, asPage},
	{"a page view with Accept in capitals", "GET", []string{"Accept: TEXT/HTML"}, asRedirect, asPage},
	{"a script's fetch", "GET", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", acceptHTML}, asJSON, ""},
	{"an image", "GET", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, asJSON, ""},
	{"a navigation to nowhere known", "GET", []string{"Sec-Fetch-Mode: navigate"}, asJSON, ""},
	{"a script of an old browser", "GET", []string{acceptHTML, "X-Requested-With: XMLHttpRequest"}, asJSON, ""},
	{"htmx in an old browser", "GET", []string{acceptHTML, "HX-Request: true"}, asJSON, ""},
	{"htmx", "GET", []string{"Sec-Fetch-Mode: cors", "HX-Request: true", acceptHTML}, asJSON, ""},
	{"an upgrade in an old browser", "GET", []string{acceptHTML, "Upgrade: websocket"}, asJSON, ""},
	{"a program that takes anything", "GET", []string{"Accept: */*"}, asJSON, ""},
	{"a program that says nothing", "GET", nil, asJSON, ""},
	{"a program's POST", "POST", []string{jsonType}, asJSON, ""},
	{"a frame", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, asPage, ""},
	{"an old frame", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: frame"}, asPage, ""},
	{"an embedded object", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object"}, asPage, ""},
	{"a page view that a service worker fetches", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty", acceptHTML}, asPage, ""},
	{"a download", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty", "Accept: */*"}, asJSON, ""},
	{"a form that a service worker sends", "POST", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty", acceptHTML}, asFormPage, asPage},
	{"a form", "POST", navigation, asFormPage, asPage},
	{"a form of an old browser", "POST", []string{acceptHTML, formType}, asFormPage, asPage},
	{"a form in a frame", "POST", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, asFormPage, asPage},
	{"a script's POST", "POST", []string{"Sec-Fetch-Mode: cors", acceptHTML}, asJSON, ""},
	{"a script's POST in an old browser", "POST", []string{acceptHTML, "X-Requested-With: XMLHttpRequest"}, asJSON, ""},
	{"PUT", "PUT", []string{acceptHTML}, asJSON, ""},
	{"DELETE", "DELETE", nil, asJSON, ""},
	{"OPTIONS", "OPTIONS", []string{"Access-Control-Request-Method: GET", "Origin: https://other.example"}, asJSON, ""},
}

func TestGateTurnsStrangersAway(t *testing.T) {
	g := start(t, onePasswordSite)
	const path = "/app/deep/er?a=b&c=d%20e"
	withReturn := g.origin + "/api/auth/signin?callbackUrl=" + url.QueryEscape(g.origin+"/app/deep/er?a=b&c=d%20e")
	for _, test := range requestsOfAllKinds {
		t.Run(test.name, func(t *testing.T) {
			got := g.browser().do(test.method, path, "", test.lines...)
			if form := turnedAway(got, http.StatusUnauthorized); form != test.want {
				t.Fatalf("turned away by %s (%d), want %s", form, got.status, test.want)
			}
			switch test.want {
			case asRedirect:
				expectAnswer(t, got, g.origin, "302\n<private>\nLocation: "+nameVariables(withReturn, g.origin))
			case asJSON:
				expectAnswer(t, got, g.origin, `401
					<json>
					<private>

					{"error":"Unauthorized","url":"{O}/api/auth/signin"}`)
			case asPage:
				if !strings.Contains(got.body, `href="`+strings.ReplaceAll(withReturn, "&", "&amp;")+`"`) {
					t.Errorf("the page has no link to %s:\n%s", withReturn, got.body)
				}
			}
			if strings.HasSuffix(test.want, "page") && !strings.Contains(got.body, `target="_top"`) {
				t.Error("the page's link stays in the frame")
			}
			for _, name := range []string{"Www-Authenticate", "Access-Control-Allow-Origin", "Set-Cookie"} {
				if got.header.Get(name) != "" {
					t.Errorf("%s is %q", name, got.header.Get(name))
				}
			}
			if cache := got.header.Get("Cache-Control"); !strings.Contains(cache, "no-store") {
				t.Errorf("Cache-Control is %q", cache)
			}
		})
	}
	g.echo.none(t)
}

func TestGateRefusesWhomARuleRefuses(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin {
		group admins
	}
	reverse_proxy {$ECHO}
}
`)
	b := g.browser().signIn("bob")
	for _, test := range requestsOfAllKinds {
		t.Run(test.name, func(t *testing.T) {
			got := b.do(test.method, "/x?y", "", test.lines...)
			want := test.wantIf
			if want == "" {
				want = test.want
			}
			if test.method == http.MethodHead {
				want = asPage
			}
			if form := turnedAway(got, http.StatusForbidden); form != want {
				t.Fatalf("refused by %s (%d), want %s", form, got.status, want)
			}
			if want == asJSON {
				expectAnswer(t, got, g.origin, "403\n<json>\n<private>\n\n"+`{"error":"Forbidden"}`)
			}
			if want == asPage && test.method == http.MethodGet && !strings.Contains(got.body, g.origin+"/api/auth/signout") {
				t.Error("the page has no way to sign out")
			}
		})
	}
	g.echo.none(t)
	line := g.waitForLog("with the reason", func(line logLine) bool {
		return line["msg"] == "a rule of require_signin does not admit this user"
	})
	if line["user"] != "credentials:bob" || line["path"] != "/x" {
		t.Errorf("the reason in the log is %v", line)
	}
	if line = g.logged(b.reference(b.visit("/x"))); line["user"] != "credentials:bob" {
		t.Errorf("under the page's reference the log has %v", line)
	}
}

// The return address is the address that was asked for, never another host.
func TestReturnAddressOfAGate(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	handle_path /prefix/* {
		require_signin
		reverse_proxy {$ECHO}
	}
	handle /rewritten/* {
		rewrite /elsewhere?other=query
		require_signin
	}
	handle {
		require_signin
	}
}
`)
	for _, test := range []struct{ target, want string }{
		{"/", "{O}/"},
		{"/a/b/c?d=e&f=%26", "{O}/a/b/c?d=e&f=%26"},
		{"/prefix/page?x=y", "{O}/prefix/page?x=y"},
		{"/rewritten/page?x=y", "{O}/rewritten/page?x=y"},
		{"/with%20space/%E2%82%AC", "{O}/with%20space/%E2%82%AC"},
		{"/a%2Fb", "{O}/a%2Fb"},
		{"{O}", "{O}/"},
		{"{O}?x", "{O}/?x"},
		{"{O}/a//b", "{O}/a//b"},
		{"/a/%2F%2Fevil.example", "{O}/a/%2F%2Fevil.example"},
		{"/x?" + strings.Repeat("y", 3000), "{O}"},
	} {
		t.Run(test.target[:min(40, len(test.target))], func(t *testing.T) {
			got := g.raw("GET "+strings.Replace(test.target, "{O}", g.origin, 1)+" HTTP/1.1", navigation[0], navigation[1])
			location, err := url.Parse(got.header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			back := strings.Replace(location.Query().Get("callbackUrl"), g.origin, "{O}", 1)
			if got.status != http.StatusFound || back != test.want {
				t.Errorf("answered %d to %q, which leads back to %q, want %q", got.status, location, back, test.want)
			}
		})
	}
}

// From the gate to the sign-in page and back, as a browser goes.
func TestDeepLinkThroughTheSignInPage(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	away := b.visit("/app/deep?link=1")
	page := b.visit(away.header.Get("Location"))
	if page.status != http.StatusOK {
		t.Fatalf("the sign-in page answers %d", page.status)
	}
	got := b.post("/api/auth/callback/credentials", b.form("username", "alice", "password", password))
	if location := got.header.Get("Location"); location != g.origin+"/app/deep?link=1" {
		t.Fatalf("after signing in the browser is sent to %q", location)
	}
	if got := b.visit(got.header.Get("Location")); got.status != http.StatusOK || got.body != "upstream" {
		t.Errorf("the page answers %d %s", got.status, got.body)
	}
}
