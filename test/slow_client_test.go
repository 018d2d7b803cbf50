package test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// beginPost sends the head of a POST, and waits until the gateway asks for the body.
func (b *browser) beginPost(g *gateway, target string, length int) *conn {
	b.t.Helper()
	c := g.dial()
	c.send("POST "+target+" HTTP/1.1", "Host: "+g.host(), formType, fmt.Sprintf("Content-Length: %d", length),
		"Cookie: "+plain.CSRF+"="+b.cookie(plain.CSRF), "Expect: 100-continue", "")
	if line, err := c.reader.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		b.t.Fatalf("the gateway does not ask for the body: %q, %v", line, err)
	}
	if _, err := c.reader.ReadString('\n'); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// Requirement N6: clients that send a body slowly hold up nobody else.
func TestSlowBodiesHoldUpNobody(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	form := b.form("username", "alice", "password", password, "json", "true")
	var slow []*conn
	for range 20 {
		c := b.beginPost(g, "/api/auth/callback/credentials", len(form))
		c.write(form[:len(form)/2])
		slow = append(slow, c)
	}
	g.browser().signIn("alice").signOut()
	for _, c := range slow[:2] {
		c.write(form[len(form)/2:])
		if got := c.answer(); got.status != http.StatusOK || len(got.header["Set-Cookie"]) == 0 {
			t.Errorf("a body that came slowly: %d %s", got.status, got.body)
		}
	}
}

// Requirement N6: Caddy's read_body ends such a request, and half a form signs nobody in.
func TestABodyThatTakesTooLongIsRefused(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	form := b.form("username", "alice", "password", password, "json", "true") + "&rest="
	g.reload(`
	servers 127.0.0.1:{$HTTP} {
		timeouts {
			read_body 200ms
		}
	}
`, onePasswordSite)
	c := b.beginPost(g, "/api/auth/callback/credentials", len(form)+100)
	c.write(form)
	got := c.answer()
	if got.status != http.StatusBadRequest || len(got.header["Set-Cookie"]) > 0 {
		t.Errorf("a body that never ends: %d %v", got.status, got.header)
	}
	if _, err := c.reader.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection stays open: %v", err)
	}
}
