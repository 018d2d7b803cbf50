package session

import (
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
)

// ForeignProvider is the provider of sessions that NextAuth itself issued under
// the same configured secret. No configured provider can have this id.
const ForeignProvider = "nextauth"

// foreignPrefix begins the sids of sessions that NextAuth issued, so that none is
// that of a session of ours, whatever their tokens name.
const foreignPrefix = ForeignProvider + ":"

// acceptForeign makes a session of ours from a token that NextAuth itself issued: one
// that a back end with the same configured secret made. It has no groups and no
// verified address, whatever it says.
func (s *Site) acceptForeign(token *authjs.Token) bool {
	claims := &token.Claims
	if !s.SecretConfigured || claims.IssuedAt.IsZero() {
		return false // without iat the absolute limit would never come
	}
	claims.Realm, claims.Provider = s.Key, ForeignProvider
	claims.AuthTime = claims.IssuedAt
	// An application may have changed what we issued: then the end of the session
	// that it was is the end of this one too, and the time of sign-in stands.
	if named := strings.TrimPrefix(token.NamedSID, foreignPrefix); isPlainID(named) {
		claims.SID = foreignPrefix + named
		if at := token.NamedAuthTime; !at.IsZero() && at.Before(claims.AuthTime) {
			claims.AuthTime = at
		}
		return true
	}
	if id := claims.ID; isPlainID(id) {
		claims.SID = foreignPrefix + id
	} else {
		claims.SID = foreignPrefix + keys.Digest("jti", id, claims.Subject, claims.IssuedAt.String(), claims.Expires.String())
	}
	return true
}

// isPlainID takes what is of the form of a sid or of a UUID: others choose it,
// and it goes into keys of the store.
func isPlainID(id string) bool {
	if len(id) < 16 || len(id) > 64 {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
}
