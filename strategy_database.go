package signin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// databaseSessions are in the store. A cookie carries 256 random bits; the
// store has the claims under their SHA-256, so that nobody can make a cookie
// from what is stored.
type databaseSessions struct{}

const (
	tokenBytes = 32
	tokenChars = 43 // in base64url without padding
)

// strict64 takes one text only for the same bytes.
var strict64 = base64.RawURLEncoding.Strict()

// tokenKey is where the session of a token is stored. It refuses what is not
// of a token's form before anything is looked up.
func (l sessionList) tokenKey(token string) (key string, ok bool) {
	if len(token) != tokenChars || strings.ContainsAny(token, "\r\n") { // line breaks are skipped in decoding
		return "", false
	}
	var text [tokenChars]byte
	var raw [tokenBytes]byte
	copy(text[:], token)
	if n, err := strict64.Decode(raw[:], text[:]); err != nil || n != tokenBytes {
		return "", false
	}
	sum := sha256.Sum256(raw[:])
	var space [128]byte
	return string(strict64.AppendEncode(append(append(space[:0], l.key...), tokenInfix...), sum[:])), true
}

// tokenInfix stands between the realm's key and the hash of a token.
const tokenInfix = "|token|"

func (l sessionList) handleKey(handle string) string { return l.key + tokenInfix + handle }

func (databaseSessions) open(ctx context.Context, s *siteSessions, token string, now time.Time, live *session) (bool, error) {
	key, ok := s.tokenKey(token)
	if !ok {
		return false, nil
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return false, err
	}
	value, err := s.store.Get(ctx, key)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking the store for a session: %w", err)
	}
	claims, err := authjs.ParseClaims(string(value))
	if err != nil || !s.validate(claims, keys, now, live) {
		return false, nil //nolint:nilerr // nobody is signed in by a record that makes no sense
	}
	live.token, live.handle = token, key[len(key)-tokenChars:]
	return true, nil
}

func (databaseSessions) issue(ctx context.Context, s *siteSessions, claims authjs.Claims) (issued, error) {
	s.extend(&claims, time.Now())
	token := randomText()
	key, _ := s.tokenKey(token)
	if err := sessionstore.Add(ctx, s.store, key, claims.Append(nil), s.recordEnds(&claims)); err != nil {
		return issued{}, fmt.Errorf("storing a session: %w", err)
	}
	return issued{token: token, handle: key[len(key)-tokenChars:], expires: claims.Expires}, nil
}

// errAlreadyRenewed says that another request renewed the session meanwhile.
var errAlreadyRenewed = errors.New("renewed already")

// renew touches the record when it is old enough. The token stays. A record
// that is gone stays gone.
func (databaseSessions) renew(ctx context.Context, s *siteSessions, live *session, _ bool) (issued, error) {
	renewed := issued{token: live.token, handle: live.handle, expires: live.claims.Expires}
	now := time.Now()
	if !s.needsRenewal(&live.claims, now) {
		return renewed, nil
	}
	err := s.store.Update(ctx, s.handleKey(live.handle), func(old []byte) ([]byte, time.Time, error) {
		if old == nil {
			return nil, time.Time{}, errSessionOver
		}
		claims, err := authjs.ParseClaims(string(old))
		if err != nil {
			return nil, time.Time{}, errSessionOver
		}
		renewed.expires = claims.Expires
		if !s.needsRenewal(&claims, now) {
			return nil, time.Time{}, errAlreadyRenewed
		}
		s.extend(&claims, now)
		claims.Credential = live.claims.Credential // by the first secret
		renewed.expires = claims.Expires
		return claims.Append(nil), s.recordEnds(&claims), nil
	})
	if err != nil && !errors.Is(err, errAlreadyRenewed) {
		return issued{}, fmt.Errorf("renewing a session: %w", err)
	}
	return renewed, nil
}

// recordEnds is when a session that is not renewed is over.
func (s *siteSessions) recordEnds(claims *authjs.Claims) time.Time {
	if idle := s.limits.idleTimeout; idle > 0 && claims.IssuedAt.Add(idle).Before(claims.Expires) {
		return claims.IssuedAt.Add(idle)
	}
	return claims.Expires
}

func (databaseSessions) revoke(ctx context.Context, l sessionList, e entry) error {
	if err := l.store.Delete(ctx, l.handleKey(e.handle)); err != nil {
		return fmt.Errorf("deleting a session: %w", err)
	}
	return nil
}

func (databaseSessions) revoked(ctx context.Context, l sessionList, e entry) (bool, error) {
	switch _, err := l.store.Get(ctx, l.handleKey(e.handle)); {
	case err == nil:
		return false, nil
	case errors.Is(err, sessionstore.ErrNotFound):
		return true, nil
	default:
		return false, fmt.Errorf("asking the store for a session: %w", err)
	}
}
