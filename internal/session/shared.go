package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Shared is the strategy of sessions in the table of an Auth.js application, which has
// the last word on whether a session lives, and for whom. What the table has no
// column for (provider, groups, when the person signed in) is in a record of
// ours beside it. A session without such a record is one that the application
// made. Who signs in by a password is no stored user, so that their sessions are
// [Database] sessions.
type Shared struct{ Database }

// sharedPrefix begins the handle of a shared session; its token follows, because
// the table has no other name for it.
const sharedPrefix = "authjs:"

// sharesSessions says that an Auth.js application may have made a session.
func (m *Manager) sharesSessions() bool { return m.Strategy == Strategy(Shared{}) }

// shared is the table of shared sessions, unless it is no longer the store's.
func (l List) shared() (sessionstore.AuthjsSessions, bool) {
	table, ok := l.Store.(sessionstore.AuthjsSessions)
	return table, ok
}

// sharedRecordKey is where the record beside a shared session is.
func (l List) sharedRecordKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return l.handleKey(sharedPrefix + strict64.EncodeToString(sum[:]))
}

// Open looks for a session of ours, then for one of the table.
func (a Shared) Open(ctx context.Context, s *Site, token string, now time.Time, live *Session) (bool, error) {
	if found, err := a.Database.Open(ctx, s, token, now, live); found || err != nil {
		return found, err
	}
	table, ok := s.shared()
	if !ok {
		return false, nil
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return false, err
	}
	found, err := table.ReadSession(ctx, token)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking the store for a shared session: %w", err)
	}
	claims, err := s.sharedClaims(ctx, token, &found)
	if err != nil {
		return false, err
	}
	claims.Expires = found.Expires
	// Whoever extended it last: the application leaves no other trace.
	if extended := found.Expires.Add(-s.Limits.MaxAge); extended.After(claims.IssuedAt) {
		claims.IssuedAt = earlier(extended, now)
	}
	if claims.AuthTime.IsZero() {
		claims.AuthTime = claims.IssuedAt
	}
	if !s.validate(claims, keys, now, live) {
		return false, nil
	}
	live.token, live.handle = token, sharedPrefix+token
	return true, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// sharedClaims are the claims of a shared session: those of our record with the user
// as stored now, or, of a session that the application made, the stored user
// alone. Such a session tells neither a provider nor groups.
func (s *Site) sharedClaims(ctx context.Context, token string, found *sessionstore.AuthjsSession) (claims authjs.Claims, err error) {
	value, err := s.Store.Get(ctx, s.sharedRecordKey(token))
	if err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
		return claims, fmt.Errorf("asking the store for the record of a shared session: %w", err)
	}
	if err == nil {
		if claims, err = authjs.ParseClaims(string(value)); err == nil && claims.Subject == found.User.Row {
			s.TakeUser(&claims, &found.User)
			return claims, nil
		}
	}
	claims = authjs.Claims{SID: keys.Digest("authjs session", token), Realm: s.Key, Provider: ForeignProvider}
	// An address that isn't one plain one is shown, and counts for deny alone.
	if address, ok := address.Normal(found.User.Email); ok {
		claims.Email, claims.EmailVerified = authjs.TextOf(address), found.User.EmailVerified
	}
	s.TakeUser(&claims, &found.User)
	return claims, nil
}

func (a Shared) issue(ctx context.Context, s *Site, claims authjs.Claims) (Issued, error) {
	table, ok := s.shared()
	if claims.User == "" || !ok {
		return a.Database.issue(ctx, s, claims)
	}
	s.Limits.extend(&claims, time.Now())
	token := uuid.NewString() // as Auth.js makes them
	// Our record first: without the session it is good for nothing.
	if err := sessionstore.Add(ctx, s.Store, s.sharedRecordKey(token), claims.Append(nil), s.Limits.sharedRecordEnds(&claims)); err != nil {
		return Issued{}, fmt.Errorf("storing the record of a shared session: %w", err)
	}
	if err := table.CreateSession(ctx, token, claims.Subject, claims.Expires); err != nil {
		return Issued{}, fmt.Errorf("storing a shared session: %w", err)
	}
	return Issued{Token: token, handle: sharedPrefix + token, Expires: claims.Expires}, nil
}

// Renew extends the session where it stands, and fixes when one of the
// application's began, from which the absolute limit counts.
func (a Shared) Renew(ctx context.Context, s *Site, live *Session, deliverable bool) (Issued, error) {
	table, ok := s.shared()
	if !strings.HasPrefix(live.handle, sharedPrefix) || !ok {
		return a.Database.Renew(ctx, s, live, deliverable)
	}
	now := time.Now()
	renewed := Issued{Token: live.token, handle: live.handle, Expires: live.Claims.Expires}
	if !s.Limits.isDue(&live.Claims, now) {
		return renewed, nil
	}
	claims := live.Claims
	s.Limits.extend(&claims, now)
	switch err := table.ExtendSession(ctx, live.token, claims.Expires); {
	case errors.Is(err, sessionstore.ErrNotFound):
		return Issued{}, fmt.Errorf("extending a shared session: %w", ErrSessionOver)
	case err != nil:
		return Issued{}, fmt.Errorf("extending a shared session: %w", err)
	}
	if err := s.Store.Put(ctx, s.sharedRecordKey(live.token), claims.Append(nil), s.Limits.sharedRecordEnds(&claims)); err != nil {
		return Issued{}, fmt.Errorf("storing the record of a shared session: %w", err)
	}
	renewed.Expires = claims.Expires
	return renewed, nil
}

// Revoke deletes the row of the table, and the record beside it.
func (Shared) Revoke(ctx context.Context, l List, e Entry) error {
	token := strings.TrimPrefix(e.handle, sharedPrefix)
	if table, ok := l.shared(); ok {
		if err := table.DeleteSession(ctx, token); err != nil {
			return fmt.Errorf("deleting a shared session: %w", err)
		}
	}
	if err := l.Store.Delete(ctx, l.sharedRecordKey(token)); err != nil {
		return fmt.Errorf("deleting the record of a shared session: %w", err)
	}
	return nil
}

// Revoked asks whether the row is gone.
func (Shared) Revoked(ctx context.Context, l List, e Entry) (bool, error) {
	table, ok := l.shared()
	if !ok {
		return true, nil // nobody is let in by it any more
	}
	switch _, err := table.ReadSession(ctx, strings.TrimPrefix(e.handle, sharedPrefix)); {
	case err == nil:
		return false, nil
	case errors.Is(err, sessionstore.ErrNotFound):
		return true, nil
	default:
		return false, fmt.Errorf("asking the store for a shared session: %w", err)
	}
}

var _ Strategy = Shared{}
