package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// Strategy is where a realm's sessions live: sealed in the cookie, or in the
// store under what the cookie carries. Nothing else knows which.
type Strategy interface {
	// Open reads the session of a token into live, and reports whether the token
	// gives one. An error means that the answer is not known.
	Open(ctx context.Context, s *Site, token string, now time.Time, live *Session) (bool, error)
	// issue begins a session and returns what its cookie carries.
	issue(ctx context.Context, s *Site, claims authjs.Claims) (Issued, error)
	// Renew lets a live session live on, or returns ErrSessionOver. deliverable
	// says that the browser would get a new token; without it no token needs to
	// be made, and an empty one is nothing to send.
	Renew(ctx context.Context, s *Site, live *Session, deliverable bool) (Issued, error)
	// Revoke ends a session for every copy of its token, older or newer.
	Revoke(ctx context.Context, l List, e Entry) error
	// Revoked reports whether a session that was live has been ended since.
	Revoked(ctx context.Context, l List, e Entry) (bool, error)
}

// Issued is a session's cookie in the making.
type Issued struct {
	Token   string
	handle  string // where the store has the session, empty when it is in the token
	Expires time.Time
}

// ErrSessionOver says that a session ended while it was being renewed: it must
// not come back, for whoever signed out relies on that.
var ErrSessionOver = errors.New("the session has ended")

// StrategyNamed is the strategy that a value of the option strategy stands for.
func StrategyNamed(name string) (strategy Strategy, ok bool) {
	strategy, ok = strategies[name]
	return strategy, ok
}

// StrategyNames are the values of the option strategy, sorted.
func StrategyNames() []string { return slices.Sorted(maps.Keys(strategies)) }

var strategies = map[string]Strategy{
	"jwt":      JWT{},
	"database": Database{},
}

// JWT is the strategy of sessions that are sealed in their cookie, in NextAuth's own
// format. The store has only the revocations.
type JWT struct{}

func (JWT) issue(ctx context.Context, s *Site, claims authjs.Claims) (Issued, error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return Issued{}, err
	}
	s.Limits.extend(&claims, time.Now())
	claims.ID = uuid.NewString()
	claims.Sign(keys.Claims)
	return Issued{Token: keys.Session[s.CookieNames.Session].Seal(claims.Append(nil)), Expires: claims.Expires}, nil
}

// Renew seals the claims anew under the same sid, so that a revocation that
// races it holds for the new token too.
func (j JWT) Renew(ctx context.Context, s *Site, live *Session, deliverable bool) (Issued, error) {
	if !deliverable {
		return Issued{}, nil
	}
	return j.issue(ctx, s, live.Claims)
}

// Revoke stores a revocation, which holds for every token of the session.
func (JWT) Revoke(ctx context.Context, l List, e Entry) error {
	if err := l.Store.Put(ctx, l.revocationKey(e.SID), []byte{1}, e.Ends.Add(authjs.Leeway)); err != nil {
		return fmt.Errorf("storing a revocation: %w", err)
	}
	return nil
}

// Revoked asks for the revocation.
func (JWT) Revoked(ctx context.Context, l List, e Entry) (bool, error) {
	return l.isRevoked(ctx, e.SID)
}

// Interface guards
var (
	_ Strategy = JWT{}
	_ Strategy = Database{}
)
