package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Database is the strategy of sessions in the store. A cookie carries 256 random bits;
// the store has the claims under their SHA-256, so that nobody can make a cookie
// from what is stored.
type Database struct{}

const (
	tokenBytes = 32
	tokenChars = 43 // in base64url without padding
)

// strict64 takes one text only for the same bytes.
var strict64 = base64.RawURLEncoding.Strict()

// tokenKey is where the session of a token is stored. It refuses what is not
// of a token's form before anything is looked up.
func (l List) tokenKey(token string) (key string, ok bool) {
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
	return string(strict64.AppendEncode(append(append(space[:0], l.Key...), tokenInfix...), sum[:])), true
}

// tokenInfix stands between the realm's key and the hash of a token.
const tokenInfix = "|token|"

func (l List) handleKey(handle string) string { return l.Key + tokenInfix + handle }

// Open looks the token up in the store.
func (Database) Open(ctx context.Context, s *Site, token string, now time.Time, live *Session) (bool, error) {
	key, ok := s.tokenKey(token)
	if !ok {
		return false, nil
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return false, err
	}
	value, err := s.Store.Get(ctx, key)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking the store for a session: %w", err)
	}
	claims, err := authjs.ParseClaims(string(value))
	if err != nil || !s.validate(claims, keys, now, live) {
		return false, nil // nobody is signed in by a record that makes no sense
	}
	live.token, live.handle = token, key[len(key)-tokenChars:]
	return true, nil
}

func (Database) issue(ctx context.Context, s *Site, claims authjs.Claims) (Issued, error) {
	s.Limits.extend(&claims, time.Now())
	token := keys.RandomText()
	key, _ := s.tokenKey(token)
	if err := sessionstore.Add(ctx, s.Store, key, claims.Append(nil), s.Limits.recordEnds(&claims)); err != nil {
		return Issued{}, fmt.Errorf("storing a session: %w", err)
	}
	return Issued{Token: token, handle: key[len(key)-tokenChars:], Expires: claims.Expires}, nil
}

// errAlreadyRenewed says that another request renewed the session meanwhile.
var errAlreadyRenewed = errors.New("renewed already")

// Renew touches the record when it is old enough. The token stays. A record
// that is gone stays gone.
func (Database) Renew(ctx context.Context, s *Site, live *Session, _ bool) (Issued, error) {
	renewed := Issued{Token: live.token, handle: live.handle, Expires: live.Claims.Expires}
	now := time.Now()
	if !s.Limits.isDue(&live.Claims, now) {
		return renewed, nil
	}
	err := s.Store.Update(ctx, s.handleKey(live.handle), func(old []byte) ([]byte, time.Time, error) {
		if old == nil {
			return nil, time.Time{}, ErrSessionOver
		}
		claims, err := authjs.ParseClaims(string(old))
		if err != nil {
			return nil, time.Time{}, ErrSessionOver
		}
		renewed.Expires = claims.Expires
		if !s.Limits.isDue(&claims, now) {
			return nil, time.Time{}, errAlreadyRenewed
		}
		s.Limits.extend(&claims, now)
		claims.Credential = live.Claims.Credential // by the first secret
		renewed.Expires = claims.Expires
		return claims.Append(nil), s.Limits.recordEnds(&claims), nil
	})
	if err != nil && !errors.Is(err, errAlreadyRenewed) {
		return Issued{}, fmt.Errorf("renewing a session: %w", err)
	}
	return renewed, nil
}

// Revoke deletes the record.
func (Database) Revoke(ctx context.Context, l List, e Entry) error {
	if err := l.Store.Delete(ctx, l.handleKey(e.handle)); err != nil {
		return fmt.Errorf("deleting a session: %w", err)
	}
	return nil
}

// Revoked asks whether the record is gone.
func (Database) Revoked(ctx context.Context, l List, e Entry) (bool, error) {
	switch _, err := l.Store.Get(ctx, l.handleKey(e.handle)); {
	case err == nil:
		return false, nil
	case errors.Is(err, sessionstore.ErrNotFound):
		return true, nil
	default:
		return false, fmt.Errorf("asking the store for a session: %w", err)
	}
}
