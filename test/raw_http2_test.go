package test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2conn is an HTTP/2 connection on which a test writes the header fields of a
// request itself.
type h2conn struct {
	t      *testing.T
	framer *http2.Framer
	stream uint32
}

// dialHTTP2 connects to the gateway's TLS port.
func (g *gateway) dialHTTP2() *h2conn {
	g.t.Helper()
	raw, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", g.tlsPort), &tls.Config{
		InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{"h2"},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { raw.Close() })
	// Only a gateway that hangs ever meets this deadline.
	if err := raw.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		g.t.Fatal(err)
	}
	if _, err := io.WriteString(raw, http2.ClientPreface); err != nil {
		g.t.Fatal(err)
	}
	framer := http2.NewFramer(raw, raw)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := framer.WriteSettings(); err != nil {
		g.t.Fatal(err)
	}
	return &h2conn{t: g.t, framer: framer, stream: 1}
}

// send writes one request without a body. Fields are "name: value", the
// pseudo-headers too.
func (c *h2conn) send(fields ...string) int { c.t.Helper(); return c.begin(true, fields...) }

// begin is send, after which the stream stays open unless ended.
func (c *h2conn) begin(ended bool, fields ...string) int {
	c.t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		at := strings.Index(field[1:], ": ") + 1
		if err := encoder.WriteField(hpack.HeaderField{Name: field[:at], Value: field[at+2:]}); err != nil {
			c.t.Fatal(err)
		}
	}
	err := c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: c.stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: ended,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.stream += 2
	return c.status(c.stream - 2)
}

// status reads until the stream's status, or 0 where it or the connection is
// reset instead.
func (c *h2conn) status(stream uint32) int {
	c.t.Helper()
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return 0
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if status, err := strconv.Atoi(frame.PseudoValue("status")); err == nil && frame.StreamID == stream {
				return status
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID == stream {
				return 0
			}
		case *http2.GoAwayFrame:
			return 0
		}
	}
}

// Requirement G7: HTTP/2 decides alike.
func TestNoSpellingOfAGuardedPathPassesOverHTTP2(t *testing.T) {
	g := start(t, secureSite)
	g.secureBrowser()
	authority := fmt.Sprintf("localhost:%d", g.tlsPort)
	for target, want := range guardedTargets {
		if strings.HasPrefix(target, "http") {
			continue
		}
		for _, method := range methods {
			status := g.dialHTTP2().send(":method: "+method, ":scheme: https", ":authority: "+authority, ":path: "+target)
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
}

func TestForgedHeadersOverHTTP2(t *testing.T) {
	g := start(t, secureSite)
	g.secureBrowser()
	authority := fmt.Sprintf("localhost:%d", g.tlsPort)
	claims := g.claimsOf()
	claims.Realm = "https://" + authority
	cookie := "cookie: __Secure-next-auth.session-token=" + seal(t, secret, claims)
	for _, fields := range [][]string{
		{"remote-user: forged"},
		{"remote-user: forged", "remote-user: forged"},
		{"remote_user: forged"},
		{"remote.user: forged"},
		{"Remote-User: forged"},
		{"connection: remote-user"},
		{"te: trailers", "trailer: remote-user"},
		{"x-signin-assertion: forged"},
		{"remote-email: forged", "remote-groups: forged"},
		{"cookie: a=b", "cookie: next-auth.session-token=x"},
	} {
		for _, path := range []string{"/open", "/app/"} {
			status := g.dialHTTP2().send(append([]string{":method: GET", ":scheme: https", ":authority: " + authority, ":path: " + path, cookie}, fields...)...)
			seen := g.echo.take()
			if (status == 0 || status == http.StatusBadRequest) && len(seen) == 0 {
				continue // refused as no valid HTTP/2
			}
			if status != http.StatusOK || len(seen) != 1 {
				t.Errorf("%v: %s is answered %d, %d requests upstream", fields, path, status, len(seen))
				continue
			}
			if name := forgedIn(seen[0]); name != "" {
				t.Errorf("%v: %s reached the upstream", fields, name)
			}
			if user := seen[0].Header["Remote-User"]; path == "/app/" && !slices.Equal(user, []string{"alice"}) {
				t.Errorf("%v: the upstream is told %q", fields, user)
			}
			if cookies := strings.Join(seen[0].Header["Cookie"], "; "); strings.Contains(cookies, "next-auth") {
				t.Errorf("%v: the upstream got the cookies %s", fields, cookies)
			}
		}
	}
}

// :authority and Host that differ, and hosts that nobody named, open nothing.
func TestHostsOverHTTP2(t *testing.T) {
	g := start(t, strings.Replace(secureSite, "https://localhost:{$HTTPS}", "https://:{$HTTPS}, https://localhost:{$HTTPS}", 1))
	g.secureBrowser()
	authority := fmt.Sprintf("localhost:%d", g.tlsPort)
	for _, test := range []struct {
		name      string
		authority string
		host      string
		statuses  []int
	}{
		{"the right authority", authority, "", []int{401}},
		{"another Host beside it", authority, "evil.example", []int{400, 401, 0}},
		{"an authority that nobody named", "evil.example", "", []int{421}},
		{"the right Host beside a foreign authority", "evil.example", authority, []int{400, 421, 0}},
	} {
		fields := []string{":method: GET", ":scheme: https", ":authority: " + test.authority, ":path: /app/"}
		if test.host != "" {
			fields = append(fields, "host: "+test.host)
		}
		if status := g.dialHTTP2().send(fields...); !slices.Contains(test.statuses, status) {
			t.Errorf("%s: status %d, want one of %v", test.name, status, test.statuses)
		}
		g.echo.none(t)
	}
}
