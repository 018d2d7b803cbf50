package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// strategy is where a realm's sessions live: sealed in the cookie, or in the
// store under what the cookie carries. Nothing else knows which.
type strategy interface {
	// open reads the session of a token into live, and reports whether the token
	// gives one. An error means that the answer is not known.
	open(ctx context.Context, s *siteSessions, token string, now time.Time, live *session) (bool, error)
	// issue begins a session and returns what its cookie carries.
	issue(ctx context.Context, s *siteSessions, claims authjs.Claims) (issued, error)
	// renew lets a live session live on, or returns errSessionOver. deliverable
	// says that the browser would get a new token; without it no token needs to
	// be made, and an empty one is nothing to send.
	renew(ctx context.Context, s *siteSessions, live *session, deliverable bool) (issued, error)
	// revoke ends a session for every copy of its token, older or newer.
	revoke(ctx context.Context, l sessionList, e entry) error
	// revoked reports whether a session that was live has been ended since.
	revoked(ctx context.Context, l sessionList, e entry) (bool, error)
}

// issued is a session's cookie in the making.
type issued struct {
	token   string
	handle  string // where the store has the session, empty when it is in the token
	expires time.Time
}

// errSessionOver says that a session ended while it was being renewed: it must
// not come back, for whoever signed out relies on that.
var errSessionOver = errors.New("the session has ended")

// strategies are the values of the option strategy.
var strategies = map[string]strategy{
	"jwt":      jwtSessions{},
	"database": databaseSessions{},
}

// jwtSessions are sealed in their cookie, in NextAuth's own format. The store
// has only the revocations.
type jwtSessions struct{}

func (jwtSessions) open(ctx context.Context, s *siteSessions, token string, now time.Time, live *session) (bool, error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return false, err
	}
	payload, stale, err := keys.session[s.names.Session].Open(token)
	if err != nil {
		return false, nil //nolint:nilerr // what doesn't open is no session
	}
	read, err := authjs.ParseToken(payload, keys.claims)
	if err != nil || (!read.Ours && !s.acceptForeign(&read)) {
		return false, nil //nolint:nilerr // nor is what isn't a session's token
	}
	if !s.validate(read.Claims, keys, now, live) {
		return false, nil
	}
	live.stale = stale || read.Stale || live.changed
	revoked, err := s.isRevoked(ctx, live.claims.SID)
	return !revoked && err == nil, err
}

func (jwtSessions) issue(ctx context.Context, s *siteSessions, claims authjs.Claims) (issued, error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return issued{}, err
	}
	s.extend(&claims, time.Now())
	claims.ID = uuid.NewString()
	claims.Sign(keys.claims)
	return issued{token: keys.session[s.names.Session].Seal(claims.Append(nil)), expires: claims.Expires}, nil
}

// renew seals the claims anew under the same sid, so that a revocation that
// races it holds for the new token too.
func (j jwtSessions) renew(ctx context.Context, s *siteSessions, live *session, deliverable bool) (issued, error) {
	if !deliverable {
		return issued{}, nil
	}
	return j.issue(ctx, s, live.claims)
}

func (jwtSessions) revoke(ctx context.Context, l sessionList, e entry) error {
	if err := l.store.Put(ctx, l.revocationKey(e.sid), []byte{1}, e.ends.Add(authjs.Leeway)); err != nil {
		return fmt.Errorf("storing a revocation: %w", err)
	}
	return nil
}

func (jwtSessions) revoked(ctx context.Context, l sessionList, e entry) (bool, error) {
	return l.isRevoked(ctx, e.sid)
}

// Interface guards
var (
	_ strategy = jwtSessions{}
	_ strategy = databaseSessions{}
)
