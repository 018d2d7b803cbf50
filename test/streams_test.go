package test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/memory"
)

// elsewhere is the store of realms without a name as another process has it.
func elsewhere(t *testing.T) sessionstore.Store {
	t.Helper()
	module := &memory.Memory{MaxSize: 64 << 20}
	store, err := module.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := module.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// endElsewhere ends every session in the store, as another process does it.
func endElsewhere(t *testing.T) {
	t.Helper()
	store, ended := elsewhere(t), 0
	err := store.(sessionstore.Lister).List(t.Context(), "", func(key string, _ []byte) bool {
		if strings.Contains(key, "|token|") {
			ended++
			if err := store.Delete(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
		return true
	})
	if err != nil || ended == 0 {
		t.Fatalf("%d sessions ended, %v", ended, err)
	}
}

// The second site is there for its certificate, which is the first one's too.
const streamSites = `
http://localhost:{$HTTP}, https://localhost:{$HTTPS} {
	signin {
		secret {$SECRET}
		store memory
		{$USERS}
	}
	require_signin /app/*
	reverse_proxy {$ECHO}
}
https://127.0.0.1:{$HTTPS} {
	tls {$CERT} {$KEY}
}
`

// stream answers /events with an event stream and /socket with another
// protocol that says back what it hears, both without an end of their own.
func (e *echo) stream(t *testing.T) (ended func()) {
	t.Helper()
	var open sync.WaitGroup
	e.answerWith(func(w http.ResponseWriter, r *http.Request) {
		open.Add(1)
		defer open.Done()
		if r.Header.Get("Upgrade") != "" {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_, _ = io.Copy(conn, rw)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: first\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	return open.Wait
}

// events opens an event stream, and returns where its end is told.
func (b *browser) events() <-chan error {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.origin+"/app/events", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	body := bufio.NewReader(response.Body)
	if line, err := body.ReadString('\n'); err != nil || line != "data: first\n" || response.StatusCode != http.StatusOK {
		b.t.Fatalf("the stream of %s begins with %d %q, %v", response.Proto, response.StatusCode, line, err)
	}
	if (b.names.Secure && response.ProtoMajor != 2) || (!b.names.Secure && response.ProtoMajor != 1) {
		b.t.Errorf("the stream came over %s", response.Proto)
	}
	ended := make(chan error, 1)
	go func() {
		defer response.Body.Close()
		_, err := io.Copy(io.Discard, body)
		ended <- err
	}()
	return ended
}

// socket opens a WebSocket as far as proxies know one, and returns where its
// end is told, and how to say something and hear it back.
func (b *browser) socket() (say func(string) error, ended <-chan error) {
	b.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(b.t.Context(), "tcp", strings.Replace(b.url().Host, "localhost", "127.0.0.1", 1))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /app/socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: %s=%s\r\n\r\n",
		b.url().Host, b.names.Session, b.token())
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		b.t.Fatalf("the upgrade gives %v, %v", response, err)
	}
	heard, end := make(chan string, 8), make(chan error, 1)
	go func() {
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				end <- err
				return
			}
			heard <- line
		}
	}()
	return func(text string) error {
		if _, err := io.WriteString(conn, text+"\n"); err != nil {
			return fmt.Errorf("saying something: %w", err)
		}
		select {
		case line := <-heard:
			if line != text+"\n" {
				return fmt.Errorf("said %q, heard %q", text, line)
			}
			return nil
		case <-time.After(10 * time.Second):
			return context.DeadlineExceeded
		}
	}, end
}

// Whatever is open ends with its session.
func TestOpenStreamsEndWithTheSession(t *testing.T) {
	g := start(t, streamSites)
	for _, test := range []struct {
		name string
		end  func(t *testing.T, both ...*browser)
	}{
		{"signed out here", func(_ *testing.T, both ...*browser) {
			for _, b := range both {
				b.signOut()
			}
		}},
		{"signed out elsewhere", func(t *testing.T, _ ...*browser) { t.Helper(); endElsewhere(t) }},
		{"signed out on all devices", func(t *testing.T, both ...*browser) {
			t.Helper()
			for _, b := range both {
				if got := b.post("/api/auth/signout", b.form("everywhere", "true")); got.status != http.StatusFound {
					t.Errorf("status %d", got.status)
				}
			}
		}},
		{"signed in as another", func(_ *testing.T, both ...*browser) {
			for _, b := range both {
				b.signIn("bob")
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			upstreamEnded := g.echo.stream(t)
			plainly, securely := g.browser(), g.secureBrowser()
			plainly.signIn("alice")
			securely.signIn("alice")
			say, socket := plainly.socket()
			streams := map[string]<-chan error{"events over HTTP/1.1": plainly.events(), "events over HTTP/2": securely.events(), "a WebSocket": socket}
			if err := say("hello"); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			test.end(t, plainly, securely)
			for what, ended := range streams {
				select {
				case err := <-ended:
					t.Logf("%s ended after %v with %v", what, time.Since(began).Round(time.Millisecond), err)
					if what != "a WebSocket" && err == nil {
						t.Errorf("%s ended as if it were complete", what)
					}
				case <-time.After(10 * time.Second):
					t.Errorf("%s goes on", what)
				}
			}
			upstreamEnded()
		})
	}
}

// Streams of others, and of open routes, are left alone.
func TestOtherStreamsGoOn(t *testing.T) {
	g := start(t, strings.Replace(streamSites, ", https://localhost:{$HTTPS}", "", 1))
	g.echo.stream(t)
	alice, bob := g.browser().signIn("alice"), g.browser().signIn("bob")
	say, ended := bob.socket()
	events := alice.events()
	alice.signOut()
	select {
	case <-events:
	case <-time.After(10 * time.Second):
		t.Fatal("alice's stream goes on")
	}
	if err := say("still here"); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		t.Error("bob's stream ended with alice's session")
	default:
	}
}
