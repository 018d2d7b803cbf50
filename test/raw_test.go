package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// conn is a connection on which a test writes the bytes of a request itself.
type conn struct {
	t *testing.T
	net.Conn
	reader *bufio.Reader
}

// dial connects to the gateway's plain http port.
func (g *gateway) dial() *conn {
	g.t.Helper()
	raw, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", g.port))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { raw.Close() })
	// Only a gateway that hangs ever meets this deadline.
	if err := raw.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		g.t.Fatal(err)
	}
	return &conn{t: g.t, Conn: raw, reader: bufio.NewReader(raw)}
}

// host is the Host header of the plain http port.
func (g *gateway) host() string { return fmt.Sprintf("localhost:%d", g.port) }

func (c *conn) write(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// send writes lines, each with CR and LF; an empty one ends the head.
func (c *conn) send(lines ...string) {
	c.t.Helper()
	c.write(strings.Join(lines, "\r\n") + "\r\n")
}

// answer reads the response to a request that was no HEAD.
func (c *conn) answer() answer {
	c.t.Helper()
	return c.answerTo(http.MethodGet)
}

func (c *conn) answerTo(method string) answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.reader, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	defer resp.Body.Close()
	header := resp.Header.Clone()
	if resp.Close {
		header.Set("Connection", "close")
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return answer{status: resp.StatusCode, header: header}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	return answer{status: resp.StatusCode, header: header, body: string(body)}
}

// raw sends a request line and header lines, without a body, on a connection
// of its own. Host is added unless a line has it.
func (g *gateway) raw(lines ...string) answer {
	g.t.Helper()
	hasHost := strings.Contains(lines[0], "HTTP/1.0")
	for _, line := range lines[1:] {
		hasHost = hasHost || strings.HasPrefix(strings.ToLower(line), "host:")
	}
	if !hasHost {
		lines = append(lines, "Host: "+g.host())
	}
	c := g.dial()
	c.send(append(lines, "Connection: close", "")...)
	method, _, _ := strings.Cut(lines[0], " ")
	return c.answerTo(method)
}
