package test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// startHTTP3 is start with HTTP/3 on the TLS port, and a client that speaks
// nothing else.
func startHTTP3(t *testing.T, sites string) (*gateway, *http3.Transport) {
	t.Helper()
	g := startGlobal(t, `
	servers 127.0.0.1:{$HTTPS} {
		protocols h1 h2 h3
	}
`, sites)
	g.secureBrowser()
	transport := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}}
	t.Cleanup(func() { transport.Close() })
	return g, transport
}

// sendHTTP3 sends a request without a body for a target as it is written, and
// returns the status, or 0 where the request was refused as no valid HTTP/3.
func (g *gateway) sendHTTP3(transport *http3.Transport, method, target string, lines ...string) int {
	g.t.Helper()
	host := fmt.Sprintf("localhost:%d", g.tlsPort)
	r := &http.Request{
		Method: method, Host: host, Header: make(http.Header),
		URL: &url.URL{Scheme: "https", Host: host, Opaque: target},
	}
	if strings.HasPrefix(target, "//") { // as Opaque it would be a host
		r.URL.Opaque, r.URL.Path = "", target
	}
	headerLines(lines).set(r.Header)
	// Only a request that is never answered meets this deadline.
	ctx, cancel := context.WithTimeout(g.t.Context(), 10*time.Second)
	defer cancel()
	resp, err := transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // what counts is the status
	return resp.StatusCode
}

// Requirement G7: HTTP/3 decides alike.
func TestNoSpellingOfAGuardedPathPassesOverHTTP3(t *testing.T) {
	g, transport := startHTTP3(t, secureSite)
	answered := 0
	for target, want := range guardedTargets {
		if strings.HasPrefix(target, "http") {
			continue
		}
		for _, method := range methods {
			status := g.sendHTTP3(transport, method, target)
			if status != 0 {
				answered++
			}
			if want != 0 && status != want && status != 0 {
				t.Errorf("%s %q: status %d, want %d", method, target, status, want)
			}
			for _, seen := range g.echo.take() {
				if want != 0 || reachesApp(seen.URI) {
					t.Errorf("%s %q reached the upstream as %s", method, target, seen.URI)
				}
			}
		}
	}
	if answered < len(guardedTargets)*len(methods)/2 {
		t.Errorf("only %d requests were answered", answered)
	}
}

func TestForgedHeadersOverHTTP3(t *testing.T) {
	g, transport := startHTTP3(t, secureSite)
	claims := g.claimsOf()
	claims.Realm = fmt.Sprintf("https://localhost:%d", g.tlsPort)
	cookie := "cookie: __Secure-next-auth.session-token=" + seal(t, secret, claims)
	for _, lines := range [][]string{
		nil,
		{"remote-user: forged"},
		{"remote-user: forged", "remote-user: forged"},
		{"remote_user: forged"},
		{"remote.user: forged"},
		{"x-signin-assertion: forged"},
		{"remote-email: forged", "remote-groups: forged"},
		{"keep-alive: remote-user"},
	} {
		for _, path := range []string{"/open", "/app/"} {
			status := g.sendHTTP3(transport, http.MethodGet, path, append([]string{cookie}, lines...)...)
			seen := g.echo.take()
			if status == 0 && len(seen) == 0 && lines != nil {
				continue // refused as no valid HTTP/3
			}
			if status != http.StatusOK || len(seen) != 1 {
				t.Errorf("%v: %s is answered %d, %d requests upstream", lines, path, status, len(seen))
				continue
			}
			if name := forgedIn(seen[0]); name != "" {
				t.Errorf("%v: %s reached the upstream", lines, name)
			}
			if user := seen[0].Header["Remote-User"]; path == "/app/" && !slices.Equal(user, []string{"alice"}) {
				t.Errorf("%v: the upstream is told %q", lines, user)
			}
		}
	}
}
