package authjs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
)

// encryption is a content encryption (RFC 7518, section 5.1) that tokens come
// in. Its lengths are fixed, and are checked before any key is used.
type encryption struct {
	name     string // the header's enc
	keyBytes int
	ivBytes  int
	ivChars  int // in base64url
	tagBytes int
	tagChars int
	// open makes the cipher of a key. It writes the IV before the ciphertext and
	// the tag after it, and reads them there; its nonce is nil.
	open func(key []byte) (cipher.AEAD, error)
	// sum hashes a key's JWK into its thumbprint. Auth.js takes the hash that is as
	// long as the key.
	sum func(jwk []byte) []byte
}

// a256GCM is RFC 7518, section 5.3.
var a256GCM = &encryption{
	name: "A256GCM", keyBytes: 32, ivBytes: 12, ivChars: 16, tagBytes: 16, tagChars: 22,
	open: func(key []byte) (cipher.AEAD, error) {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		// The one that FIPS 140-3 mode allows.
		return cipher.NewGCMWithRandomNonce(block)
	},
	sum: func(jwk []byte) []byte { sum := sha256.Sum256(jwk); return sum[:] },
}

// a256CBCHS512 is RFC 7518, section 5.2.5.
var a256CBCHS512 = &encryption{
	name: "A256CBC-HS512", keyBytes: 64, ivBytes: aes.BlockSize, ivChars: 22, tagBytes: cbcTagBytes, tagChars: 43,
	open: newCBCHMAC,
	sum:  func(jwk []byte) []byte { sum := sha512.Sum512(jwk); return sum[:] },
}

// thumbprint returns the name of a key: the thumbprint of its JWK (RFC 7638,
// section 3).
func (e *encryption) thumbprint(key []byte) string {
	jwk := append([]byte(`{"k":"`), base64.RawURLEncoding.EncodeToString(key)...)
	return base64.RawURLEncoding.EncodeToString(e.sum(append(jwk, `","kty":"oct"}`...)))
}

// header returns the encoded JOSE header of the tokens that a key seals, with
// the members in the order that NextAuth.js and Auth.js write them.
func (e *encryption) header(kid string) string {
	text := `{"alg":"dir","enc":"` + e.name + `"`
	if kid != "" {
		text += `,"kid":"` + kid + `"`
	}
	return b64.EncodeToString([]byte(text + "}"))
}
