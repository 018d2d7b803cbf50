package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// List is what the store keeps of the sessions under one realm key:
//
//	<key>|session|<digest of the user id>|#|<sid> an entry, for both strategies; a user's are a group
//	<key>|revoked|<sid>                           a revocation, for jwt
//	<key>|token|<SHA-256 of the token>            a session, for database
//	<realm>|ended|<digest of the user id>         when all of a user's were ended
//
// Entries are written once, at sign-in; renewals leave them alone.
type List struct {
	*Manager

	Key string // the realm's key, which namespaces all that is stored
}

// Entry says of a session what an operator needs to know, and what it takes to
// end it.
type Entry struct {
	SID      string
	User     string // <provider>:<account id>
	Provider string
	Started  time.Time
	Ends     time.Time // at the latest, however often it is renewed
	Agent    string    // the browser's User-Agent at sign-in
	handle   string    // see Issued
}

// Strategy is the strategy that the session began with. It need not be the realm's
// of today.
func (e *Entry) Strategy() Strategy {
	switch {
	case e.handle == "":
		return JWT{}
	case strings.HasPrefix(e.handle, sharedPrefix):
		return Shared{}
	default:
		return Database{}
	}
}

// entryJSON is an entry as it is stored, in the fewest bytes; the sid is in its
// key.
type entryJSON struct {
	User     string `json:"u"`
	Provider string `json:"p"`
	Started  int64  `json:"s"` // Unix seconds, as the next
	Ends     int64  `json:"e"`
	Agent    string `json:"a,omitempty"`
	Handle   string `json:"h,omitempty"`
}

// Infix stands between the realm's key and the rest in the key of an entry.
const Infix = "|session|"

// UserPrefix begins the keys of all of a user's entries.
func (l List) UserPrefix(user string) string {
	return l.Key + Infix + keys.Digest(user) + sessionstore.GroupMark
}

func (l List) entryKey(e *Entry) string { return l.UserPrefix(e.User) + e.SID }

// parseEntry reads an entry back. The realm's key is whatever stands before the
// last infix.
func parseEntry(key string, value []byte) (realmKey string, e Entry, ok bool) {
	at := strings.LastIndex(key, Infix)
	if at < 0 {
		return "", Entry{}, false
	}
	_, sid, found := strings.Cut(key[at+len(Infix):], sessionstore.GroupMark)
	var kept entryJSON
	if err := json.Unmarshal(value, &kept); err != nil || !found || sid == "" || kept.User == "" {
		return "", Entry{}, false
	}
	return key[:at], Entry{
		SID: sid, User: kept.User, Provider: kept.Provider, Agent: kept.Agent, handle: kept.Handle,
		Started: time.Unix(kept.Started, 0), Ends: time.Unix(kept.Ends, 0),
	}, true
}

// record enters a session that begins.
func (l List) record(ctx context.Context, e *Entry) error {
	value, err := json.Marshal(entryJSON{
		User: e.User, Provider: e.Provider, Started: e.Started.Unix(), Ends: e.Ends.Unix(), Agent: e.Agent, Handle: e.handle,
	})
	if err != nil {
		return fmt.Errorf("entering a session: %w", err)
	}
	ctx, done := deadline.Step(ctx)
	defer done()
	if err := l.Store.Put(ctx, l.entryKey(e), value, e.Ends); err != nil {
		return fmt.Errorf("entering a session: %w", err)
	}
	return nil
}

// EntryOf is the entry of a live session.
func (m *Manager) EntryOf(live *Session) Entry {
	return Entry{
		SID: live.Claims.SID, User: live.UserID, Provider: live.Claims.Provider, handle: live.handle,
		Started: live.Claims.AuthTime, Ends: m.Limits.lastEnd(&live.Claims),
	}
}

// End ends a session for every copy of its token, and what of it is under way
// in this process. Elsewhere the store tells.
func (l List) End(ctx context.Context, e Entry) error {
	ctx, done := deadline.Step(ctx)
	defer done()
	if err := e.Strategy().Revoke(ctx, l, e); err != nil {
		return err
	}
	l.Streams.end(l.Key, e.SID)
	if err := l.Store.Delete(ctx, l.entryKey(&e)); err != nil {
		return fmt.Errorf("taking a session off the list: %w", err)
	}
	return nil
}

// ErrNoList says that the store is no [sessionstore.Lister].
var ErrNoList = errors.New("this store can't list what it keeps")

// Each calls use for every entry whose key begins with prefix.
func (l List) Each(ctx context.Context, prefix string, use func(realmKey string, e Entry) error) error {
	lister, ok := l.Store.(sessionstore.Lister)
	if !ok {
		return ErrNoList
	}
	var failed error
	err := lister.List(ctx, prefix, func(key string, value []byte) bool {
		if realmKey, e, ok := parseEntry(key, value); ok {
			failed = use(realmKey, e)
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("listing sessions: %w", err)
	}
	return nil
}
