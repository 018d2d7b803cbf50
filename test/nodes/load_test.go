package nodes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// load is what people do while the server is reloaded: a wrong answer fails the
// test, a connection that breaks off is counted.
type load struct {
	t       *testing.T
	stop    context.CancelFunc
	workers sync.WaitGroup
	right   atomic.Int64
	broken  atomic.Int64
	laps    []*atomic.Int64 // of each worker
	after   func()
}

// start runs one after the other of do, again and again, until the load stops.
func (l *load) start(ctx context.Context, what string, do func(context.Context) error) {
	laps := new(atomic.Int64)
	l.laps = append(l.laps, laps)
	l.workers.Go(func() {
		for ; ctx.Err() == nil; laps.Add(1) {
			switch err := do(ctx); {
			case ctx.Err() != nil:
			case errors.Is(err, errWrong):
				l.t.Errorf("%s: %v", what, err)
				return
			case err != nil:
				l.broken.Add(1)
			default:
				l.right.Add(1)
			}
		}
	})
}

// more waits for so many more right answers.
func (l *load) more(count int64) {
	l.t.Helper()
	for enough, deadline := l.right.Load()+count, time.Now().Add(time.Minute); l.right.Load() < enough && !l.t.Failed(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatal("the load is stuck")
		}
	}
}

// everybody waits until every worker has ended what it was doing, and has done
// it once more.
func (l *load) everybody() {
	l.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for i, laps := range l.laps {
		for enough := laps.Load() + 2; laps.Load() < enough && !l.t.Failed(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				l.t.Fatalf("worker %d of the load is stuck", i)
			}
		}
	}
}

// end stops the load, and demands that hardly a connection broke off: at a
// reload Caddy itself resets some of those that are just being made.
func (l *load) end(reloads int64) {
	l.t.Helper()
	l.stop()
	l.workers.Wait()
	l.after()
	right, broken := l.right.Load(), l.broken.Load()
	l.t.Logf("%d reloads: %d right answers, %d broken connections", reloads, right, broken)
	if broken > 2*reloads {
		l.t.Errorf("%d connections broke off in %d reloads", broken, reloads)
	}
}

