package signin

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// endedLife is how long it is remembered that all sessions of a user were
// ended: longer than any request takes that signs somebody in.
const endedLife = 10 * time.Minute

// endedKey is the realm's, not that of one address: who revokes a user's
// sessions by command names no address.
func (l ledger) endedKey(user string) string { return l.realm.poolKey() + "|ended|" + digest(user) }

// markEnded says, before the sessions of a user that are on the list end, that
// no sign-in that began earlier is to bring another.
func (l ledger) markEnded(ctx context.Context, user string) error {
	ctx, done := patiently(ctx)
	defer done()
	now := time.Now()
	value := binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))
	err := l.realm.store.Put(ctx, l.endedKey(user), value, now.Add(endedLife))
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
func (l ledger) checkEnded(ctx context.Context, e *entry) error {
	ctx, done := patiently(ctx)
	defer done()
	err := l.realm.store.Update(ctx, l.endedKey(e.user), func(old []byte) ([]byte, time.Time, error) {
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
