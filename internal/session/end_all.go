package session

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/panics"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// revokedUserLife is how long it is remembered that all sessions of a user were
// ended: longer than any request takes that signs somebody in.
const revokedUserLife = 10 * time.Minute

// revokedUserKey is the realm's, not that of one address: who revokes a user's
// sessions by command names no address.
func (l List) revokedUserKey(user string) string { return l.RealmKey + "|ended|" + keys.Digest(user) }

// RevokeEarlierSignIns says, before the sessions of a user that are on the list end, that
// no sign-in that began earlier is to bring another.
func (l List) RevokeEarlierSignIns(ctx context.Context, user string) error {
	ctx, done := deadline.Step(ctx)
	defer done()
	now := time.Now()
	value := binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))
	err := l.Store.Put(ctx, l.revokedUserKey(user), value, now.Add(revokedUserLife))
	if err != nil && !errors.Is(err, sessionstore.ErrFull) { // a full store takes no new session either
		return fmt.Errorf("noting that all sessions of a user end: %w", err)
	}
	return nil
}

var (
	// ErrRevokedMeanwhile says that a sign-in was overtaken by the end of all
	// sessions of its user.
	ErrRevokedMeanwhile = errors.New("all sessions of this user were ended while the sign-in was under way")

	errUnchanged = errors.New("unchanged")
)

// endIfRevoked returns [ErrRevokedMeanwhile] for a session that is on the list by now,
// of a sign-in that began before its user's sessions were ended. Whoever ends
// them writes so first and lists then; so either the list has the session, or this
// sees what was written. It asks the store itself (Update): what a near cache knows may
// be a moment old.
func (l List) endIfRevoked(ctx context.Context, e *Entry) error {
	ctx, done := deadline.Step(ctx)
	defer done()
	err := l.Store.Update(ctx, l.revokedUserKey(e.User), func(old []byte) ([]byte, time.Time, error) {
		if len(old) == 8 && !time.Unix(0, int64(binary.BigEndian.Uint64(old))).Before(e.Started) {
			return nil, time.Time{}, ErrRevokedMeanwhile
		}
		return nil, time.Time{}, errUnchanged
	})
	switch {
	case errors.Is(err, errUnchanged):
		return nil
	case errors.Is(err, ErrRevokedMeanwhile):
		if err := l.End(ctx, *e); err != nil {
			return err
		}
		return ErrRevokedMeanwhile
	default:
		return fmt.Errorf("asking the store whether all sessions of a user ended: %w", err)
	}
}

// endAll ends every session of a user but the one with the sid keep, which may
// be empty, and returns how many ended.
func (l List) endAll(ctx context.Context, user, keep string) (int, error) {
	if err := l.RevokeEarlierSignIns(ctx, user); err != nil {
		return 0, err
	}
	var all []ListedEntry
	err := l.Each(ctx, l.UserPrefix(user), func(_ string, e Entry) error {
		if e.User == user && e.SID != keep {
			all = append(all, ListedEntry{l, e})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return EndEach(ctx, all, func(ListedEntry) {})
}

// ListedEntry is an entry with the list that it stands on.
type ListedEntry struct {
	List
	Entry
}

// endingAtOnce is how many sessions end at a time: a disk or a network takes
// about as long for many writes as for one.
const endingAtOnce = 64

// EndEach ends sessions, several at a time, tells ended of each, and returns how
// many ended. After an error it begins no more.
func EndEach(ctx context.Context, all []ListedEntry, ended func(ListedEntry)) (count int, failure error) {
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
			err := panics.Catch(func() error { return one.End(ctx, one.Entry) }) // the store may be anybody's module
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
