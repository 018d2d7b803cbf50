package authjs

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Key seals and opens tokens of one purpose in one encryption. Derive it once
// and keep it: that costs more than opening a token. It is safe for concurrent
// use.
type Key struct {
	aead       cipher.AEAD
	encryption *encryption
	id         string // its name in headers, empty where the dialect names no keys
	header     string // of what it seals, encoded
}

// newKey derives the key of one purpose from a secret by HKDF-SHA-256 (RFC
// 5869). Every purpose but NextAuth.js's session is salted by the full name of
// its cookie, so that no value opens as one of another purpose. It fails only
// where FIPS 140-3 mode refuses the secret as too short.
func (d Dialect) newKey(e *encryption, secret, salt string) (*Key, error) {
	raw, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), d.info(salt), e.keyBytes)
	if err != nil {
		return nil, fmt.Errorf("deriving a key from the secret: %w", err)
	}
	aead, err := e.open(raw)
	if err != nil {
		return nil, fmt.Errorf("deriving a key from the secret: %w", err)
	}
	key := &Key{aead: aead, encryption: e}
	if d.namesKeys {
		key.id = e.thumbprint(raw)
	}
	key.header = e.header(key.id)
	return key, nil
}

// info returns HKDF's info for a salt.
func (d Dialect) info(salt string) string {
	if salt == "" {
		return d.keyInfo
	}
	return d.keyInfo + " (" + salt + ")"
}

// Keyring holds the keys of one purpose, for each secret one in each encryption:
// the first seals, all open, so that a secret can be replaced without ending
// sessions. It is safe for concurrent use.
type Keyring struct {
	keys []*Key
}

// SessionKeyring derives the keys of session tokens, from each secret in turn.
func (n *Names) SessionKeyring(secrets ...string) (*Keyring, error) {
	if n.dialect.saltsSession {
		return n.dialect.keyring(n.Session, secrets)
	}
	return n.dialect.keyring("", secrets)
}

// Keyring derives the keys of what a cookie other than the session's holds, from
// each secret in turn. cookie is its full name, prefix included; pending sign-ins
// share the keys of [Names.State].
func (n *Names) Keyring(cookie string, secrets ...string) (*Keyring, error) {
	return n.dialect.keyring(cookie, secrets)
}

func (d Dialect) keyring(salt string, secrets []string) (*Keyring, error) {
	if len(secrets) == 0 {
		return nil, errNoSecret
	}
	ring := &Keyring{keys: make([]*Key, 0, len(secrets)*len(d.encryptions))}
	for _, secret := range secrets {
		for _, e := range d.encryptions {
			key, err := d.newKey(e, secret, salt)
			if err != nil {
				return nil, err
			}
			ring.keys = append(ring.keys, key)
		}
	}
	return ring, nil
}
