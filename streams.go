package signin

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
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
// of its request's state.
type stream struct {
	prev, next *stream
	shard      *streamShard
	sessions   *siteSessions
	session    *session
	// guards are the rules of each gate that let it pass, the outermost first;
	// what it holds once never changes.
	guards    [][]Rule
	outermost [1][]Rule // room for the usual one
	cancel    context.CancelCauseFunc
	round     uint32 // of the sweeper's when it began
}

var streamSeed = maphash.MakeSeed()

// Destruct implements caddy.Destructor. The sweeper ends with the last stream.
func (*streams) Destruct() error { return nil }

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

// guardedBy notes the rules of a further gate. The sweeper may be reading those before
// them.
func (e *stream) guardedBy(rules []Rule) {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	e.guards = append(slices.Clip(e.guards), rules)
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
		if e.session.claims.SID == sid && e.sessions.key == key {
			ending = append(ending, e.cancel)
		}
	}
	shard.mu.Unlock()
	for _, cancel := range ending {
		cancel(errRevoked)
	}
}
