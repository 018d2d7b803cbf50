package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// RandomBytes are n bytes of the system's random source.
func RandomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand crashes the process instead
	return b
}

// RandomText is 256 random bits in 43 characters, as state, nonce and verifier
// (RFC 7636 section 4.1) need them.
func RandomText() string { return base64.RawURLEncoding.EncodeToString(RandomBytes(32)) }

// Digest is a fixed-size name for user-controlled parts: it holds none of their
// bytes, and no two lists of parts share one.
func Digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
