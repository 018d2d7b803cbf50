package providers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const (
	// ldapIdle is how long a connection may go unused, ldapLife how long it may
	// live: servers and the boxes between drop what is older, and a name may
	// lead elsewhere by then.
	ldapIdle = time.Minute
	ldapLife = 10 * time.Minute
	// maxLDAPAnswer is what one use of a connection may read.
	maxLDAPAnswer = 4 << 20
	// closeTimeout is how long a connection may take to say goodbye.
	closeTimeout = time.Second
)

// ldapServer is how to connect.
type ldapServer struct {
	address  string
	implicit bool // ldaps
	startTLS bool
	tls      *tls.Config
}

// newLDAPServer takes a URL that was checked.
func newLDAPServer(raw string, startTLS bool, config *tls.Config) ldapServer {
	u, err := url.Parse(raw)
	if err != nil {
		return ldapServer{} // checkURL refused it
	}
	if config.ServerName == "" {
		config.ServerName = u.Hostname()
	}
	return ldapServer{address: hostPort(u), implicit: u.Scheme == "ldaps", startTLS: startTLS && u.Scheme == "ldap", tls: config}
}

// hostPort is where a URL that checkURL accepts leads to.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": ldap.DefaultLdapPort, "ldaps": ldap.DefaultLdapsPort}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// open connects, and encrypts where that is configured.
func (s *ldapServer) open(ctx context.Context) (*ldapConn, error) {
	var dialer net.Dialer
	plain, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	bounded := &boundedConn{Conn: plain}
	bounded.left.Store(maxLDAPAnswer)
	var wire net.Conn = bounded
	if s.implicit {
		encrypted := tls.Client(bounded, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = plain.Close() // it is of no use any more
			return nil, fmt.Errorf("connecting by TLS: %w", err)
		}
		wire = encrypted
	}
	conn := &ldapConn{wire: bounded, ldap: ldap.NewConn(wire, s.implicit), opened: time.Now()}
	conn.ldap.SetTimeout(closeTimeout)
	conn.ldap.Start()
	if s.startTLS {
		if err := conn.run(ctx, func(c *ldap.Conn) error { return c.StartTLS(s.tls) }); err != nil {
			conn.discard()
			return nil, fmt.Errorf("start_tls: %w", err)
		}
	}
	return conn, nil
}

// openReader is open with a bind as the one who searches.
func (s *ldapServer) openReader(ctx context.Context, dn, password string) (*ldapConn, error) {
	conn, err := s.open(ctx)
	if err != nil || dn == "" {
		return conn, err
	}
	if err := conn.run(ctx, func(c *ldap.Conn) error { return c.Bind(dn, password) }); err != nil {
		conn.discard()
		return nil, fmt.Errorf("binding as bind_dn: %w", err)
	}
	return conn, nil
}

// boundedConn fails once more was read than one use may read.
type boundedConn struct {
	net.Conn
	left atomic.Int64
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left.Load() <= 0 {
		return 0, errLDAPTooLarge
	}
	n, err := c.Conn.Read(p)
	c.left.Add(-int64(n))
	return n, err //nolint:wrapcheck // io.Reader's contract
}

var errLDAPTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxLDAPAnswer>>20)

// ldapConn is one connection, used by one goroutine at a time.
type ldapConn struct {
	wire   *boundedConn
	ldap   *ldap.Conn
	opened time.Time
	used   time.Time
}

// run uses the connection until the context is done, which breaks it. Errors
// hold little of what the server wrote.
func (c *ldapConn) run(ctx context.Context, use func(*ldap.Conn) error) error {
	c.wire.left.Store(maxLDAPAnswer)
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
		Err: errors.New(excerpt(told.Err.Error())), //nolint:err113 // the server's words
	}
}

// isAnswer tells a server's answer from a connection that doesn't work.
func isAnswer(err error) bool {
	told, ok := errors.AsType[*ldap.Error](err)
	return ok && told.ResultCode < ldap.ErrorNetwork
}

func (c *ldapConn) discard() {
	_ = c.wire.Close()
	_ = c.ldap.Close() // ends its goroutines
}

func (c *ldapConn) fresh(now time.Time) bool {
	return !c.ldap.IsClosing() && now.Sub(c.used) < ldapIdle && now.Sub(c.opened) < ldapLife
}

// ldapPool keeps connections of one identity for the next use.
type ldapPool struct {
	size int
	open func(context.Context) (*ldapConn, error)

	mu     sync.Mutex
	idle   []*ldapConn
	closed bool
}

// use runs use on a connection, and once more on a new one when a kept one
// turns out to be broken.
func (p *ldapPool) use(ctx context.Context, use func(*ldap.Conn) error) error {
	if kept := p.take(); kept != nil {
		err := kept.run(ctx, use)
		if err == nil || isAnswer(err) || ctx.Err() != nil {
			p.giveBack(kept, err)
			return err
		}
		kept.discard()
		p.drain() // the others were made before the server went away, too
	}
	conn, err := p.open(ctx)
	if err != nil {
		return err
	}
	err = conn.run(ctx, use)
	p.giveBack(conn, err)
	return err
}

// take returns the connection used last, or nil.
func (p *ldapPool) take() *ldapConn {
	var stale []*ldapConn
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
func (p *ldapPool) giveBack(conn *ldapConn, err error) {
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

func (p *ldapPool) drain() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	discardAll(idle)
}

func (p *ldapPool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.drain()
}

func discardAll(conns []*ldapConn) {
	for _, conn := range conns {
		conn.discard()
	}
}
