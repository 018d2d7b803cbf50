package test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// received is a request as it reached the upstream.
type received struct {
	Method, URI, Host string
	Header, Trailer   http.Header
	Body              string
}

// echo is an upstream that notes every request and answers 200 "upstream".
type echo struct {
	server *httptest.Server

	mu     sync.Mutex
	seen   []received
	answer http.HandlerFunc
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	e := new(echo)
	e.server = httptest.NewServer(e)
	t.Cleanup(e.server.Close)
	return e
}

func (e *echo) address() string { return strings.TrimPrefix(e.server.URL, "http://") }

// ServeHTTP implements http.Handler.
func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what the client did not send is seen by its absence
	e.mu.Lock()
	e.seen = append(e.seen, received{
		Method: r.Method, URI: r.RequestURI, Host: r.Host,
		Header: r.Header.Clone(), Trailer: maps.Clone(r.Trailer), Body: string(body),
	})
	answer := e.answer
	e.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "upstream")
}

// answerWith replaces the answer from now on.
func (e *echo) answerWith(answer http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

// take returns what came since the last call.
func (e *echo) take() []received {
	e.mu.Lock()
	defer e.mu.Unlock()
	seen := e.seen
	e.seen = nil
	return seen
}

// one returns the only request that came since the last take.
func (e *echo) one(t *testing.T) received {
	t.Helper()
	seen := e.take()
	if len(seen) != 1 {
		t.Fatalf("%d requests reached the upstream, want 1: %v", len(seen), seen)
	}
	return seen[0]
}

// none demands that nothing came since the last take.
func (e *echo) none(t *testing.T) {
	t.Helper()
	if seen := e.take(); len(seen) > 0 {
		t.Errorf("the upstream was reached: %s %s %v", seen[0].Method, seen[0].URI, seen[0].Header)
	}
}
