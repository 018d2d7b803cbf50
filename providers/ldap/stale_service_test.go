//go:build services

package ldap

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

// forgetful is a box between two ends that can forget the connections it
// carries, as firewalls do: nobody is told until something is sent.
type forgetful struct {
	net.Listener
	target string
	epoch  atomic.Int32
	open   sync.WaitGroup
}

func newForgetful(t *testing.T, target string) *forgetful {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forgetful{Listener: listener, target: target}
	f.open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.open.Go(func() { f.carry(conn, f.epoch.Load()) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		f.open.Wait()
	})
	return f
}

func (f *forgetful) carry(client net.Conn, epoch int32) {
	defer client.Close()
	server, err := net.Dial("tcp", f.target)
	if err != nil {
		return
	}
	defer server.Close()
	f.open.Go(func() { _, _ = io.Copy(client, server) })
	buffer := make([]byte, 4096)
	for {
		n, err := client.Read(buffer)
		if err != nil || f.epoch.Load() != epoch {
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// A kept connection that turns out to be dead is no reason to turn anyone away.
func TestLDAPConnectionsThatDiedUnnoticed(t *testing.T) {
	t.Parallel()
	server := servers.StartLDAP(t, entries)
	box := newForgetful(t, strings.TrimPrefix(server.URL, "ldap://"))
	c := loadLDAP(t, ldapConfig(server).With(config{"urls": []string{"ldap://" + box.Addr().String()}}))
	t.Cleanup(c.Close) // before the box waits for its connections
	for range 3 {
		if _, err := try(t, c, "alice", "wonderland"); err != nil {
			t.Fatal(err)
		}
		box.epoch.Add(1)
	}
}
