//go:build services

package test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

// hostileRequests are first lines of requests that some upstream takes for
// something below /admin, or for a page of its own, but a path matcher may not.
var hostileRequests = []string{
	"GET x:http://{H}/admin/x", "GET http:admin/x", "GET http:/admin/x", "GET http:///admin/x", "GET x://{H}/admin/x", "GET *",
	"CONNECT {H}", "CONNECT /admin/x", "GET http://user@{H}/admin/x", "GET http://{H}//x/admin/x",
	"GET /admin/../x", "GET /admin/../public/x", "GET /admin/..", "GET /admin/./../x", "GET /public/../admin/x", "GET /public/./../admin/x",
	"GET /public/%2e%2e/admin/x", "GET /public/.%2E/admin/x", "GET /public/..%2fadmin/x", "GET /public/..%5cadmin/x", `GET /public\..\admin\x`,
	"GET /public/..;/admin/x", "GET /public/.%09./admin/x", "GET /;/admin/x", "GET //x/admin/x", "GET ///x/admin/x", "GET //admin/x",
	"GET /%2fx/admin/x", `GET /\x/admin/x`, "GET /%5cx/admin/x", "GET /admin%00/x", "GET /admin%0a", "GET /admin/x#y", "GET /public/x/../../admin",
	"HEAD /admin/../x", "POST /public/../admin/x", "OPTIONS //x/admin/x",
	// These every reader takes for /admin.
	"GET /admin", "GET /admin/x", "GET /ADMIN/x", "GET /%61dmin/x", "GET /admin%2fx", "GET /admin//x", "GET http://{H}/admin/x", "GET https://{H}/admin/x",
}

// openRequests are never below /admin.
var openRequests = []string{
	"GET /public/x", "GET /public/a%2Fb", "GET /public/a;v=1/b", "GET /public//admin/x", "GET /public/a..b/...", "GET /public/?x=/../admin/x",
	"GET /public/%252e%252e/admin/x", "GET /public/x:y/z", "GET /public/caf%C3%A9", "GET http://{H}/public/x", "POST /public/x",
}

const (
	guardedPrefix = `
	require_signin /admin/*
	{$UPSTREAM}`
	openPrefix = `
	handle /public/* {
		{$UPSTREAM}
	}
	handle {
		require_signin
		{$UPSTREAM}
	}`
	guardedWhole = `
	require_signin /*
	{$UPSTREAM}`
)

// upstreamSite puts a gate before the upstream whose directive is {$UPSTREAM}.
func upstreamSite(gate string) string {
	block := " {\n\tsignin {\n\t\tsecret {$SECRET}\n\t\t{$USERS}\n\t}\n" + gate + "\n}\n"
	return "http://:{$HTTP}" + block + "https://localhost:{$HTTPS}" + strings.Replace(block, "{", "{\n\ttls {$CERT} {$KEY}", 1)
}

// Whatever a target is, what an upstream serves below /admin comes to nobody
// without a session.
func TestRealUpstreamsBehindAGate(t *testing.T) {
	upstreams := make(map[string]string)
	for name, address := range servers.StartFrameworks(t) {
		upstreams[name] = "reverse_proxy " + address
	}
	upstreams["go"] = "reverse_proxy " + startGoUpstream(t)
	upstreams["nginx"] = "reverse_proxy " + servers.StartNginx(t)
	upstreams["php"] = "root " + phpFrontController(t) + "\nphp_fastcgi " + servers.StartPHP(t)
	for name, directive := range upstreams {
		t.Run(name, func(t *testing.T) {
			t.Setenv("UPSTREAM", directive)
			var g *gateway
			for gate, opens := range map[string]bool{guardedPrefix: true, openPrefix: true, guardedWhole: false} {
				if g == nil {
					g = start(t, upstreamSite(gate))
				} else {
					g.reload("", upstreamSite(gate))
				}
				g.attack(t, gate, opens)
			}
		})
	}
}

