package flows

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw sends bytes as they are, with HOST and COOKIE replaced, and returns the
// status of the answer; 0 when the connection was closed without one.
func (g *gateway) raw(request, cookie string) int {
	g.t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+g.port)
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // a hang is a failure, not a wait
	request = strings.NewReplacer("HOST", "localhost:"+g.port, "COOKIE", cookie).Replace(request)
	fmt.Fprint(conn, strings.ReplaceAll(request, "\n", "\r\n"))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

func TestNoSpellingOfAGuardedPathGetsThrough(t *testing.T) {
	g := start(t, site)
	for _, target := range []string{
		"/app", "/app/", "/app/x", "/APP/", "//app/", "/app//x", "/%61pp/", "/./app/", "/x/../app/", "/x/..%2fapp/",
		"/x/%2e%2e/app/", "/app;x/", "/app;x", "/app/%2e", "/app/..;/x", "/app%2fx", "/app%2Fx", "/app/?x", "/app/#x",
		"/app/%00", "/%ff/../app/", "/app/%ff", "/x%5c..%5capp/", `/x\..\app/`, "/api/auth/../../app/", "/api/auth/..%2f..%2fapp/",
		"http://HOST/app/",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "TRACE", "get", "BREW"} {
			status := g.raw(method+" "+target+" HTTP/1.1\nHost: HOST\nConnection: close\nContent-Length: 0\n\n", "")
			if seen := g.echo.take(); len(seen) != 0 {
				t.Errorf("%s %s reached the upstream (%d)", method, target, status)
			}
			if status/100 == 2 {
				t.Errorf("%s %s: %d", method, target, status)
			}
		}
	}
}

func TestNoHeaderOpensAGate(t *testing.T) {
	g := start(t, site)
	for _, lines := range []string{
		"X-Original-URL: /open", "X-Rewrite-URL: /open", "X-Forwarded-Uri: /open", "X-Forwarded-Prefix: /open",
		"X-Forwarded-Method: OPTIONS", "X-HTTP-Method-Override: OPTIONS", "User-Agent: kube-probe/1.0", "X-Forwarded-For: 127.0.0.1",
		"Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\nSec-WebSocket-Version: 13",
		"Authorization: Basic YWxpY2U6eA==", "Remote-User: alice", "Cookie: next-auth.session-token=x", "Cookie: next-auth.session-token.0=x",
	} {
		status := g.raw("GET /app/ HTTP/1.1\nHost: HOST\n"+lines+"\n\n", "")
		if seen := g.echo.take(); len(seen) != 0 || status != 401 {
			t.Errorf("%q: %d, %d reached the upstream", lines, status, len(seen))
		}
	}
	for name, request := range map[string]string{
		"HTTP/1.0 without a host": "GET /app/ HTTP/1.0\n\n",
		"a doubled host":          "GET /app/ HTTP/1.1\nHost: HOST\nHost: other\n\n",
		"CONNECT":                 "CONNECT HOST HTTP/1.1\nHost: HOST\n\n",
		"an h2c upgrade":          "GET /app/ HTTP/1.1\nHost: HOST\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\n\n",
	} {
		status := g.raw(request, "")
		for _, r := range g.echo.take() {
			if strings.HasPrefix(r.URL.Path, "/app") {
				t.Errorf("%s reached the upstream with %d", name, status)
			}
		}
	}
}

func TestNoSpellingOfAnIdentityHeaderReachesTheUpstream(t *testing.T) {
	g := start(t, site)
	b := g.browser()
	b.signIn("alice")
	cookie := "next-auth.session-token=" + b.cookies["next-auth.session-token"]
	forged := func(r *http.Request) bool {
		for _, header := range []http.Header{r.Header, r.Trailer} {
			for name, values := range header {
				if strings.Contains(strings.Join(values, " "), "mallory") {
					t.Logf("%s: %q", name, values)
					return true
				}
			}
		}
		return false
	}
	for _, lines := range []string{
		"Remote-User: mallory", "remote-user: mallory\nREMOTE-USER: mallory", "Remote_User: mallory", "Remote.User: mallory",
		"X-Signin-Assertion: mallory", "Remote-Groups: mallory\nRemote_Groups: mallory", "Connection: Remote-User, Remote-Email\nRemote-User: mallory",
		"Proxy-Connection: Remote-User", "Connection: keep-alive, remote-user", "TE: trailers\nConnection: TE, Remote-User",
	} {
		for _, path := range []string{"/open", "/app/"} {
			status := g.raw("GET "+path+" HTTP/1.1\nHost: HOST\nCookie: COOKIE\n"+lines+"\n\n", cookie)
			seen := g.echo.take()
			if status != 200 || len(seen) != 1 || forged(seen[0]) {
				t.Errorf("%s with %q: %d, %d requests", path, lines, status, len(seen))
				continue
			}
			if who := seen[0].Header["Remote-User"]; path == "/app/" && (len(who) != 1 || who[0] != "alice") {
				t.Errorf("%s with %q tells the upstream %q", path, lines, who)
			}
		}
	}
	for name, announced := range map[string]string{"announced": "Remote-User", "not announced": "X-Checksum"} {
		status := g.raw("POST /open HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\nTrailer: "+announced+
			"\n\n1\nx\n0\nRemote-User: mallory\nX-Checksum: 1\n\n", "")
		seen := g.echo.take()
		if status != 200 || len(seen) != 1 || forged(seen[0]) {
			t.Errorf("a trailer that is %s: %d, %d requests", name, status, len(seen))
		}
	}
}
