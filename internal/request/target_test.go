package request

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// targets are request targets as they stand in the request line of HTTP/1.1, and
// whether they pass.
var targets = map[string]bool{
	// No path at all.
	"x:http://h/admin/x": false, "http:admin/x": false, "http:/admin/x": false, "http:///admin/x": false, "x:/admin/x": false,
	"x://h/admin/x": false, "ftp://h/admin": false, "*": false, "mailto:a@h": false, "http:": false, "http:?x": false, "x:": false,
	"http://": false, "http://?x": false, "http://user@h/admin": false, "http://user:word@h/": false, "https://@h/": false,
	"http://h": true, "http://h?x": true, "http://h/": true, "HTTP://h/admin": true, "https://h:8443/admin?x": true, "http://h//admin": false,
	"http://h/../admin": false, "http://h/x#y": false,

	// Dot segments, however they are spelt.
	"/admin/../x": false, "/admin/..": false, "/admin/.": false, "/./admin": false, "/..": false, "/.": false, "/.?x": false, "/x/./y": false,
	"/%2e/x": false, "/x/%2E%2e/y": false, "/x/.%2e": false, "/x/%2e./y": false, "/x/..%2fy": false, "/x%2f..%2Fy": false,
	"/..;/admin": false, "/.;x/admin": false, "/x/..;a=b": false, "/x/%2e%2e;a/y": false, "/x/..%3ba/y": false, "/x;%2f../y": false,
	"/x/..%5cy": false, `/x\..\y`: false, "/x/.%09./y": false, "/x/..%00/y": false, "/x/..%0d%0a/y": false,
	"/...": true, "/..x/x..": true, "/.well-known/x": true, "/x/.y": true, "/a..b/...": true, "/x/.%20./y": true,
	"/%252e%252e/x": true, // no upstream decodes twice unless it is told to

	// What a URL parser takes for a host.
	"//x/admin/secret": false, "///admin": false, "//": false, "/%2fx/admin": false, "/%2Fadmin": false, `/\x/admin`: false, "/%5cx/admin": false,
	"/x//admin": true, "/x//": true, "/x%2f%2fadmin": true, "/x?//admin": true,

	// Characters that readers drop or refuse.
	"/x#/admin": false, "/#": false, "/x?y#z": false, "/admin%00": false, "/admin%0a": false, "/adm%09in": false, "/admin%7f": false,
	"/admin%ff": false, "/%c0%ae%c0%ae/admin": false, "/\xff": false, "/\xe9": false,
	"/é": true, "/%E2%82%AC": true, "/a%20b": true, "/a%23b": true, "/a%3fb": true, "/%25": true, "/x?%00": true, "/x?next=..%2f..%2fapp": true,
	"/?": true, "/??x": true, "/x?y=/admin/../": true, "/a%2Fb": true, "/x:80/y": true, "/a|b": true, "/[x]/{y}": true,

	// Parameters.
	"/a;v=1/b": true, "/a/;v=1": true, "/;": true, "/;/admin": false, "/;x/admin": false, "/x/;y/admin": false, "/%3bx/admin": false,
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for target, passes := range targets {
		r, err := readTarget(target)
		if err != nil {
			if passes {
				t.Errorf("%q: net/http refuses it: %v", target, err)
			}
			continue
		}
		reason := BadTarget(r)
		if (reason == "") != passes {
			t.Errorf("%q passes: %t (%s)", target, reason == "", reason)
		}
		if passes && !strings.HasPrefix(r.URL.Path, "/") {
			t.Errorf("%q passes with the path %q", target, r.URL.Path)
		}
	}
}

// readTarget reads a request as net/http reads it from the wire.
func readTarget(target string) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n")))
}

func TestTargetsOfConnect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		r      http.Request
		passes bool
	}{
		{"with an authority", http.Request{ProtoMajor: 1, RequestURI: "h:1", URL: &url.URL{Host: "h:1"}}, false},
		{"with a path", http.Request{ProtoMajor: 1, RequestURI: "/x", URL: &url.URL{Path: "/x"}}, false},
		{"that claims a protocol", http.Request{
			ProtoMajor: 1, Proto: "websocket", RequestURI: "/x", URL: &url.URL{Path: "/x"}, Header: http.Header{":protocol": {"websocket"}},
		}, false},
		{"over HTTP/2", http.Request{ProtoMajor: 2, RequestURI: "h:1", URL: &url.URL{Host: "h:1"}}, false},
		{"of another protocol over HTTP/2", http.Request{
			ProtoMajor: 2, RequestURI: "/x", URL: &url.URL{Path: "/x"}, Header: http.Header{":protocol": {"connect-udp"}},
		}, false},
		{"of a WebSocket over HTTP/2", http.Request{
			ProtoMajor: 2, RequestURI: "/x", URL: &url.URL{Path: "/x"}, Header: http.Header{":protocol": {"websocket"}},
		}, true},
		{"of a WebSocket to a bad path", http.Request{
			ProtoMajor: 2, RequestURI: "/x/../y", URL: &url.URL{Path: "/x/../y"}, Header: http.Header{":protocol": {"websocket"}},
		}, false},
		{"over HTTP/3", http.Request{ProtoMajor: 3, Proto: "HTTP/3.0", RequestURI: "h:1", URL: &url.URL{Host: "h:1"}}, false},
		{"of a WebSocket over HTTP/3", http.Request{ProtoMajor: 3, Proto: "websocket", RequestURI: "/x", URL: &url.URL{Path: "/x"}}, true},
	} {
		test.r.Method = http.MethodConnect
		if reason := BadTarget(&test.r); (reason == "") != test.passes {
			t.Errorf("CONNECT %s passes: %t (%s)", test.name, reason == "", reason)
		}
	}
}

// A target is judged as it was sent and as rewrites have left it.
func TestTargetsAfterRewrites(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sent, path string
		passes     bool
	}{
		{"/x/app", "/app", true},
		{"/x", "/", true},
		{"/x", "", true}, // sent on as "/"
		{"/x/../app", "/app", false},
		{"x:/app", "/app", false},
		{"http://user@h/x/app", "/app", false},
		{"*", "/app", false},
		{"/app#x", "/app", false},
		{"/x/app", "app", false},
		{"/x//h/app", "//h/app", false},
		{"/x./app", "/./app", false},
		{"/x%5capp", "/app", false},
	} {
		r, err := readTarget(test.sent)
		if err != nil {
			t.Fatal(err)
		}
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
		r.URL.Path, r.URL.RawPath = test.path, ""
		r.RequestURI = r.URL.RequestURI()
		if reason := BadTarget(r); (reason == "") != test.passes {
			t.Errorf("%q as %q passes: %t (%s)", test.sent, test.path, reason == "", reason)
		} else if reason == "" && !strings.HasPrefix(r.URL.Path, "/") {
			t.Errorf("%q as %q passes with the path %q", test.sent, test.path, r.URL.Path)
		}
	}
}
