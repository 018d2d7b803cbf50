package authjs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// keyBytes is the length of an A256GCM key (RFC 7518, section 5.3).
const keyBytes = 32

// Key seals and opens tokens of one purpose. Derive it once and keep it: that
// costs more than opening a token. It is safe for concurrent use.
type Key struct {
	aead cipher.AEAD
}

// Key derives the key of one purpose from a secret by HKDF-SHA-256 (RFC 5869).
// The session's salt is empty, everything else is salted by the full name of
// its cookie, so that no value opens as one of another purpose. It fails only
// where FIPS 140-3 mode refuses the secret as too short.
func (d Dialect) Key(secret, salt string) (*Key, error) {
	raw, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), d.info(salt), keyBytes)
	if err != nil {
		return nil, fmt.Errorf("deriving a key from the secret: %w", err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("deriving a key from the secret: %w", err)
	}
	// This AEAD writes the IV before the ciphertext and reads it there; it is the
	// one that FIPS 140-3 mode allows.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("deriving a key from the secret: %w", err)
	}
	return &Key{aead: aead}, nil
}

// info returns HKDF's info for a salt.
func (d Dialect) info(salt string) string {
	if salt == "" {
		return d.keyInfo
	}
	return d.keyInfo + " (" + salt + ")"
}

// Keyring holds the keys of one purpose, one per secret: the first seals, all
// open, so that a secret can be replaced without ending sessions. It is safe for
// concurrent use.
type Keyring struct {
	keys []*Key
}

// SessionKeyring derives the keys of session tokens, one per secret.
func (n *Names) SessionKeyring(secrets ...string) (*Keyring, error) {
	return n.dialect.keyring("", secrets)
}

// Keyring derives the keys of what a cookie other than the session's holds, one
// per secret. cookie is its full name, prefix included; pending sign-ins share
// the keys of [Names.State].
func (n *Names) Keyring(cookie string, secrets ...string) (*Keyring, error) {
	return n.dialect.keyring(cookie, secrets)
}

func (d Dialect) keyring(salt string, secrets []string) (*Keyring, error) {
	if len(secrets) == 0 {
		return nil, errNoSecret
	}
	ring := &Keyring{keys: make([]*Key, len(secrets))}
	for i, secret := range secrets {
		key, err := d.Key(secret, salt)
		if err != nil {
			return nil, err
		}
		ring.keys[i] = key
	}
	return ring, nil
}
