package test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// CONNECT and targets that are no path reach no upstream, on guarded sites and on
// open ones.
func TestTargetsThatAreNoPath(t *testing.T) {
	for _, gate := range []string{"require_signin /app/*", "require_signin /*", "require_signin", ""} {
		g := start(t, strings.Replace(onePasswordSite+secureSite, "require_signin /app/*", gate, 2))
		g.secureBrowser()
		authority := fmt.Sprintf("localhost:%d", g.tlsPort)
		for _, line := range []string{
			"GET x:http://{H}/app/x", "GET http:app/x", "GET http:///app/x", "GET http:/app/x", "GET x://{H}/app/x", "GET x:", "GET *", "HEAD *", "POST *",
			"CONNECT {H}", "CONNECT h:1", "CONNECT /app/x", "CONNECT [::1]:1", "GET http://user@{H}/app/x", "GET http://{H}//x/app",
		} {
			if got := g.raw(strings.ReplaceAll(line, "{H}", g.host()) + " HTTP/1.1"); got.status != http.StatusBadRequest {
				t.Errorf("%q: %s: status %d", gate, line, got.status)
			}
		}
		// net/http answers this one itself, before any handler.
		if got := g.raw("OPTIONS * HTTP/1.1"); got.status != http.StatusOK || got.body != "" {
			t.Errorf("%q: OPTIONS *: status %d %q", gate, got.status, got.body)
		}
		for _, fields := range [][]string{
			{":method: CONNECT", ":authority: " + authority},
			{":method: GET", ":scheme: https", ":authority: " + authority, ":path: *"},
			{":method: GET", ":scheme: https", ":authority: " + authority, ":path: x:http://h/app/x"},
			{":method: GET", ":scheme: https", ":authority: " + authority, ":path: https://" + authority + "/app/x"},
			{":method: GET", ":scheme: https", ":authority: " + authority, ":path: /x y"},
			{":method: GET", ":scheme: https", ":authority: " + authority, ":path: /x?y HTTP/1.1"},
		} {
			// 0: HTTP/2 itself refuses it.
			if status := g.dialHTTP2().send(fields...); status != http.StatusBadRequest && status != 0 {
				t.Errorf("%q: %v over HTTP/2: status %d", gate, fields, status)
			}
		}
		g.echo.none(t)
	}
}

// The empty path of an absolute target is the home page to gates and upstreams.
func TestEmptyPathOfAnAbsoluteTarget(t *testing.T) {
	g := start(t, strings.Replace(onePasswordSite, "/app/*", "/*", 1))
	for _, target := range []string{g.origin, g.origin + "?x", g.origin + "/"} {
		if got := g.raw("GET " + target + " HTTP/1.1"); got.status != http.StatusUnauthorized {
			t.Errorf("%s is answered %d", target, got.status)
		}
		g.echo.none(t)
		got := g.raw("GET "+target+" HTTP/1.1", "Cookie: next-auth.session-token="+seal(t, secret, g.claimsOf()))
		if seen := g.echo.one(t); got.status != http.StatusOK || seen.URI != "/"+strings.Trim(target[len(g.origin):], "/") {
			t.Errorf("with a session %s reached the upstream as %s", target, seen.URI)
		}
	}
}

