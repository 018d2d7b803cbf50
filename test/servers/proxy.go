package servers

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy is a TCP proxy before a server, which holds up what the server says.
type Proxy struct {
	Address string

	delay   atomic.Int64
	mu      sync.Mutex
	closing bool
	open    map[net.Conn]struct{}
}

// StartProxy starts a proxy before the server at a loopback port.
func StartProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: listener.Addr().String(), open: make(map[net.Conn]struct{})}
	t.Cleanup(func() {
		listener.Close()
		p.closeAll()
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go p.serve(client, to)
		}
	}()
	return p
}

// Delay is how much later, from now on, what the server says arrives.
func (p *Proxy) Delay(d time.Duration) { p.delay.Store(int64(d)) }

func (p *Proxy) serve(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.keep(client, server) {
		return
	}
	defer p.drop(client, server)
	go func() {
		defer server.Close()
		pass(client, func(said []byte) error { _, err := server.Write(said); return err })
	}()
	p.answer(server, client)
}

type delayed struct {
	said []byte
	due  time.Time
}

// answer passes on what a server says, each piece when it is due.
func (p *Proxy) answer(server, client net.Conn) {
	queue, ended := make(chan delayed, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		defer client.Close() // so that the server's end is told
		for piece := range queue {
			time.Sleep(time.Until(piece.due))
			if _, err := client.Write(piece.said); err != nil {
				server.Close()
			}
		}
	}()
	pass(server, func(said []byte) error {
		queue <- delayed{append([]byte(nil), said...), time.Now().Add(time.Duration(p.delay.Load()))}
		return nil
	})
	close(queue)
	<-ended
}

// pass hands over what arrives at a connection until it ends.
func pass(from net.Conn, to func(said []byte) error) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && to(buffer[:n]) != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.open[conn] = struct{}{}
	}
	return !p.closing
}

func (p *Proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.open, conn)
	}
}

func (p *Proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = true
	for conn := range p.open {
		conn.Close()
	}
}
