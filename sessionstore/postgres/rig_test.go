//go:build services

package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// node is what one Caddy has of a database.
type node struct {
	*store
	server *servers.Postgres
	offset atomic.Int64 // of its clock
	asked  counter
}

// counter counts the statements that a node sends.
type counter struct{ n atomic.Int64 }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (*counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

var schemas atomic.Int64

// newSchema is one that nothing is in yet.
func newSchema() string { return fmt.Sprint("s", schemas.Add(1)) }

// patience is what a statement may take where a test isn't about time.
const patience = 20 * time.Second

// newNode returns a node on a schema, closed when the test ends.
func newNode(t *testing.T, server *servers.Postgres, schema string, dsnOptions ...string) *node {
	t.Helper()
	return newNodeAt(t, server, server.DSN(append(dsnOptions, "statement_timeout=20000")...), schema)
}

// newGatewayNode is newNode with the limits of a gateway.
func newGatewayNode(t *testing.T, server *servers.Postgres, schema string) *node {
	t.Helper()
	n := newNodeAt(t, server, server.DSN(), schema)
	n.limit = callTimeout
	return n
}

// newNodeAt is newNode with another way to the server.
func newNodeAt(t *testing.T, server *servers.Postgres, dsn, schema string) *node {
	t.Helper()
	o, err := parseOptions(dsn, schema)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{server: server}
	o.config.ConnConfig.Tracer = &n.asked
	h := newHandle(o)
	t.Cleanup(func() {
		if err := h.Destruct(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	h.limit = patience
	n.store = newStore(h)
	h.now = func() time.Time { return time.Now().Add(time.Duration(n.offset.Load())) }
	return n
}

// coherent waits until the database tells the node what others write.
func (n *node) coherent(t *testing.T) {
	t.Helper()
	eventually(t, 5*time.Second, "the node doesn't hear what others write", func() bool {
		return n.remembers(t, "coherent")
	})
}

// remembers says that Get answers from memory.
func (n *node) remembers(t *testing.T, key string) bool {
	t.Helper()
	if _, err := n.Get(t.Context(), key); err != nil && !isAnswer(err) {
		return false
	}
	before := n.asked.n.Load()
	_, _ = n.Get(t.Context(), key)
	return n.asked.n.Load() == before
}

// eventually polls; limit is generous, for busy machines.
func eventually(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal(what)
}

// exec runs statements, with @. before the names of tables.
func (n *node) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	n.direct(t, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, inSchema(statement, n.options.schema), args...)
		return err
	})
}

// query returns one value as text.
func (n *node) query(t *testing.T, statement string, args ...any) (text string) {
	t.Helper()
	n.direct(t, func(ctx context.Context, conn *pgx.Conn) error {
		var value any
		err := conn.QueryRow(ctx, inSchema(statement, n.options.schema), args...).Scan(&value)
		text = fmt.Sprint(value)
		return err
	})
	return text
}

func (n *node) direct(t *testing.T, f func(ctx context.Context, conn *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, n.server.DSN("default_transaction_read_only=off"))
	if err == nil {
		defer conn.Close(ctx)
		err = f(ctx, conn)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

func mustPut(t *testing.T, s sessionstore.Store, key, value string) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(value), in(time.Hour)); err != nil {
		t.Fatalf("Put: %v", err)
	}
}