// plainLoad is what a Caddy without signin is asked by as many.
func (n *node) plainLoad() *load {
	n.t.Helper()
	ctx, stop := context.WithCancel(n.t.Context())
	l := &load{t: n.t, stop: stop, after: func() {}}
	for range 6 {
		l.start(ctx, "a request", func(ctx context.Context) error {
			b := n.browser()
			defer b.client.CloseIdleConnections()
			for range 5 {
				if err := expect(b, ctx, "/app/", func(got answer) bool { return got.status == http.StatusOK }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return l
}

// steadyLoad is signed-in requests of both kinds, sign-ins and sign-outs, and
// sign-ins with a provider that take their time.
func (n *node) steadyLoad(op *providertest.Server) *load {
	n.t.Helper()
	ctx, stop := context.WithCancel(n.t.Context())
	l := &load{t: n.t, stop: stop, after: func() {}}
	alice, bob := n.browser().signIn(n.t, "alice"), n.browser().signIn(n.t, "bob")
	l.after = func() {
		alice.client.CloseIdleConnections()
		bob.client.CloseIdleConnections()
	}
	l.start(ctx, "a guarded request", func(ctx context.Context) error {
		return expect(alice, ctx, "/app/", func(got answer) bool { return got.status == http.StatusOK && got.body == "user alice" })
	})
	l.start(ctx, "GET session", func(ctx context.Context) error {
		return expect(bob, ctx, "/api/auth/session", func(got answer) bool { return strings.Contains(got.body, `"expires"`) })
	})
	l.start(ctx, "a stranger", func(ctx context.Context) error {
		b := n.browser()
		defer b.client.CloseIdleConnections()
		return expect(b, ctx, "/app/", func(got answer) bool { return got.status == http.StatusFound })
	})
	l.start(ctx, "signing in and out", func(ctx context.Context) error { return inAndOut(ctx, n.browser()) })
	for range 2 {
		l.start(ctx, "a sign-in with a provider", func(ctx context.Context) error { return withProvider(ctx, n.browser(), op) })
	}
	return l
}

func expect(b *browser, ctx context.Context, path string, right func(answer) bool) error { // b is the subject
	got, err := b.send(ctx, http.MethodGet, path, nil)
	if err == nil && !right(got) {
		return fmt.Errorf("%s gives %d %q: %w", path, got.status, got.body, errWrong)
	}
	return err
}

func inAndOut(ctx context.Context, b *browser) error {
	defer b.client.CloseIdleConnections()
	got, err := b.post(ctx, "/api/auth/callback/credentials", "username", "alice", "password", password)
	if err != nil {
		return err
	}
	if got.status != http.StatusOK || strings.Contains(got.body, "error") {
		return fmt.Errorf("signing in gives %d %q: %w", got.status, got.body, errWrong)
	}
	if err := expect(b, ctx, "/app/", func(got answer) bool { return got.body == "user alice" }); err != nil {
		return err
	}
	if got, err = b.post(ctx, "/api/auth/signout"); err != nil {
		return err
	}
	if got.status != http.StatusOK || strings.Contains(got.body, "csrf") {
		return fmt.Errorf("signing out gives %d %q: %w", got.status, got.body, errWrong)
	}
	return expect(b, ctx, "/app/", func(got answer) bool { return got.status == http.StatusFound })
}

// withProvider begins a sign-in, is away at the provider, and comes back.
func withProvider(ctx context.Context, b *browser, op *providertest.Server) error {
	defer b.client.CloseIdleConnections()
	got, err := b.post(ctx, "/api/auth/signin/corp", "callbackUrl", "/app/")
	if err != nil {
		return err
	}
	_, target, _ := strings.Cut(got.body, `"url":"`)
	params, err := op.Authorize(strings.TrimSuffix(target, `"}`))
	if err != nil {
		return fmt.Errorf("beginning gives %d %q: %w", got.status, got.body, errWrong)
	}
	// Other requests in between, so that a reload may come.
	for range 20 {
		if _, err := b.send(ctx, http.MethodGet, "/api/auth/providers", nil); err != nil && ctx.Err() != nil {
			return err
		}
	}
	back, err := b.send(ctx, http.MethodGet, "/api/auth/callback/corp?"+params.Encode(), nil)
	if err != nil {
		return err
	}
	if back.location != b.origin+"/app/" {
		return fmt.Errorf("coming back gives %d %q: %w", back.status, back.location, errWrong)
	}
	return expect(b, ctx, "/app/", func(got answer) bool { return got.status == http.StatusOK })
}

// socket opens what a proxy knows as a WebSocket, and returns how to say
// something and hear it back, and how to close it.
func (b *browser) socket(t *testing.T, path string) (say func(string) error, hangUp func()) {
	t.Helper()
	at, err := url.Parse(b.origin)
	if err != nil {
		t.Fatal(err)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:"+at.Port())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	request := "GET " + path + " HTTP/1.1\r\nHost: " + at.Host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	for _, cookie := range b.client.Jar.Cookies(at) {
		request += "Cookie: " + cookie.Name + "=" + cookie.Value + "\r\n"
	}
	_, _ = io.WriteString(conn, request+"\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade gives %v, %v", response, err)
	}
	return func(text string) error {
		if _, err := io.WriteString(conn, text+"\n"); err != nil {
			return fmt.Errorf("saying %q: %w", text, err)
		}
		heard, err := reader.ReadString('\n')
		if err != nil || heard != text+"\n" {
			return fmt.Errorf("said %q, heard %q: %w", text, heard, err)
		}
		return nil
	}, func() { conn.Close() }
}
