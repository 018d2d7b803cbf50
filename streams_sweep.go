package signin

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// streamTimeout bounds one question to the store.
const streamTimeout = time.Second

// watched is one session with open streams.
type watched struct {
	sessions *siteSessions
	session  *session
	streams  []watchedStream
}

// watchedStream is a stream as it was when it was looked at.
type watchedStream struct {
	sessions *siteSessions
	session  *session
	guards   [][]Rule
	cancel   context.CancelCauseFunc
}

func (w *watched) end() {
	for _, stream := range w.streams {
		stream.cancel(errRevoked)
	}
}

// endRefused ends the streams whose users would not be let in again.
func (w *watched) endRefused(keys *keyring, now sessionsNow) {
	live := new(session)
	for _, stream := range w.streams {
		if !now.of(stream.sessions).validate(stream.session, keys, live) || slices.ContainsFunc(stream.guards, func(rules []Rule) bool { return !live.person().meets(rules) }) {
			stream.cancel(errRevoked)
		}
	}
}

// sessionsNow has what the configuration that runs now makes of the sessions that
// one round looks at, each looked up once: streams outlive a reload.
type sessionsNow map[*siteSessions]successors

// successors are the sessions under one key in each realm that has this key now.
type successors []*siteSessions

func (known sessionsNow) of(s *siteSessions) successors {
	now, ok := known[s]
	if ok {
		return now
	}
	for _, manager := range s.sessionManager.successors(s.key) {
		if manager == s.sessionManager {
			now = append(now, s)
			continue
		}
		moved := *s
		moved.sessionManager = manager
		now = append(now, &moved)
	}
	known[s] = now
	return now
}

// validate makes live a session as its user is seen now, unless it lets nobody in.
func (now successors) validate(before *session, keys *keyring, live *session) bool {
	over := stillValid
	for _, s := range now {
		live.claims = before.claims
		if _, over = s.refreshUser(&live.claims, keys); over != stillValid {
			continue
		}
		if s.populate(live, live.claims); s.admits(live) {
			return true
		}
		over = endedRules
	}
	if len(now) > 0 {
		now[len(now)-1].logEnding(over, &live.claims)
	}
	return false
}

// sweep looks at the open streams until there have been none for a while.
func (st *streams) sweep() {
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
func (st *streams) collect() (open bool, found map[string]map[string]*watched) {
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
			sessions := found[e.sessions.key]
			if sessions == nil {
				sessions = make(map[string]*watched)
				found[e.sessions.key] = sessions
			}
			one := sessions[e.session.claims.SID]
			if one == nil {
				one = &watched{sessions: e.sessions, session: e.session}
				sessions[e.session.claims.SID] = one
			}
			one.streams = append(one.streams, watchedStream{e.sessions, e.session, e.guards, e.cancel})
		}
		shard.mu.Unlock()
	}
	return open, found
}

// inspect ends the streams whose sessions are over, and those of realms whose
// store has not answered for too long: a gate would not let them in now either.
// A realm that waits for its store holds up no other.
func (st *streams) inspect(found map[string]map[string]*watched, failing map[string]time.Time) {
	var each sync.WaitGroup
	var mu sync.Mutex // guards failing
	for key, sessions := range found {
		each.Go(func() {
			asked, err := ask(sessions)
			mu.Lock()
			defer mu.Unlock()
			since, failed := failing[key]
			switch {
			case err == nil && failed:
				delete(failing, key)
			case err != nil && !failed:
				failing[key] = time.Now()
				asked.logger.Warn("the store can't be asked about the sessions of open streams: they end if this goes on",
					zap.Duration("grace", streamGrace), zap.Error(err))
			case err != nil && time.Since(since) >= streamGrace:
				asked.logger.Error("open streams end because the store does not answer", zap.Int("sessions", len(sessions)), zap.Error(err))
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

// ask ends what is over. The first error of the store ends the round, because
// the next question would wait as long.
func ask(sessions map[string]*watched) (*siteSessions, error) {
	var asked *siteSessions
	now := make(sessionsNow)
	for _, one := range sessions {
		asked = one.sessions
		e := asked.entryOf(one.session)
		if !time.Now().Before(e.ends) {
			one.end()
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), streamTimeout)
		keys, err := asked.keys(ctx)
		over := false
		if err == nil {
			over, err = e.strategy().revoked(ctx, asked.sessionList, e)
		}
		cancel()
		switch {
		case err != nil:
			return asked, err //nolint:wrapcheck // it says what was being asked
		case over:
			one.end()
		default:
			one.endRefused(keys, now)
		}
	}
	return asked, nil
}
