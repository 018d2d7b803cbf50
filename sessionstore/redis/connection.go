package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/redis/rueidis"
	"go.uber.org/zap"
)

const (
	// retryPause is how long after a failed attempt to connect callers get its
	// error instead of another attempt.
	retryPause = 100 * time.Millisecond

	// closeTimeout is how long the end of a configuration waits for pending calls.
	closeTimeout = 2 * time.Second
)

// connection is one set of connection options at work. It connects on first
// use; what fails then is tried again by later calls.
type connection struct {
	settings settings
	written  ownWrites
	live     atomic.Pointer[link]

	mu      sync.Mutex
	holders []*holder
	attempt *attempt
	warned  bool // that the server refuses client-side caching
	closed  bool
}

// link is a client that has been connected; it finds its servers again by itself.
type link struct{ rueidis.Client }

// holder is a configuration that uses the connection. What of its options may
// change while the connection stays is here: certificates are read again.
type holder struct {
	tls    *tls.Config // nil without TLS
	logger *zap.Logger
}

// attempt is one try to connect, shared by all who wait for it.
type attempt struct {
	done  chan struct{} // closed when link and err are set
	link  *link
	err   error
	ended time.Time
}

func newConnection(s settings) *connection { return &connection{settings: s} }

func (c *connection) hold(h *holder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holders = append(c.holders, h)
}

func (c *connection) release(h *holder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.holders, h); i >= 0 {
		c.holders = slices.Delete(c.holders, i, i+1)
	}
}

// holder is the newest configuration's.
func (c *connection) holder() *holder {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.holders) == 0 {
		return &holder{tls: new(tls.Config), logger: zap.NewNop()}
	}
	return c.holders[len(c.holders)-1]
}

var errClosed = errors.New("the store is closed: its configuration was unloaded")

// client returns the client, and connects first if there is none.
func (c *connection) client(ctx context.Context) (*link, error) {
	if live := c.live.Load(); live != nil {
		return live, nil
	}
	current, err := c.connecting() //nolint:contextcheck // the attempt is shared, and outlives the caller that began it
	if err != nil {
		return nil, err
	}
	select {
	case <-current.done:
		return current.link, current.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// connecting returns the attempt that is under way, or that failed a moment
// ago, or begins one.
func (c *connection) connecting() (*attempt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	if c.attempt == nil || c.attempt.over() {
		c.attempt = &attempt{done: make(chan struct{})}
		go c.connect(c.attempt)
	}
	return c.attempt, nil
}

func (a *attempt) over() bool {
	select {
	case <-a.done:
		return a.err == nil || time.Since(a.ended) >= retryPause
	default:
		return false
	}
}

// connect takes a second or two at most: dialing is bounded, and what is sent then.
func (c *connection) connect(a *attempt) {
	defer close(a.done)
	client, err := c.dialAll()
	a.ended = time.Now()
	if err != nil {
		a.err = err
		return
	}
	a.link = &link{client}
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.live.Store(a.link)
	}
	c.mu.Unlock()
	if closed {
		client.Close()
		a.link, a.err = nil, errClosed
		return
	}
	go c.checkEviction(client)
}

// dialAll connects with client-side caching where the server lets us.
func (c *connection) dialAll() (rueidis.Client, error) {
	options := c.options()
	client, err := newClient(options)
	if !errors.Is(err, rueidis.ErrNoCache) {
		return client, err
	}
	options.DisableCache = true
	if client, err = newClient(options); err == nil {
		c.warnUncached()
	}
	return client, err
}

// newClient returns no client beside an error.
func newClient(options rueidis.ClientOption) (rueidis.Client, error) {
	client, err := rueidis.NewClient(options)
	if err != nil && client != nil {
		client.Close()
		client = nil
	}
	return client, err
}

func (c *connection) warnUncached() {
	c.mu.Lock()
	warned := c.warned
	c.warned = true
	c.mu.Unlock()
	if !warned {
		c.holder().logger.Warn("Redis refuses client-side caching, so every guarded request asks it: use Redis 6 or newer, or Valkey, and permit client|tracking and client|caching to the user",
			zap.Stringer("server", &c.settings))
	}
}

// renounce drops a client whose server no longer lets it cache; the next call
// connects anew, without.
func (c *connection) renounce(l *link) {
	if c.live.CompareAndSwap(l, nil) {
		go l.Close()
	}
}

// Destruct implements [caddy.Destructor]. Requests that are still under way
// get an error.
func (c *connection) Destruct() error {
	c.mu.Lock()
	c.closed = true
	live := c.live.Swap(nil)
	c.mu.Unlock()
	if live == nil {
		return nil
	}
	done := make(chan struct{})
	go func() {
		live.Close()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(closeTimeout):
		return nil // its connections end by themselves when nothing is heard
	}
}

var _ caddy.Destructor = (*connection)(nil)
