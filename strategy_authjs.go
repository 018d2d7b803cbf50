package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// authjsSessions are in the table that an Auth.js application shares, which has
// the last word on whether a session lives, and for whom. What the table has no
// column for (provider, groups, when the person signed in) is in a record of
// ours beside it. A session without such a record is one that the application
// made. Who signs in by a password is no stored user, so that their sessions are
// databaseSessions.
type authjsSessions struct{ databaseSessions }

// sharedPrefix begins the handle of a shared session; its token follows, because
// the table has no other name for it.
const sharedPrefix = "authjs:"

// sharesSessions says that an Auth.js application may have made a session.
func (m *sessionManager) sharesSessions() bool { return m.strategy == strategy(authjsSessions{}) }

// shared is the table of shared sessions, unless it is no longer the store's.
func (l sessionList) shared() (sessionstore.AuthjsSessions, bool) {
	table, ok := l.store.(sessionstore.AuthjsSessions)
	return table, ok
}

// sharedRecordKey is where the record beside a shared session is.
func (l sessionList) sharedRecordKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return l.handleKey(sharedPrefix + strict64.EncodeToString(sum[:]))
}

func (a authjsSessions) open(ctx context.Context, s *siteSessions, token string, now time.Time, live *session) (bool, error) {
	if found, err := a.databaseSessions.open(ctx, s, token, now, live); found || err != nil {
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
	if extended := found.Expires.Add(-s.limits.maxAge); extended.After(claims.IssuedAt) {
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
func (s *siteSessions) sharedClaims(ctx context.Context, token string, found *sessionstore.AuthjsSession) (claims authjs.Claims, err error) {
	value, err := s.store.Get(ctx, s.sharedRecordKey(token))
	if err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
		return claims, fmt.Errorf("asking the store for the record of a shared session: %w", err)
	}
	if err == nil {
		if claims, err = authjs.ParseClaims(string(value)); err == nil && claims.Subject == found.User.Row {
			s.takeUser(&claims, &found.User)
			return claims, nil
		}
	}
	claims = authjs.Claims{SID: digest("authjs session", token), Realm: s.key, Provider: foreignProvider}
	// An address that isn't one plain one is shown, and counts for deny alone.
	if address, ok := providers.NormalEmail(found.User.Email); ok {
		claims.Email, claims.EmailVerified = authjs.TextOf(address), found.User.EmailVerified
	}
	s.takeUser(&claims, &found.User)
	return claims, nil
}

func (a authjsSessions) issue(ctx context.Context, s *siteSessions, claims authjs.Claims) (issued, error) {
	table, ok := s.shared()
	if claims.User == "" || !ok {
		return a.databaseSessions.issue(ctx, s, claims)
	}
	s.extend(&claims, time.Now())
	token := uuid.NewString() // as Auth.js makes them
	// Our record first: without the session it is good for nothing.
	if err := sessionstore.Add(ctx, s.store, s.sharedRecordKey(token), claims.Append(nil), s.sharedRecordEnds(&claims)); err != nil {
		return issued{}, fmt.Errorf("storing the record of a shared session: %w", err)
	}
	if err := table.CreateSession(ctx, token, claims.Subject, claims.Expires); err != nil {
		return issued{}, fmt.Errorf("storing a shared session: %w", err)
	}
	return issued{token: token, handle: sharedPrefix + token, expires: claims.Expires}, nil
}

// sharedRecordEnds is when the record beside a session goes. The application may
// extend the session as it likes, and what the record says must hold as long.
func (s *siteSessions) sharedRecordEnds(claims *authjs.Claims) time.Time {
	return s.lastEnd(claims).Add(s.limits.maxAge)
}

// renew extends the session where it stands, and fixes when one of the
// application's began, from which the absolute limit counts.
func (a authjsSessions) renew(ctx context.Context, s *siteSessions, live *session, deliverable bool) (issued, error) {
	table, ok := s.shared()
	if !strings.HasPrefix(live.handle, sharedPrefix) || !ok {
		return a.databaseSessions.renew(ctx, s, live, deliverable)
	}
	now := time.Now()
	renewed := issued{token: live.token, handle: live.handle, expires: live.claims.Expires}
	if !s.needsRenewal(&live.claims, now) {
		return renewed, nil
	}
	claims := live.claims
	s.extend(&claims, now)
	switch err := table.ExtendSession(ctx, live.token, claims.Expires); {
	case errors.Is(err, sessionstore.ErrNotFound):
		return issued{}, fmt.Errorf("extending a shared session: %w", errSessionOver)
	case err != nil:
		return issued{}, fmt.Errorf("extending a shared session: %w", err)
	}
	if err := s.store.Put(ctx, s.sharedRecordKey(live.token), claims.Append(nil), s.sharedRecordEnds(&claims)); err != nil {
		return issued{}, fmt.Errorf("storing the record of a shared session: %w", err)
	}
	renewed.expires = claims.Expires
	return renewed, nil
}

func (authjsSessions) revoke(ctx context.Context, l sessionList, e entry) error {
	token := strings.TrimPrefix(e.handle, sharedPrefix)
	if table, ok := l.shared(); ok {
		if err := table.DeleteSession(ctx, token); err != nil {
			return fmt.Errorf("deleting a shared session: %w", err)
		}
	}
	if err := l.store.Delete(ctx, l.sharedRecordKey(token)); err != nil {
		return fmt.Errorf("deleting the record of a shared session: %w", err)
	}
	return nil
}

func (authjsSessions) revoked(ctx context.Context, l sessionList, e entry) (bool, error) {
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

var _ strategy = authjsSessions{}
