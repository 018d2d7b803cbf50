package authjs

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Leeway is how far two clocks may be apart when a token's times are checked, as
// in NextAuth.js.
const Leeway = 15 * time.Second

var (
	// ErrClaims says that a payload isn't the JSON of session claims.
	ErrClaims = errors.New("malformed session claims")
	// ErrExpired says that a token's exp has passed.
	ErrExpired = errors.New("session token expired")
	// ErrNotYetValid says that a token's nbf lies ahead.
	ErrNotYetValid = errors.New("session token not valid yet")
)

// Claims are what a session token says. The first four and the last four
// are NextAuth.js's own; those between are ours, and count only in a token that
// is ours, see [ParseToken]. Strings may share the memory of the payload they were parsed from.
type Claims struct {
	Name    Text
	Email   Text
	Picture Text
	// Subject is the account's id at its provider (sub), empty when missing. Where
	// User is set, it is the user's id in the store that keeps people, as
	// NextAuth.js has it with a database adapter.
	Subject string

	// SID is made at sign-in and kept by every re-issue; sign-out revokes it.
	SID string
	// Realm is the key of the realm that issued the token.
	Realm string
	// Provider is the id of the provider that attests the person.
	Provider string
	// User is the account that the person came with first, as <provider>:<account
	// id>, where a store keeps people; else empty.
	User string
	// EmailVerified says that the provider attests the e-mail address too.
	EmailVerified bool
	// Login is the login name, for providers that have one.
	Login  string
	Groups []string
	// DenyRules is a digest of the deny rules that the person passed at sign-in
	// (deny_rules), where the session doesn't hold all that they look at; else it is
	// empty.
	DenyRules string
	// AuthTime is when the person signed in (OpenID Connect Core, section 2); the
	// absolute lifetime counts from it. Zero when missing.
	AuthTime time.Time
	// Credential is a keyed digest of the password that the person signed in with
	// (cred), where the gateway itself keeps it; else empty.
	Credential string
	// MAC is what makes a token ours (mac): see [Claims.Sign]. Claims that are kept
	// in a store have none.
	MAC string

	// IssuedAt is when this token was made (iat); the idle time counts from it.
	IssuedAt time.Time
	// Expires is zero in a token that lives forever (exp).
	Expires time.Time
	// NotBefore is zero in a token that is valid from the start (nbf).
	NotBefore time.Time
	// ID is the token's own identifier (jti), new at every re-issue.
	ID string

	raw     string // what was parsed
	foreign bool   // raw has members that are none of the fields
}

// ParseClaims reads claims from where nobody else writes: a gateway's own record
// in a store. Whoever reads a token calls [ParseToken]. It reads what
// encoding/json reads, and refuses (ErrClaims) what could mean two things:
//
//   - invalid UTF-8, a text that isn't one object, nesting over 32 levels;
//   - a member with a field above that stands there twice;
//   - a wrong type for such a member: null is allowed for name, email and picture
//     only, and times are whole seconds without sign, fraction or exponent.
//
// Names are compared with their case. Other members are left alone, see [Claims.Map].
func ParseClaims(payload string) (Claims, error) {
	claims, wrong, err := parseClaims(payload)
	if err != nil || wrong {
		return Claims{}, ErrClaims
	}
	return claims, nil
}

// parseClaims says of claims that one of ours has a wrong type.
func parseClaims(payload string) (claims Claims, wrong bool, err error) {
	if len(payload) > MaxToken || !utf8.ValidString(payload) {
		return Claims{}, false, ErrClaims
	}
	r := claimsReader{scanner: scanner{s: payload}, claims: Claims{raw: payload}}
	if !r.document(r.member) {
		return Claims{}, false, ErrClaims
	}
	return r.claims, r.wrong, nil
}

// CheckTime returns [ErrExpired] or [ErrNotYetValid] when the token isn't valid
// at now, give or take [Leeway] (RFC 7519, sections 4.1.4 and 4.1.5).
func (c *Claims) CheckTime(now time.Time) error {
	seconds, leeway := now.Unix(), int64(Leeway/time.Second)
	if !c.Expires.IsZero() && c.Expires.Unix() <= seconds-leeway {
		return ErrExpired
	}
	if !c.NotBefore.IsZero() && c.NotBefore.Unix() > seconds+leeway {
		return ErrNotYetValid
	}
	return nil
}

// Map returns all members of the token as encoding/json decodes them, those
// without a field too, but for cred and mac, which are nobody's to use; of a
// member that stands there twice the last counts. Where a field says another
// thing than what was parsed, the field counts. Nothing is kept of it: the
// caller does that where it asks often.
func (c *Claims) Map() (map[string]any, error) {
	shown := *c
	shown.Credential, shown.MAC = "", ""
	var members map[string]any
	if err := json.Unmarshal(shown.Append(nil), &members); err != nil {
		return nil, fmt.Errorf("decoding session claims: %w", err)
	}
	return members, nil
}
