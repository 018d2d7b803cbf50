package redis

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/zap"
)

// A server that stops answering is noticed after pingInterval and
// answerTimeout, and up to one pingInterval more: from then on nothing is
// answered from memory.
const (
	dialTimeout   = 500 * time.Millisecond
	pingInterval  = 250 * time.Millisecond
	answerTimeout = 700 * time.Millisecond

	// callTimeout bounds every call: with a server that doesn't answer it fails then.
	callTimeout = 500 * time.Millisecond

	// cacheSize bounds the values that are remembered of each server.
	cacheSize = 32 << 20

	// cacheTime is how long a value is remembered at most, although the server
	// says when it changes.
	cacheTime = time.Minute

	// bufferSize is for each connection and direction.
	bufferSize = 64 << 10

	// topologyInterval is how often the sentinels are asked who is the master,
	// although they say when it changes.
	topologyInterval = 2 * time.Second

	// clientName is what CLIENT LIST shows.
	clientName = "caddy-signin"
)

func (c *connection) options() rueidis.ClientOption {
	s := &c.settings
	options := rueidis.ClientOption{
		InitAddress: s.addresses,
		Username:    s.username,
		Password:    s.password,
		ClientName:  clientName,
		SelectDB:    s.db,

		ClientSetInfo: rueidis.DisableClientSetInfo, // one permission less

		DialCtxFn:         c.dial,
		Dialer:            net.Dialer{Timeout: dialTimeout, KeepAlive: pingInterval},
		ConnWriteTimeout:  answerTimeout,
		DisableRetry:      true, // a retry would wait, and hide that the server is away
		PipelineMultiplex: -1,   // one connection per server: what was written is read back
		AlwaysPipelining:  true, // invalidations are read as they come

		CacheSizeEachConn:   cacheSize,
		ReadBufferEachConn:  bufferSize,
		WriteBufferEachConn: bufferSize,
	}
	if s.secure {
		options.TLSConfig = new(tls.Config) // dial has the real one; this says that there is one
	}
	switch {
	case s.sentinel.Master != "":
		options.Sentinel = rueidis.SentinelOption{
			MasterSet: s.sentinel.Master, Username: s.sentinel.Username, Password: s.sentinel.Password,
			ClientName: clientName, Dialer: options.Dialer, TLSConfig: options.TLSConfig,
			TopologyRefreshInterval: topologyInterval,
		}
	case !s.cluster:
		options.ForceSingleClient = true
	}
	return options
}

// dial connects to one server, with the newest configuration's certificates.
func (c *connection) dial(ctx context.Context, address string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
	if !c.settings.secure {
		return dialer.DialContext(ctx, c.settings.network, address)
	}
	secure := tls.Dialer{NetDialer: dialer, Config: c.holder().tls}
	return secure.DialContext(ctx, tcp, address)
}

// checkEviction warns when the server is set up to drop what is live: a
// revocation that is dropped revives a session. It is best effort, for a user
// may not be allowed to ask.
func (c *connection) checkEviction(client rueidis.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	info, err := client.Do(ctx, client.B().Info().Section("memory").Build()).ToString()
	if err != nil {
		return
	}
	if policy := evictionPolicy(info); policy != "" {
		c.holder().logger.Warn("Redis is set up to drop live keys when its memory is full; a dropped revocation lets a signed-out session in again: set maxmemory-policy noeviction",
			zap.Stringer("server", &c.settings), zap.String("maxmemory-policy", policy))
	}
}

// evictionPolicy returns how the server that says this about its memory drops
// live keys, or nothing when it doesn't.
func evictionPolicy(info string) string {
	fields := make(map[string]string)
	for line := range strings.SplitSeq(info, "\n") {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
		fields[name] = value
	}
	if fields["maxmemory"] == "0" || fields["maxmemory_policy"] == "noeviction" {
		return ""
	}
	return fields["maxmemory_policy"]
}

var errNoAnswer = fmt.Errorf("no answer within %v: the server is down, frozen or too slow", callTimeout)