// Where a prefix is stripped before the gate, what is left is judged as well.
func TestTargetsWhosePrefixIsStripped(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	handle_path /app/* {
		signin {
			secret {$SECRET}
			{$USERS}
		}
		require_signin /admin/*
		reverse_proxy {$ECHO}
	}
	route /cut/* {
		uri path_regexp ^/cut ""
		signin {
			secret {$SECRET}
			{$USERS}
		}
		require_signin /admin/*
		reverse_proxy {$ECHO}
	}
}
`)
	for target, want := range map[string]int{
		"/app/": 200, "/app/x": 200, "/app/x//y": 200, "/app//x": 200, "/app/a%2Fb": 200,
		"/app/admin": 401, "/app/admin/x": 401, "/app//admin/x": 401, "/app/%61dmin": 401,
		"/app/x/../admin": 400, "/app/%2fh/admin/x": 400, "/app%2F/h/admin/x": 400, "/app%2F%2Fh/admin/x": 400, "/app/./admin": 400, "/app/%2e/admin": 400,
		"/cut/": 200, "/cut/x": 200, "/cut/admin/x": 401,
		"/cut//h/admin/x": 400, "/cut//admin": 400, "/cut/x/../admin": 400,
	} {
		got := g.raw("GET " + target + " HTTP/1.1")
		seen := g.echo.take()
		if got.status != want || (len(seen) > 0) != (want == http.StatusOK) {
			t.Errorf("%s: status %d, want %d, %d requests upstream", target, got.status, want, len(seen))
		}
	}
}

// hello answers a WebSocket's handshake and says hello on the connection.
func (e *echo) hello(t *testing.T) {
	e.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		raw, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer raw.Close()
		_, _ = io.WriteString(raw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello") // the test hears it or not
	})
}

// Extended CONNECT (RFC 9220) opens a WebSocket where a session lets it, and
// nothing else passes by it.
func TestWebSocketOverHTTP3(t *testing.T) {
	g, transport := startHTTP3(t, secureSite)
	g.echo.hello(t)
	claims := g.claimsOf()
	claims.Realm = fmt.Sprintf("https://localhost:%d", g.tlsPort)
	cookie := "__Secure-next-auth.session-token=" + seal(t, secret, claims)
	for _, test := range []struct {
		path, protocol, cookie string
		statuses               []int
	}{
		{"/app/socket", "websocket", cookie, []int{200}},
		{"/open", "websocket", "", []int{200}},
		{"/app/socket", "websocket", "", []int{401}},
		{"/app/../socket", "websocket", "", []int{400}},
		{"/open", "connect-udp", "", []int{400}},
		{"/open", "webtransport", cookie, []int{400}},
	} {
		host := fmt.Sprintf("localhost:%d", g.tlsPort)
		r := &http.Request{
			Method: http.MethodConnect, Proto: test.protocol, Host: host, Header: http.Header{"Cookie": {test.cookie}},
			URL: &url.URL{Scheme: "https", Host: host, Path: test.path}, Body: io.NopCloser(strings.NewReader("")),
		}
		resp, err := transport.RoundTrip(r.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		hello := make([]byte, 5)
		if _, err := io.ReadFull(resp.Body, hello); resp.StatusCode == http.StatusOK && (err != nil || string(hello) != "hello") {
			t.Errorf("%s as %s says %q, %v", test.path, test.protocol, hello, err)
		}
		resp.Body.Close()
		seen := g.echo.take()
		if !slices.Contains(test.statuses, resp.StatusCode) || (len(seen) > 0) != (resp.StatusCode == http.StatusOK) {
			t.Errorf("%s as %s: status %d, want one of %v, %d requests upstream", test.path, test.protocol, resp.StatusCode, test.statuses, len(seen))
		}
	}
}

// Extended CONNECT over HTTP/2 (RFC 8441) is off in Go unless GODEBUG says
// otherwise when a program starts, so this test runs in a process of its own.
func TestWebSocketOverHTTP2(t *testing.T) {
	const on = "http2xconnect=1"
	if !strings.Contains(os.Getenv("GODEBUG"), on) {
		cmd := osexec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWebSocketOverHTTP2$")
		cmd.Env = append(os.Environ(), "GODEBUG="+on)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	g := start(t, secureSite)
	g.secureBrowser()
	g.echo.hello(t)
	claims := g.claimsOf()
	claims.Realm = fmt.Sprintf("https://localhost:%d", g.tlsPort)
	cookie := "__Secure-next-auth.session-token=" + seal(t, secret, claims)
	for _, test := range []struct {
		path, protocol, cookie string
		status                 int
	}{
		{"/app/socket", "websocket", cookie, 200},
		{"/open", "websocket", "x=y", 200},
		{"/app/socket", "websocket", "x=y", 401},
		{"/open/../app/socket", "websocket", "x=y", 400},
		{"/open", "connect-udp", "x=y", 400},
	} {
		c := g.dialHTTP2()
		status := c.begin(false, ":method: CONNECT", ":protocol: "+test.protocol, ":scheme: https",
			fmt.Sprintf(":authority: localhost:%d", g.tlsPort), ":path: "+test.path, "cookie: "+test.cookie)
		if status == http.StatusOK && c.data() != "hello" {
			t.Errorf("%s: nothing comes from the upstream", test.path)
		}
		seen := g.echo.take()
		if status != test.status || (len(seen) > 0) != (status == http.StatusOK) {
			t.Errorf("%s as %s: status %d, want %d, %d requests upstream", test.path, test.protocol, status, test.status, len(seen))
		}
	}
}

// data returns the next bytes of any stream.
func (c *h2conn) data() string {
	c.t.Helper()
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			c.t.Fatal(err)
		}
		if data, ok := frame.(*http2.DataFrame); ok && len(data.Data()) > 0 {
			return string(data.Data())
		}
	}
}
