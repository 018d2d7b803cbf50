package signin

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// endedLife is how long it is remembered that all sessions of a user were
// ended: longer than any request takes that signs somebody in.
const endedLife = 10 * time.Minute

// endedKey is the realm's, not that of one address: who revokes a user's
// sessions by command names no address.
func (l sessionList) endedKey(user string) string { return l.realmKey + "|ended|" + digest(user) }

// markEnded says, before the sessions of a user that are on the list end, that
// no sign-in that began earlier is to bring another.
func (l sessionList) markEnded(ctx context.Context, user string) error {
	ctx, done := patiently(ctx)
	defer done()
	now := time.Now()
	value := binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))
	err := l.store.Put(ctx, l.endedKey(user), value, now.Add(endedLife))
	if err != nil && !errors.Is(err, sessionstore.ErrFull) { // a full store takes no new session either
		return fmt.Errorf("noting that all sessions of a user end: %w", err)
	}
	return nil
}

var (
	// errEndedMeanwhile says that a sign-in was overtaken by the end of all
	// sessions of its user.
	errEndedMeanwhile = errors.New("all sessions of this user were ended while the sign-in was under way")

	errUnchanged = errors.New("unchanged")
)

// checkEnded returns errEndedMeanwhile for a session that is on the list by now,
// of a sign-in that began before its user's sessions were ended. Whoever ends
// them marks first and lists then; so either the list has the session, or this
// sees the mark. It asks the store itself (Update): what a near cache knows may
// be a moment old.
func (l sessionList) checkEnded(ctx context.Context, e *entry) error {
	ctx, done := patiently(ctx)
	defer done()
	err := l.store.Update(ctx, l.endedKey(e.user), func(old []byte) ([]byte, time.Time, error) {
		if len(old) == 8 && !time.Unix(0, int64(binary.BigEndian.Uint64(old))).Before(e.started) {
			return nil, time.Time{}, errEndedMeanwhile
		}
		return nil, time.Time{}, errUnchanged
	})
	switch {
	case errors.Is(err, errUnchanged):
		return nil
	case errors.Is(err, errEndedMeanwhile):
		if err := l.end(ctx, *e); err != nil {
			return err
		}
		return errEndedMeanwhile
	default:
		return fmt.Errorf("asking the store whether all sessions of a user ended: %w", err)
	}
}

// endAll ends every session of a user but the one with the sid keep, which may
// be empty, and returns how many ended.
func (l sessionList) endAll(ctx context.Context, user, keep string) (int, error) {
	if err := l.markEnded(ctx, user); err != nil {
		return 0, err
	}
	var all []owned
	err := l.each(ctx, l.userPrefix(user), func(_ string, e entry) error {
		if e.user == user && e.sid != keep {
			all = append(all, owned{l, e})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return endEach(ctx, all, func(owned) {})
}

// owned is an entry with the list that it stands on.
type owned struct {
	sessionList
	entry
}

// endingAtOnce is how many sessions end at a time: a disk or a network takes
// about as long for many writes as for one.
const endingAtOnce = 64

// endEach ends sessions, several at a time, tells ended of each, and returns how
// many ended. After an error it begins no more.
func endEach(ctx context.Context, all []owned, ended func(owned)) (count int, failure error) {
	var (
		mu    sync.Mutex // guards count and failure
		turns = make(chan struct{}, endingAtOnce)
		under sync.WaitGroup
	)
	for _, one := range all {
		turns <- struct{}{}
		mu.Lock()
		failed := failure != nil
		mu.Unlock()
		if failed {
			break
		}
		under.Go(func() {
			err := one.end(ctx, one.entry)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				count++
				ended(one)
			} else {
				failure = cmp.Or(failure, err)
			}
			<-turns
		})
	}
	under.Wait()
	return count, failure
}
