package authjs

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// macBytes is how much of an HMAC-SHA-256 is kept (RFC 2104, section 5).
	macBytes = sha256.Size / 2
	// macChars is the length of that in base64url.
	macChars = 22
)

// MACKeys make and check message authentication codes of one purpose, by a key
// for each secret: the first makes them, all check them, so that a secret can be
// replaced. It is safe for concurrent use.
type MACKeys struct {
	keys []*macKey
}

// macKey is one key, with states that are ready to be used: making one costs more
// than using it.
type macKey struct{ states sync.Pool } // of *hmacState

type hmacState struct {
	hash.Hash
	sum  [sha256.Size]byte
	text [macChars]byte
}

// DeriveKeys derives a key of 32 bytes for a purpose from each secret in turn by
// HKDF-SHA-256 (RFC 5869), whose info the purpose is. It fails without a secret,
// and where FIPS 140-3 mode refuses one as too short.
func DeriveKeys(purpose string, secrets ...string) ([][]byte, error) {
	if len(secrets) == 0 {
		return nil, errNoSecret
	}
	keys := make([][]byte, len(secrets))
	for i, secret := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("deriving a key from the secret: %w", err)
		}
		keys[i] = key
	}
	return keys, nil
}

// NewMACKeys makes the keys of a purpose, as [DeriveKeys] derives them and with
// its errors.
func NewMACKeys(purpose string, secrets ...string) (*MACKeys, error) {
	derived, err := DeriveKeys(purpose, secrets...)
	if err != nil {
		return nil, err
	}
	all := &MACKeys{keys: make([]*macKey, len(derived))}
	for i, raw := range derived {
		key := new(macKey)
		key.states.New = func() any { return &hmacState{Hash: hmac.New(sha256.New, raw)} }
		all.keys[i] = key
	}
	return all, nil
}

// Sum returns the first key's code of a list of texts, in base64url. No two lists
// are read as one.
func (m *MACKeys) Sum(parts ...string) string {
	message := newMessage()
	defer message.release()
	for _, part := range parts {
		message.part(part)
	}
	return m.sum(message)
}

// Verify reports whether a code is one of a list of texts by any of the keys, and
// whether it is stale: another key's than the first.
func (m *MACKeys) Verify(code string, parts ...string) (ok, stale bool) {
	message := newMessage()
	defer message.release()
	for _, part := range parts {
		message.part(part)
	}
	return m.verify(message, code)
}

func (m *MACKeys) sum(message *macMessage) string {
	state := m.keys[0].code(message)
	defer m.keys[0].states.Put(state)
	return string(state.text[:])
}

func (m *MACKeys) verify(message *macMessage, code string) (ok, stale bool) {
	if len(code) != macChars {
		return false, false
	}
	for i, key := range m.keys {
		state := key.code(message)
		ok = hmac.Equal(state.text[:], []byte(code))
		key.states.Put(state)
		if ok {
			return true, i > 0
		}
	}
	return false, false
}

// code returns a state, which the caller puts back, whose text is the code.
func (k *macKey) code(message *macMessage) *hmacState {
	state := k.states.Get().(*hmacState)
	state.Reset()
	state.Write(message.b)
	sum := state.Hash.Sum(state.sum[:0])
	b64.Encode(state.text[:], sum[:macBytes])
	return state
}

// macMessage is what a code is made of: texts, each with its length before it.
type macMessage struct{ b []byte }

var macMessages = sync.Pool{New: func() any { return &macMessage{b: make([]byte, 0, 1<<10)} }}

func newMessage() *macMessage { return macMessages.Get().(*macMessage) }

// release gives the space back, cleared: it held somebody's claims.
func (m *macMessage) release() {
	clear(m.b)
	m.b = m.b[:0]
	if cap(m.b) <= maxScratch {
		macMessages.Put(m)
	}
}

// part adds a text as it is read back where it was written as JSON, see
// [AppendString].
func (m *macMessage) part(text string) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	m.b = binary.BigEndian.AppendUint32(m.b, uint32(len(text)))
	m.b = append(m.b, text...)
}
