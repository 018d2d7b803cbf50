package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// sessionList is what the store keeps of the sessions under one realm key:
//
//	<key>|session|<digest of the user id>|#|<sid> an entry, for both strategies; a user's are a group
//	<key>|revoked|<sid>                           a revocation, for jwt
//	<key>|token|<SHA-256 of the token>            a session, for database
//	<realm>|ended|<digest of the user id>         when all of a user's were ended
//
// Entries are written once, at sign-in; renewals leave them alone.
type sessionList struct {
	*sessionManager

	key string // the realm's key, which namespaces all that is stored
}

// entry says of a session what an operator needs to know, and what it takes to
// end it.
type entry struct {
	sid      string
	user     string // <provider>:<account id>
	provider string
	started  time.Time
	ends     time.Time // at the latest, however often it is renewed
	agent    string    // the browser's User-Agent at sign-in
	handle   string    // see issued
}

// strategy is the strategy that the session began with. It need not be the realm's
// of today.
func (e *entry) strategy() strategy {
	switch {
	case e.handle == "":
		return jwtSessions{}
	case strings.HasPrefix(e.handle, sharedPrefix):
		return authjsSessions{}
	default:
		return databaseSessions{}
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

const sessionInfix = "|session|"

func (l sessionList) userPrefix(user string) string {
	return l.key + sessionInfix + digest(user) + sessionstore.GroupMark
}

func (l sessionList) entryKey(e *entry) string { return l.userPrefix(e.user) + e.sid }

// parseEntry reads an entry back. The realm's key is whatever stands before the
// last infix.
func parseEntry(key string, value []byte) (realmKey string, e entry, ok bool) {
	at := strings.LastIndex(key, sessionInfix)
	if at < 0 {
		return "", entry{}, false
	}
	_, sid, found := strings.Cut(key[at+len(sessionInfix):], sessionstore.GroupMark)
	var kept entryJSON
	if err := json.Unmarshal(value, &kept); err != nil || !found || sid == "" || kept.User == "" {
		return "", entry{}, false
	}
	return key[:at], entry{
		sid: sid, user: kept.User, provider: kept.Provider, agent: kept.Agent, handle: kept.Handle,
		started: time.Unix(kept.Started, 0), ends: time.Unix(kept.Ends, 0),
	}, true
}

// record enters a session that begins.
func (l sessionList) record(ctx context.Context, e *entry) error {
	value, err := json.Marshal(entryJSON{
		User: e.user, Provider: e.provider, Started: e.started.Unix(), Ends: e.ends.Unix(), Agent: e.agent, Handle: e.handle,
	})
	if err != nil {
		return fmt.Errorf("entering a session: %w", err)
	}
	ctx, done := patiently(ctx)
	defer done()
	if err := l.store.Put(ctx, l.entryKey(e), value, e.ends); err != nil {
		return fmt.Errorf("entering a session: %w", err)
	}
	return nil
}

// entryOf is the entry of a live session.
func (s *siteSessions) entryOf(live *session) entry {
	return entry{
		sid: live.claims.SID, user: live.userID, provider: live.claims.Provider, handle: live.handle,
		started: live.claims.AuthTime, ends: s.lastEnd(&live.claims),
	}
}

// lastEnd is when the last token of a session is over. A token that NextAuth
// issued may outlive the absolute limit that we set.
func (s *siteSessions) lastEnd(claims *authjs.Claims) time.Time {
	ends := claims.AuthTime.Add(s.limits.absoluteMaxAge)
	if claims.Expires.After(ends) {
		return claims.Expires
	}
	return ends
}

// end ends a session for every copy of its token, and what of it is under way
// in this process. Elsewhere the store tells.
func (l sessionList) end(ctx context.Context, e entry) error {
	ctx, done := patiently(ctx)
	defer done()
	if err := e.strategy().revoke(ctx, l, e); err != nil {
		return err //nolint:wrapcheck // it says what was being done
	}
	l.streams.end(l.key, e.sid)
	if err := l.store.Delete(ctx, l.entryKey(&e)); err != nil {
		return fmt.Errorf("taking a session off the list: %w", err)
	}
	return nil
}

var errNoList = errors.New("this store can't list what it keeps")

// each calls use for every entry whose key begins with prefix.
func (l sessionList) each(ctx context.Context, prefix string, use func(realmKey string, e entry) error) error {
	lister, ok := l.store.(sessionstore.Lister)
	if !ok {
		return errNoList
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

func (l sessionList) revocationKey(sid string) string { return l.key + "|revoked|" + sid }

func (l sessionList) hasRevocation(ctx context.Context, sid string) (bool, error) {
	switch _, err := l.store.Get(ctx, l.revocationKey(sid)); {
	case err == nil:
		return true, nil
	case errors.Is(err, sessionstore.ErrNotFound):
		return false, nil
	default:
		return false, fmt.Errorf("asking the store for a revocation: %w", err)
	}
}

// isRevoked asks whether a session has ended that is in its cookie. An adopted
// one ends with the session of ours whose sid its token names; not the other way
// round, for anyone may name it.
func (l sessionList) isRevoked(ctx context.Context, sid string) (bool, error) {
	revoked, err := l.hasRevocation(ctx, sid)
	if named, adopted := strings.CutPrefix(sid, adoptedPrefix); adopted && !revoked && err == nil {
		return l.hasRevocation(ctx, named)
	}
	return revoked, err
}
