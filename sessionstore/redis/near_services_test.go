//go:build services

package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// calls is how often the server has done a command.
func calls(t testing.TB, server *servers.Redis, command string) int {
	t.Helper()
	found := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+)`).FindStringSubmatch(server.Command("INFO", "commandstats"))
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

func put(t testing.TB, s *store, key, value string) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(value), inAnHour()); err != nil {
		t.Fatalf("Put(%s): %v", key, err)
	}
}

// sees waits until the store shows a value, or nothing when it is empty.
func sees(t testing.TB, s *store, key, value string) {
	t.Helper()
	servers.Await(t, key, func() error {
		got, err := s.Get(t.Context(), key)
		if value == "" && errors.Is(err, sessionstore.ErrNotFound) {
			return nil
		}
		if err != nil || string(got) != value || value == "" {
			return fmt.Errorf("Get = %q, %w", got, err)
		}
		return nil
	})
}

func TestReadsAreAnsweredFromMemory(t *testing.T) {
	server := servers.StartRedis(t)
	writer, _ := load(t, at(server))
	reader := other(t, writer)
	put(t, writer, "session", "alice")
	read := func() {
		if got, err := reader.Get(t.Context(), "session"); err != nil || string(got) != "alice" {
			t.Fatalf("Get = %q, %v", got, err)
		}
		if _, err := reader.Get(t.Context(), "revoked"); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("Get of nothing: %v", err)
		}
	}
	read()
	before := calls(t, server, "get")
	for range 5000 {
		read()
	}
	if after := calls(t, server, "get"); after != before || before != 2 {
		t.Errorf("10,000 warm reads made the server's count of GET go from %d, want 2, to %d", before, after)
	}
}

func TestOthersWritesAreSeen(t *testing.T) {
	server := servers.StartRedis(t)
	writer, _ := load(t, at(server))
	reader := other(t, writer)
	for i := range 50 {
		sees(t, reader, "k", "")
		put(t, writer, "k", fmt.Sprint(i))
		sees(t, reader, "k", fmt.Sprint(i))
		if err := writer.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	sees(t, reader, "k", "")
	put(t, writer, "k", "again")
	sees(t, reader, "k", "again")
	server.Command("FLUSHALL")
	sees(t, reader, "k", "")
}

// A sign-out is not undone for a moment on the node where it happened.
func TestOwnWritesAreSeenAtOnce(t *testing.T) {
	server := servers.StartRedis(t)
	s, _ := load(t, at(server))
	read := func(want string) {
		t.Helper()
		got, err := s.Get(t.Context(), "k")
		if string(got) != want || (err != nil) != (want == "") {
			t.Fatalf("Get = %q, %v, want %q", got, err, want)
		}
	}
	for i := range 1000 {
		put(t, s, "k", fmt.Sprint(i))
		read(fmt.Sprint(i))
		if err := s.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		read("")
		err := sessionstore.Add(t.Context(), s, "k", []byte("added"), inAnHour())
		if err != nil {
			t.Fatal(err)
		}
		read("added")
	}
}

func TestKeysOfOtherProgramsStayAlone(t *testing.T) {
	server := servers.StartRedis(t)
	s, _ := load(t, at(server))
	sharing, _ := load(t, fmt.Sprintf(`{"urls": [%q], "prefix": "s?:"}`, server.URL()))
	if s.conn != sharing.conn {
		t.Error("stores that differ in their prefix don't share a connection")
	}
	server.Command("SET", "foreign", "1")
	server.Command("SADD", "si:set", "1")
	put(t, s, "a", "one")
	put(t, sharing, "a", "two")
	if got := server.Command("GET", "si:a"); got != "one" {
		t.Errorf("si:a is %q", got)
	}
	if left, err := strconv.Atoi(server.Command("PTTL", "si:a")); err != nil || left < 3_500_000 || left > 3_600_000 {
		t.Errorf("it has %d ms left, %v", left, err)
	}
	var listed []string
	if err := sharing.List(t.Context(), "", func(key string, value []byte) bool {
		listed = append(listed, key+"="+string(value))
		return true
	}); err != nil || strings.Join(listed, " ") != "a=two" {
		t.Errorf("List of the prefix s?: yielded %q, %v", listed, err)
	}
	// What is not a string is nobody's session, and not silently nothing.
	if got, err := s.Get(t.Context(), "set"); err == nil || errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("Get of a set = %q, %v", got, err)
	}
}

// waitingContext tells when something waits for its end.
type waitingContext struct {
	context.Context

	once    sync.Once
	waiting chan struct{}
}

func newWaitingContext(ctx context.Context) *waitingContext {
	return &waitingContext{Context: ctx, waiting: make(chan struct{})}
}

func (c *waitingContext) Done() <-chan struct{} {
	c.once.Do(func() { close(c.waiting) })
	return c.Context.Done()
}

// A caller that goes away must not fail those that wait for the same answer.
func TestACallerThatGoesAwayFailsNoOther(t *testing.T) {
	server := servers.StartRedis(t)
	writer, _ := load(t, at(server))
	put(t, writer, "k", "v")
	reader := other(t, writer)
	sees(t, reader, "warm", "")
	server.Freeze()
	cancelled, cancel := context.WithCancel(t.Context())
	first := newWaitingContext(cancelled)
	go func() { _, _ = reader.Get(first, "k") }()
	<-first.waiting
	results := make(chan error, 8)
	for range cap(results) {
		next := newWaitingContext(t.Context())
		go func() {
			_, err := reader.Get(next, "k")
			results <- err
		}()
		<-next.waiting
	}
	cancel()
	server.Thaw()
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestScriptsAreSentAgain(t *testing.T) {
	server := servers.StartRedis(t)
	s, _ := load(t, at(server))
	for range 3 {
		server.Command("SCRIPT", "FLUSH")
		if err := s.Update(t.Context(), "k", func(old []byte) ([]byte, time.Time, error) {
			return append(bytes.Clone(old), 'x'), inAnHour(), nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	sees(t, s, "k", "xxx")
}
