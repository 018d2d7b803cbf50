package ldap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
)

const (
	// maxIdle is how long a connection may go unused, maxLife how long it may
	// live: servers and the boxes between drop what is older, and a name may
	// lead elsewhere by then.
	maxIdle = time.Minute
	maxLife = 10 * time.Minute
	// maxAnswer is what one use of a connection may read.
	maxAnswer = 4 << 20
	// closeTimeout is how long a connection may take to say goodbye.
	closeTimeout = time.Second
)

// boundedConn fails once more was read than one use may read.
type boundedConn struct {
	net.Conn
	left atomic.Int64
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left.Load() <= 0 {
		return 0, errTooLarge
	}
	n, err := c.Conn.Read(p)
	c.left.Add(-int64(n))
	return n, err
}

var errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)

// conn is one connection, used by one goroutine at a time.
type conn struct {
	server *server
	wire   *boundedConn
	ldap   *ldap.Conn
	opened time.Time
	used   time.Time
}

// run uses the connection until the context is done, which breaks it. Errors
// hold little of what the server wrote.
func (c *conn) run(ctx context.Context, use func(*ldap.Conn) error) error {
	c.wire.left.Store(maxAnswer)
	if deadline, ok := ctx.Deadline(); ok {
		// go-ldap's own limit is a second line: it lets go of whoever waits.
		c.ldap.SetTimeout(time.Until(deadline) + closeTimeout)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.wire.Close() })
	err := use(c.ldap)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	return toldBy(err)
}

// toldBy shortens what a server said about a failure.
func toldBy(err error) error {
	told, ok := errors.AsType[*ldap.Error](err)
	if !ok || !isAnswer(err) {
		return err
	}
	return &ldap.Error{
		ResultCode: told.ResultCode, MatchedDN: "", Packet: nil,
		Err: errors.New(excerpt.Of(told.Err.Error())), // the server's words
	}
}

// isAnswer tells a server's answer from a connection that doesn't work.
func isAnswer(err error) bool {
	told, ok := errors.AsType[*ldap.Error](err)
	return ok && told.ResultCode < ldap.ErrorNetwork
}

func (c *conn) discard() {
	_ = c.wire.Close()
	_ = c.ldap.Close() // ends its goroutines
}

func (c *conn) fresh(now time.Time) bool {
	return !c.ldap.IsClosing() && now.Sub(c.used) < maxIdle && now.Sub(c.opened) < maxLife
}

// pool keeps connections of one identity for the next use.
type pool struct {
	size    int
	servers serverList
	open    func(context.Context, *server) (*conn, error)

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

// use runs use on a kept connection, and where there is none or it turns out to
// be broken, on a new one to the first server with which it goes well. Where
// there are several servers each gets a share of the time that is left.
func (p *pool) use(ctx context.Context, use func(*ldap.Conn) error) error {
	kept := p.take()
	tries := len(p.servers)
	if kept != nil && tries > 1 {
		tries++
	}
	if kept != nil {
		err := p.try(ctx, kept, tries, use)
		if isSettled(err) || ctx.Err() != nil {
			return err
		}
		tries = len(p.servers)
	}
	var failures []error
	for i, server := range p.servers.inOrder(time.Now()) {
		err := p.useNew(ctx, server, tries-i, use)
		if isSettled(err) {
			return err
		}
		failures = append(failures, fmt.Errorf("%s: %w", server.address, err))
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failures...)
}

func (p *pool) useNew(ctx context.Context, server *server, tries int, use func(*ldap.Conn) error) error {
	sharing, done := share(ctx, tries)
	defer done()
	conn, err := p.open(sharing, server)
	if err != nil {
		server.fails(ctx)
		return err
	}
	return p.try(sharing, conn, 1, use)
}

// try uses a connection, and remembers whether its server is one to be asked.
func (p *pool) try(ctx context.Context, conn *conn, tries int, use func(*ldap.Conn) error) error {
	sharing, done := share(ctx, tries)
	defer done()
	err := conn.run(sharing, use)
	p.giveBack(conn, err)
	if isSettled(err) {
		conn.server.works()
	} else if conn.server.fails(ctx) {
		p.drain(conn.server) // the others were made before the server went away, too
	}
	return err
}

// isSettled says that another server has nothing to add.
func isSettled(err error) bool {
	return err == nil || isAnswer(err) && !ldap.IsErrorAnyOf(err, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable)
}

// take returns the connection used last, or nil.
func (p *pool) take() *conn {
	var stale []*conn
	defer func() { discardAll(stale) }()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for len(p.idle) > 0 {
		conn := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if conn.fresh(now) {
			return conn
		}
		stale = append(stale, conn)
	}
	return nil
}

// giveBack keeps a connection whose last use went well.
func (p *pool) giveBack(conn *conn, err error) {
	conn.used = time.Now()
	p.mu.Lock()
	keep := err == nil && !p.closed && len(p.idle) < p.size
	if keep {
		p.idle = append(p.idle, conn)
	}
	p.mu.Unlock()
	if !keep {
		conn.discard()
	}
}

// drain closes the connections to a server; nil is all.
func (p *pool) drain(server *server) {
	p.mu.Lock()
	var gone []*conn
	p.idle = slices.DeleteFunc(p.idle, func(conn *conn) bool {
		if server != nil && conn.server != server {
			return false
		}
		gone = append(gone, conn)
		return true
	})
	p.mu.Unlock()
	discardAll(gone)
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.drain(nil)
}

func discardAll(conns []*conn) {
	for _, conn := range conns {
		conn.discard()
	}
}
