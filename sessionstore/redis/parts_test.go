package redis

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// globMatches is Redis's matching of the patterns that escapePattern makes: a
// backslash makes the next byte literal, * is anything, the other special bytes
// match no single byte here, so that one left unescaped is found out.
func globMatches(pattern, text string) bool {
	for len(pattern) > 0 {
		switch pattern[0] {
		case '*':
			for i := 0; i <= len(text); i++ {
				if globMatches(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case '?', '[', ']', '^', '-':
			return false
		case '\\':
			if len(pattern) == 1 {
				return false
			}
			pattern = pattern[1:]
		}
		if text == "" || pattern[0] != text[0] {
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}

func FuzzPattern(f *testing.F) {
	f.Add("si:*", "si:a", "x")
	f.Add(`\`, `\\`, "")
	f.Add("[a-z]?^", "b", "]")
	f.Fuzz(func(t *testing.T, prefix, other, rest string) {
		pattern := escapePattern(prefix) + "*"
		if !globMatches(pattern, prefix+rest) {
			t.Errorf("%q doesn't match %q", pattern, prefix+rest)
		}
		if globMatches(pattern, other) != strings.HasPrefix(other, prefix) {
			t.Errorf("%q and %q", pattern, other)
		}
	})
}

func TestOwnWritesAreKnownForASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w ownWrites
		if w.has("a") {
			t.Error("a key that was never written is known")
		}
		w.add("a")
		time.Sleep(ownWriteTime / 2)
		w.add("b")
		w.add("a") // later again
		time.Sleep(ownWriteTime * 3 / 4)
		if !w.has("a") || !w.has("b") || w.has("c") {
			t.Error("what was written less than a second ago is not known")
		}
		time.Sleep(ownWriteTime / 2)
		if w.has("a") || w.has("b") {
			t.Error("what was written more than a second ago is known")
		}
		for i := range 10_000 {
			w.add(fmt.Sprint(i))
		}
		time.Sleep(ownWriteTime)
		w.add("last")
		if len(w.latest) != 1 || len(w.queue) != 1 || cap(w.queue) > 64 {
			t.Errorf("%d keys and a queue of %d (%d) are held for one", len(w.latest), len(w.queue), cap(w.queue))
		}
	})
}

func TestEvictionPolicy(t *testing.T) {
	t.Parallel()
	for info, want := range map[string]string{
		"": "",
		"# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n":   "",
		"maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n":          "",
		"maxmemory:1048576\r\nmaxmemory_policy:volatile-ttl\r\nx:1\r\n": "volatile-ttl",
	} {
		if got := evictionPolicy(info); got != want {
			t.Errorf("%q: %q, want %q", info, got, want)
		}
	}
}

// echoing is a server that, like some proxies, repeats what it doesn't know.
func echoing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					// A command is *<n>, then n times $<length> and the argument.
					n, _ := strconv.Atoi(strings.TrimPrefix(lines.Text(), "*"))
					arguments := make([]string, n)
					for i := range arguments {
						lines.Scan()
						lines.Scan()
						arguments[i] = lines.Text()
					}
					fmt.Fprintf(conn, "-ERR what is %q\r\n", arguments)
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestErrorsHoldNoPassword(t *testing.T) {
	t.Parallel()
	for _, kind := range []settings{
		{}, {cluster: true}, {sentinel: Sentinel{Master: "m", Password: "sesame of the sentinels"}},
	} {
		kind.endpoint = endpoint{network: tcp, addresses: []string{echoing(t)}, username: "u", password: "open sesame"}
		conn := newConnection(kind)
		conn.hold(&holder{logger: zap.NewNop()})
		t.Cleanup(func() { _ = conn.Destruct() })
		err := newStore(conn, defaultPrefix).Put(t.Context(), "k", nil, time.Now().Add(time.Hour))
		if err == nil || strings.Contains(err.Error(), "sesame") || !strings.Contains(err.Error(), kind.addresses[0]) {
			t.Errorf("%s: %v", &kind, err)
		}
	}
	server := errors.New("-ERR unknown command 'AUTH', with args beginning with: 'u' 'open sesame'")
	if got := redact(server, []string{"open sesame"}).Error(); strings.Contains(got, "sesame") || !strings.Contains(got, "REDACTED") {
		t.Errorf("redacted: %s", got)
	}
	if plain := errors.New("EOF"); !errors.Is(redact(plain, []string{"open sesame"}), plain) {
		t.Error("an error without a secret was replaced")
	}
}

func TestLengths(t *testing.T) {
	t.Parallel()
	s := newStore(newConnection(settings{}), defaultPrefix) // it must not connect
	ctx := t.Context()
	if err := s.Put(ctx, "k", make([]byte, sessionstore.MaxValue+1), time.Now().Add(time.Hour)); !errors.Is(err, sessionstore.ErrLength) {
		t.Errorf("Put = %v", err)
	}
	if _, err := s.Get(ctx, strings.Repeat("k", sessionstore.MaxKey+1)); !errors.Is(err, sessionstore.ErrLength) {
		t.Errorf("Get = %v", err)
	}
}

// Within two seconds of the moment when a server is last heard, every call
// fails: it is given up after two intervals and the answer's time, and the call
// that then asks waits for its own. A cluster and sentinels are no different.
func TestTheTimeUntilCallsFailIsBounded(t *testing.T) {
	t.Parallel()
	for _, kind := range []settings{{}, {cluster: true}, {sentinel: Sentinel{Master: "m"}}} {
		o := newConnection(kind).options()
		if until := 2*o.Dialer.KeepAlive + o.ConnWriteTimeout + callTimeout; until > 2*time.Second || o.Dialer.KeepAlive <= 0 {
			t.Errorf("%s: a call may be answered or wait for %v", &kind, until)
		}
		if o.Dialer.Timeout > callTimeout || !o.DisableRetry || !o.AlwaysPipelining || o.PipelineMultiplex != -1 {
			t.Errorf("%s: %+v", &kind, o)
		}
		if o.Sentinel.MasterSet != "" && o.Sentinel.Dialer.Timeout > callTimeout {
			t.Errorf("sentinels are dialed for %v", o.Sentinel.Dialer.Timeout)
		}
	}
}
