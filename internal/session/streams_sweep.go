package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/panics"
)

// streamTimeout bounds one question to the store.
const streamTimeout = time.Second

// watched is one session with open streams.
type watched struct {
	sessions *Site
	session  *Session
	streams  []watchedStream
}

// watchedStream is a stream as it was when it was looked at.
type watchedStream struct {
	sessions *Site
	session  *Session
	guards   [][]access.Rule
	cancel   context.CancelCauseFunc
}

func (w *watched) end() {
	for _, stream := range w.streams {
		stream.cancel(errRevoked)
	}
}

// endRefused ends the streams whose users would not be let in again.
func (w *watched) endRefused(keys *keys.Ring, now sessionsNow) {
	live := new(Session)
	for _, stream := range w.streams {
		if !now.of(stream.sessions).validate(stream.session, keys, live) || slices.ContainsFunc(stream.guards, func(rules []access.Rule) bool { return !live.Person().Meets(rules) }) {
			stream.cancel(errRevoked)
		}
	}
}

// sessionsNow has what the configuration that runs now makes of the sessions that
// one round looks at, each looked up once: streams outlive a reload.
type sessionsNow map[*Site]successors

// successors are the sessions under one key in each realm that has this key now.
type successors []*Site

func (known sessionsNow) of(s *Site) successors {
	now, ok := known[s]
	if ok {
		return now
	}
	if s.Manager.Successors == nil {
		known[s] = successors{s}
		return known[s]
	}
	for _, manager := range s.Manager.Successors(s.Key) {
		if manager == s.Manager {
			now = append(now, s)
			continue
		}
		moved := *s
		moved.Manager = manager
		now = append(now, &moved)
	}
	known[s] = now
	return now
}

// validate makes live a session as its user is seen now, unless it lets nobody in.
func (now successors) validate(before *Session, keys *keys.Ring, live *Session) bool {
	over := stillValid
	for _, s := range now {
		live.Claims = before.Claims
		if _, over = s.refreshUser(&live.Claims, keys); over != stillValid {
			continue
		}
		if s.populate(live, live.Claims); s.Admits(live) {
			return true
		}
		over = endedRules
	}
	if len(now) > 0 {
		now[len(now)-1].logEnding(over, &live.Claims)
	}
	return false
}

// sweep looks at the open streams until there have been none for a while.
func (st *Streams) sweep() {
	ticker := time.NewTicker(streamInterval)
	defer ticker.Stop()
	failing := make(map[string]time.Time) // realm key → since when its store does not answer
	for {
		for idle := 0; idle < streamIdleRounds; {
			<-ticker.C
			if open, found := st.collect(); open {
				idle = 0
				st.inspect(found, failing)
			} else {
				idle++
			}
		}
		// A request that came in between either sees that nobody runs, or is seen.
		st.running.Store(false)
		if open, _ := st.collect(); !open || !st.running.CompareAndSwap(false, true) {
			return
		}
	}
}

// collect says whether any request is under way, and returns the sessions of
// those that have been for a moment, by realm key.
func (st *Streams) collect() (open bool, found map[string]map[string]*watched) {
	round := st.round.Add(1)
	for i := range st.shards {
		shard := &st.shards[i]
		shard.mu.Lock()
		for e := shard.first; e != nil; e = e.next {
			open = true
			if round-e.round < 2 {
				continue
			}
			if found == nil {
				found = make(map[string]map[string]*watched)
			}
			sessions := found[e.Sessions.Key]
			if sessions == nil {
				sessions = make(map[string]*watched)
				found[e.Sessions.Key] = sessions
			}
			one := sessions[e.Session.Claims.SID]
			if one == nil {
				one = &watched{sessions: e.Sessions, session: e.Session}
				sessions[e.Session.Claims.SID] = one
			}
			one.streams = append(one.streams, watchedStream{e.Sessions, e.Session, e.Guards, e.Cancel})
		}
		shard.mu.Unlock()
	}
	return open, found
}

// inspect ends the streams whose sessions are over, and those of realms whose
// store has not answered for too long: a gate would not let them in now either.
// A realm that waits for its store holds up no other.
func (st *Streams) inspect(found map[string]map[string]*watched, failing map[string]time.Time) {
	var each sync.WaitGroup
	var mu sync.Mutex // guards failing
	for key, sessions := range found {
		each.Go(func() {
			logger := loggerOf(sessions)
			// Providers are asked, which may be anybody's modules.
			err := panics.Catch(func() error { return ask(sessions) })
			mu.Lock()
			defer mu.Unlock()
			since, failed := failing[key]
			switch {
			case err == nil && failed:
				delete(failing, key)
			case err != nil && !failed:
				failing[key] = time.Now()
				logger.Warn("the store can't be asked about the sessions of open streams: they end if this goes on",
					zap.Duration("grace", streamGrace), zap.Error(err), panics.Stack(err))
			case err != nil && time.Since(since) >= streamGrace:
				logger.Error("open streams end because the store does not answer", zap.Int("sessions", len(sessions)), zap.Error(err))
				for _, one := range sessions {
					one.end()
				}
			}
		})
	}
	each.Wait()
	for key := range failing {
		if found[key] == nil {
			delete(failing, key)
		}
	}
}

// loggerOf is the logger of the realm whose sessions these are.
func loggerOf(sessions map[string]*watched) *zap.Logger {
	for _, one := range sessions {
		return one.sessions.Logger
	}
	return zap.NewNop()
}

// ask ends what is over. The first error of the store ends the round, because
// the next question would wait as long.
func ask(sessions map[string]*watched) error {
	now := make(sessionsNow)
	for _, one := range sessions {
		e := one.sessions.EntryOf(one.session)
		if !time.Now().Before(e.Ends) {
			one.end()
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), streamTimeout)
		keys, err := one.sessions.keys(ctx)
		over := false
		if err == nil {
			over, err = e.Strategy().Revoked(ctx, one.sessions.List, e)
		}
		cancel()
		switch {
		case err != nil:
			return err
		case over:
			one.end()
		default:
			one.endRefused(keys, now)
		}
	}
	return nil
}
