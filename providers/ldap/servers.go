package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// failedLately is how long a server that failed is asked after the others.
const failedLately = 30 * time.Second

// serverList are the servers of one directory, the preferred one first.
type serverList []*server

// server is how to connect, and whether that went well.
type server struct {
	address  string
	implicit bool // ldaps
	startTLS bool
	tls      *tls.Config
	failed   atomic.Int64 // when, in Unix nanoseconds; 0: it works
}

// newServers takes URLs that were checked.
func newServers(urls []string, startTLS bool, config *tls.Config) serverList {
	servers := make(serverList, 0, len(urls))
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			continue // checkURL refused it
		}
		own := config.Clone()
		if own.ServerName == "" {
			own.ServerName = u.Hostname()
		}
		servers = append(servers, &server{
			address: hostPort(u), implicit: u.Scheme == "ldaps", startTLS: startTLS && u.Scheme == "ldap", tls: own,
		})
	}
	return servers
}

// hostPort is where a URL that checkURL accepts leads to.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": ldap.DefaultLdapPort, "ldaps": ldap.DefaultLdapsPort}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (s serverList) String() string {
	addresses := make([]string, 0, len(s))
	for _, server := range s {
		addresses = append(addresses, server.address)
	}
	return strings.Join(addresses, ", ")
}

// inOrder are the servers as they are to be tried: those that failed lately come
// last.
func (s serverList) inOrder(now time.Time) serverList {
	var good, bad serverList
	for _, server := range s {
		if failed := server.failed.Load(); failed != 0 && now.Sub(time.Unix(0, failed)) < failedLately {
			bad = append(bad, server)
		} else {
			good = append(good, server)
		}
	}
	return append(good, bad...)
}

func (s *server) works() { s.failed.Store(0) }

// fails keeps in mind that a server failed, unless it was a visitor who left.
func (s *server) fails(ctx context.Context) bool {
	if errors.Is(ctx.Err(), context.Canceled) {
		return false
	}
	s.failed.Store(time.Now().UnixNano())
	return true
}

// share is one of so many equal parts of the time that is left.
func share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded || parts < 2 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(parts))
}

// open connects, and encrypts where that is configured.
func (s *server) open(ctx context.Context) (*conn, error) {
	var dialer net.Dialer
	plain, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	bounded := &boundedConn{Conn: plain}
	bounded.left.Store(maxAnswer)
	var wire net.Conn = bounded
	if s.implicit {
		encrypted := tls.Client(bounded, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = plain.Close() // it is of no use any more
			return nil, fmt.Errorf("connecting by TLS: %w", err)
		}
		wire = encrypted
	}
	conn := &conn{server: s, wire: bounded, ldap: ldap.NewConn(wire, s.implicit), opened: time.Now()}
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
func (s *server) openReader(ctx context.Context, dn, password string) (*conn, error) {
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

var _ fmt.Stringer = serverList(nil)
