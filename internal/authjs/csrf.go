package authjs

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
)

// csrfDigits is the length of the token and of its hash: 32 bytes in hex.
const csrfDigits = 2 * sha256.Size

var errNoSecret = errors.New("no secret given: a realm needs at least one")

// CSRF makes and checks double-submit tokens. The cookie is
// "<token>|<hash>", both 64 lower-case hex digits, and hash is SHA-256 of the
// token followed by the secret, so nobody else can make a pair. The browser
// sends the token back in the body of a POST, as csrfToken.
type CSRF struct {
	secrets []string
}

// NewCSRF returns a CSRF whose first secret signs and all of whose secrets
// verify. It is an error to give none.
func NewCSRF(secrets ...string) (*CSRF, error) {
	if len(secrets) == 0 {
		return nil, errNoSecret
	}
	return &CSRF{secrets: secrets}, nil
}

// New returns a fresh token of 256 random bits and the value of its cookie.
func (c *CSRF) New() (token, cookie string) {
	var random [csrfDigits / 2]byte
	rand.Read(random[:]) // never fails
	token = hex.EncodeToString(random[:])
	hash := csrfHash(token, c.secrets[0])
	return token, token + "|" + string(hash[:])
}

// Verify returns the token of a cookie value that New made with one of the
// secrets. Text after a second "|" is ignored, as NextAuth.js does.
func (c *CSRF) Verify(cookie string) (token string, ok bool) {
	const end = csrfDigits + 1 + csrfDigits
	if len(cookie) < end || cookie[csrfDigits] != '|' || (len(cookie) > end && cookie[end] != '|') {
		return "", false
	}
	token = cookie[:csrfDigits]
	if !isLowerHex(token) {
		return "", false
	}
	var got [csrfDigits]byte
	copy(got[:], cookie[csrfDigits+1:])
	match := 0
	for _, secret := range c.secrets {
		want := csrfHash(token, secret)
		match |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	if match != 1 {
		return "", false
	}
	return token, true
}

// VerifyPost says whether a POST comes from a page that knows its browser's
// token: field, the body's csrfToken, equals the token of a good cookie.
func (c *CSRF) VerifyPost(cookie, field string) bool {
	token, ok := c.Verify(cookie)
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(field)) == 1
}

// csrfHash returns hex SHA-256 of token followed by secret.
func csrfHash(token, secret string) (digits [csrfDigits]byte) {
	const usual = 192 // keeps the input of usual secrets off the heap
	input := append(append(make([]byte, 0, usual), token...), secret...)
	sum := sha256.Sum256(input)
	hex.Encode(digits[:], sum[:])
	return digits
}
