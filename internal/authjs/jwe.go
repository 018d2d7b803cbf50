package authjs

import (
	"encoding/base64"
	"errors"
	"strings"
)

// MaxToken is the longest token that is opened, in bytes, and so, three quarters
// of it, the longest payload.
const MaxToken = 64 << 10

// commonHeader is {"alg":"dir","enc":"A256GCM"} as NextAuth.js writes it, encoded.
const commonHeader = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0"

// Lengths of the parts of a token (RFC 7518, section 5.3), raw and in base64url.
const (
	ivBytes  = 12
	ivChars  = 16
	tagBytes = 16
	tagChars = 22
	// maxHeader64 bounds what is decoded of an unusual header.
	maxHeader64 = 256
)

var (
	// ErrMalformed says that a token isn't a compact JWE of the one form accepted.
	ErrMalformed = errors.New("not a compact JWE with alg dir and enc A256GCM")
	// ErrWrongKey says that none of the keys opens a token: it was made with
	// another secret, for another purpose, or it was tampered with.
	ErrWrongKey = errors.New("no key opens the token: another secret or another purpose sealed it, or it was altered")
)

// b64 is base64url without padding (RFC 7515, section 2), and with no second way
// to write the same bytes.
var b64 = base64.RawURLEncoding.Strict()

// Seal encrypts payload under the first key and returns it as a compact JWE
// (RFC 7516, section 7.1) with a random IV. One key is good for 2^32 tokens. It
// allocates the token only.
func (r *Keyring) Seal(payload []byte) string {
	sealedBytes := ivBytes + len(payload) + tagBytes
	tokenBytes := len(commonHeader) + len("....") + ivChars + b64.EncodedLen(len(payload)) + tagChars
	work := borrow(tokenBytes + sealedBytes)
	defer work.release()

	token := append(work.take(tokenBytes), commonHeader...)
	sealed := r.keys[0].aead.Seal(work.take(sealedBytes), nil, payload, token)
	tag := len(sealed) - tagBytes

	token = append(token, '.', '.')
	token = b64.AppendEncode(token, sealed[:ivBytes])
	token = append(token, '.')
	token = b64.AppendEncode(token, sealed[ivBytes:tag])
	token = append(token, '.')
	token = b64.AppendEncode(token, sealed[tag:])
	return string(token)
}

// Open decrypts a compact JWE and returns its payload, and whether it is stale:
// opened by another key than the first, so that it should be sealed anew. It
// accepts one form only: the header has exactly the members alg "dir" and enc
// "A256GCM", in any order, the encrypted key is empty, IV and tag have 12 and 16
// bytes, and all is strict base64url. That is checked before any decryption.
// Errors are [ErrMalformed] and [ErrWrongKey]. It allocates the payload only.
func (r *Keyring) Open(token string) (payload string, stale bool, err error) {
	header, ok := checkToken(token)
	if !ok {
		return "", false, ErrMalformed
	}
	work := borrow(3 * len(token))
	defer work.release()

	text := append(work.take(len(token)), token...)
	sealed, ok := decodeParts(work.take(len(token)), text[header+len(".."):])
	if !ok {
		return "", false, ErrMalformed
	}
	// Not decrypted in place: a key that doesn't fit clears its output.
	space := work.take(len(token))
	for i, key := range r.keys {
		plain, err := key.aead.Open(space, nil, sealed, text[:header])
		if err == nil {
			return string(plain), i > 0, nil
		}
	}
	return "", false, ErrWrongKey
}

// checkToken checks all of a token that can be checked without decoding, and
// returns the length of its header. The form is header, "..", IV, ".",
// ciphertext, ".", tag; that there are no more dots is left to the decoding.
func checkToken(token string) (header int, ok bool) {
	// encoding/base64 skips line breaks wherever they stand.
	if len(token) > MaxToken || strings.IndexByte(token, '\n') >= 0 || strings.IndexByte(token, '\r') >= 0 {
		return 0, false
	}
	head, rest, _ := strings.Cut(token, "..")
	if len(rest) < ivChars+len("..")+tagChars || rest[ivChars] != '.' || rest[len(rest)-tagChars-1] != '.' {
		return 0, false
	}
	return len(head), acceptedHeader(head)
}

// decodeParts appends IV, ciphertext and tag, decoded, to dst. text is a checked
// token from its IV on.
func decodeParts(dst, text []byte) ([]byte, bool) {
	tag := len(text) - tagChars
	for _, part := range [...][]byte{text[:ivChars], text[ivChars+1 : tag-1], text[tag:]} {
		var err error
		if dst, err = b64.AppendDecode(dst, part); err != nil {
			return nil, false
		}
	}
	return dst, true
}

// acceptedHeader says whether an encoded JOSE header has exactly the members
// that we accept. The usual one is recognised as text.
func acceptedHeader(encoded string) bool {
	if encoded == commonHeader {
		return true
	}
	if len(encoded) > maxHeader64 {
		return false
	}
	raw, err := b64.DecodeString(encoded)
	if err != nil {
		return false
	}
	var alg, enc string
	p := scanner{s: string(raw)}
	ok := p.document(func(key string) bool {
		var ok bool
		switch {
		case key == "alg" && alg == "":
			alg, ok = p.text()
		case key == "enc" && enc == "":
			enc, ok = p.text()
		}
		return ok
	})
	return ok && alg == "dir" && enc == "A256GCM"
}
