package signin

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

const (
	// streamInterval is how often the sessions of open streams are looked at. A
	// request is one from its second look on.
	streamInterval = 300 * time.Millisecond
	// streamGrace is how long open streams outlive a store that doesn't answer.
	streamGrace = 5 * time.Second
	// streamIdleRounds is for how many looks in vain the sweeper stays.
	streamIdleRounds = 3
	streamShards     = 16
)

// errRevoked ends the requests of a session that is over. It wraps
// context.Canceled, so that reverse_proxy blames neither the upstream nor
// itself for it.
var errRevoked = fmt.Errorf("the session is over: %w", context.Canceled)

// streams are a realm's guarded requests under way: a WebSocket or an event
// stream ends with its session. Signing out in this process ends them at once;
// for what happens elsewhere one goroutine asks the store, as long as anything
// is open. They outlive a reload, as the streams themselves may.
type streams struct {
	shards  [streamShards]streamShard
	round   atomic.Uint32
	running atomic.Bool
}

type streamShard struct {
	mu    sync.Mutex
	first *stream
}

// stream is one guarded request under way, in the list of its shard. It is part
// of its visit.
type stream struct {
	prev, next *stream
	shard      *streamShard
	site       *site
	session    *session
	gates      []*Gate  // the outermost first; what it holds once never changes
	outermost  [1]*Gate // room for the usual one
	cancel     context.CancelCauseFunc
	round      uint32 // of the sweeper's when it began
}

var (
	streamPool = caddy.NewUsagePool()
	streamSeed = maphash.MakeSeed()
)

// provisionStreams finds what the realm's earlier configuration left open.
func (rl *Realm) provisionStreams(caddy.Context) error {
	pooled, _, err := streamPool.LoadOrNew(rl.poolKey(), func() (caddy.Destructor, error) { return new(streams), nil })
	if err != nil {
		return fmt.Errorf("open streams: %w", err)
	}
	rl.streams, rl.pooled = pooled.(*streams), true //nolint:forcetypeassert // made above
	return nil
}

// cleanup gives back what provisioning took, of a realm that may have failed
// half-way.
func (rl *Realm) cleanup() error {
	if rl == nil || !rl.pooled {
		return nil
	}
	rl.pooled = false
	_, err := streamPool.Delete(rl.poolKey())
	return err //nolint:wrapcheck // streams have no error of their own
}

// Destruct implements caddy.Destructor. The sweeper ends with the last stream.
func (*streams) Destruct() error { return nil }

// serve passes a request on that a gate guards. It ends when its session does, or
// when the gate would not let it pass again.
func (v *visit) serve(gate *Gate, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if v.stream.cancel != nil { // an outer gate watches it already
		v.stream.guardedBy(gate)
		return next.ServeHTTP(w, r) //nolint:wrapcheck // the next handler's own error
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	v.stream = stream{site: v.site, session: v.session, outermost: [1]*Gate{gate}, cancel: cancel}
	v.stream.gates = v.stream.outermost[:]
	v.site.realm.streams.add(&v.stream) //nolint:contextcheck // the sweeper outlives the request
	defer v.stream.done()
	return next.ServeHTTP(w, r.WithContext(ctx)) //nolint:wrapcheck // the next handler's own error
}

func (st *streams) shard(sid string) *streamShard {
	return &st.shards[maphash.String(streamSeed, sid)%streamShards]
}

func (st *streams) add(e *stream) {
	e.shard, e.round = st.shard(e.session.claims.SID), st.round.Load()
	e.shard.mu.Lock()
	if e.next = e.shard.first; e.next != nil {
		e.next.prev = e
	}
	e.shard.first = e
	e.shard.mu.Unlock()
	if !st.running.Load() && st.running.CompareAndSwap(false, true) {
		go st.sweep()
	}
}

// guardedBy notes a further gate. The sweeper may be reading the gates before it.
func (e *stream) guardedBy(gate *Gate) {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	e.gates = append(slices.Clip(e.gates), gate)
}

func (e *stream) done() {
	e.shard.mu.Lock()
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		e.shard.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
	e.shard.mu.Unlock()
	e.cancel(nil)
}

// end ends the requests of one session.
func (st *streams) end(key, sid string) {
	var ending []context.CancelCauseFunc
	shard := st.shard(sid)
	shard.mu.Lock()
	for e := shard.first; e != nil; e = e.next {
		if e.session.claims.SID == sid && e.site.key == key {
			ending = append(ending, e.cancel)
		}
	}
	shard.mu.Unlock()
	for _, cancel := range ending {
		cancel(errRevoked)
	}
}