// attack sends every request over plain HTTP/1.1, and for one of the gates over
// TLS and HTTP/2 as well.
func (g *gateway) attack(t *testing.T, gate string, opens bool) {
	t.Helper()
	g.secureBrowser()
	refused := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusFound}
	for _, request := range hostileRequests {
		for how, got := range g.sendAll(request, gate == openPrefix) {
			if !slices.Contains(refused, got.status) || got.body == "guarded" || got.body == "open" {
				t.Errorf("%s\n%s over %s: status %d %q", gate, request, how, got.status, got.body)
			}
		}
	}
	for _, request := range openRequests {
		for how, got := range g.sendAll(request, gate == openPrefix) {
			if opens && (got.status != http.StatusOK || got.body != "" && got.body != "open") || !opens && got.status != http.StatusUnauthorized {
				t.Errorf("%s\n%s over %s: status %d %q", gate, request, how, got.status, got.body)
			}
		}
	}
	token := seal(t, secret, g.claimsOf())
	if got := g.raw("GET /admin/x HTTP/1.1", "Cookie: next-auth.session-token="+token); got.status != http.StatusOK || got.body != "guarded" {
		t.Errorf("%s\nwith a session: status %d %q", gate, got.status, got.body)
	}
}

func (g *gateway) sendAll(request string, securely bool) map[string]answer {
	g.t.Helper()
	answers := map[string]answer{
		"HTTP": g.raw(strings.ReplaceAll(request, "{H}", g.host())+" HTTP/1.1", "Content-Length: 0"),
	}
	if !securely {
		return answers
	}
	host := fmt.Sprintf("localhost:%d", g.tlsPort)
	answers["TLS"] = g.rawTLS(strings.ReplaceAll(request, "{H}", host)+" HTTP/1.1", "Host: "+host, "Content-Length: 0")
	method, target, _ := strings.Cut(request, " ")
	fields := []string{":method: " + method, ":scheme: https", ":authority: " + host, ":path: " + target}
	if method == http.MethodConnect {
		fields = slices.Delete(fields, 3, 4)
		fields = slices.Delete(fields, 1, 2)
	}
	// What HTTP/2 itself refuses has no status.
	if status := g.dialHTTP2().send(fields...); status != 0 {
		answers["HTTP/2"] = answer{status: status}
	}
	return answers
}

// rawTLS is raw for the TLS port.
func (g *gateway) rawTLS(lines ...string) answer {
	g.t.Helper()
	raw, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", g.tlsPort), &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"})
	if err != nil {
		g.t.Fatal(err)
	}
	defer raw.Close()
	return askOn(g.t, raw, lines...)
}

// askOn sends the lines of a request without a body on a connection of its own.
func askOn(t *testing.T, raw net.Conn, lines ...string) answer {
	t.Helper()
	// Only a server that hangs ever meets this deadline.
	if err := raw.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c := &conn{t: t, Conn: raw, reader: bufio.NewReader(raw)}
	c.send(append(lines, "Connection: close", "")...)
	method, _, _ := strings.Cut(lines[0], " ")
	return c.answerTo(method)
}

// The attacks are real: asked without a gateway, the upstreams take targets for
// their guarded route that don't begin with /admin once cleaned.
func TestUpstreamsReadTargetsTheirOwnWay(t *testing.T) {
	addresses := servers.StartFrameworks(t)
	addresses["go"] = startGoUpstream(t)
	for name, want := range map[string][]string{
		"express": {"GET x:http://{H}/admin/x", "GET /admin/../x"},
		"fastify": {"GET /admin/../x"},
		"koa":     {"GET x:http://{H}/admin/x", "GET /admin/../x"},
		"url":     {"GET //x/admin/x", "GET /public/%2e%2e/admin/x", "GET /public/../admin/x"},
		"go":      {"GET /admin/../x"},
	} {
		for _, request := range want {
			raw, err := net.Dial("tcp", addresses[name])
			if err != nil {
				t.Fatal(err)
			}
			// The proxy sends of an opaque target what follows the scheme.
			line := strings.Replace(strings.ReplaceAll(request, "{H}", addresses[name]), " x:", " ", 1)
			if got := askOn(t, raw, line+" HTTP/1.1", "Host: "+addresses[name]); got.body != "guarded" {
				t.Errorf("%s answers %s with %d %q", name, request, got.status, got.body)
			}
			raw.Close()
		}
	}
}

// startGoUpstream routes by the path's beginning, as many Go programs do.
func startGoUpstream(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route := "open"
		if path := strings.ToLower(r.URL.Path); path == "/admin" || strings.HasPrefix(path, "/admin/") {
			route = "guarded"
		}
		_, _ = io.WriteString(w, route) // the client is the gateway
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// phpFrontController is a folder with an index.php that routes all requests.
func phpFrontController(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := `<?php
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');
echo preg_match('{^/admin(/|$)}i', $path) ? 'guarded' : 'open';
`
	if err := os.WriteFile(filepath.Join(dir, "index.php"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
