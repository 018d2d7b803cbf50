package session

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/access"
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

// Streams are a realm's guarded requests under way: a WebSocket or an event
// stream ends with its session. Signing out in this process ends them at once;
// for what happens elsewhere one goroutine asks the store, as long as anything
// is open. They outlive a reload, as the streams themselves may.
type Streams struct {
	shards  [streamShards]streamShard
	round   atomic.Uint32
	running atomic.Bool
}

type streamShard struct {
	mu    sync.Mutex
	first *Stream
}

// Stream is one guarded request under way, in the list of its shard. It is part
// of its request's state.
type Stream struct {
	prev, next *Stream
	shard      *streamShard
	Sessions   *Site
	Session    *Session
	// Guards are the rules of each gate that let it pass, the outermost first;
	// what it holds once never changes.
	Guards    [][]access.Rule
	Outermost [1][]access.Rule // room for the usual one
	Cancel    context.CancelCauseFunc
	round     uint32 // of the sweeper's when it began
}

var streamSeed = maphash.MakeSeed()

// Destruct implements caddy.Destructor. The sweeper ends with the last stream.
func (*Streams) Destruct() error { return nil }

func (st *Streams) shard(sid string) *streamShard {
	return &st.shards[maphash.String(streamSeed, sid)%streamShards]
}

// Add watches a request from now on. It is [Stream.Done] once it is over.
func (st *Streams) Add(e *Stream) {
	e.shard, e.round = st.shard(e.Session.Claims.SID), st.round.Load()
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

// GuardedBy notes the rules of a further gate. The sweeper may be reading those before
// them.
func (e *Stream) GuardedBy(rules []access.Rule) {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	e.Guards = append(slices.Clip(e.Guards), rules)
}

// Done takes a request out that is over.
func (e *Stream) Done() {
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
	e.Cancel(nil)
}

// end ends the requests of one session.
func (st *Streams) end(key, sid string) {
	var ending []context.CancelCauseFunc
	shard := st.shard(sid)
	shard.mu.Lock()
	for e := shard.first; e != nil; e = e.next {
		if e.Session.Claims.SID == sid && e.Sessions.Key == key {
			ending = append(ending, e.Cancel)
		}
	}
	shard.mu.Unlock()
	for _, cancel := range ending {
		cancel(errRevoked)
	}
}
