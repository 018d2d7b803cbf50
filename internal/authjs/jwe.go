package authjs

import (
	"encoding/base64"
	"errors"
	"strings"
)

// MaxToken is the longest token that is opened, in bytes, and so, three quarters
// of it, the longest payload.
const MaxToken = 64 << 10

// maxHeader64 bounds what is decoded of an unusual header.
const maxHeader64 = 256

var (
	// ErrMalformed says that a token isn't a compact JWE of a form accepted.
	ErrMalformed = errors.New("not a compact JWE with alg dir and the enc of this dialect")
	// ErrWrongKey says that none of the keys opens a token: it was made with
	// another secret, for another purpose, or it was tampered with.
	ErrWrongKey = errors.New("no key opens the token: another secret or another purpose sealed it, or it was altered")
)

// b64 is base64url without padding (RFC 7515, section 2), and with no second way
// to write the same bytes.
var b64 = base64.RawURLEncoding.Strict()

// Seal encrypts payload under the first key and returns it as a compact JWE
// (RFC 7516, section 7.1) with a random IV. One key is good for 2^32 tokens. It
// allocates little but the token.
func (r *Keyring) Seal(payload []byte) string {
	key := r.keys[0]
	e := key.encryption
	sealedBytes := len(payload) + key.aead.Overhead()
	tokenBytes := len(key.header) + len("....") + e.ivChars + b64.EncodedLen(sealedBytes) + e.tagChars
	work := borrow(tokenBytes + sealedBytes)
	defer work.release()

	token := append(work.take(tokenBytes), key.header...)
	sealed := key.aead.Seal(work.take(sealedBytes), nil, payload, token)
	tag := len(sealed) - e.tagBytes

	token = append(token, '.', '.')
	token = b64.AppendEncode(token, sealed[:e.ivBytes])
	token = append(token, '.')
	token = b64.AppendEncode(token, sealed[e.ivBytes:tag])
	token = append(token, '.')
	token = b64.AppendEncode(token, sealed[tag:])
	return string(token)
}

// Open decrypts a compact JWE and returns its payload, and whether it is stale:
// opened by another key than the first, so that it should be sealed anew. It
// accepts the forms of the dialect only: the header has exactly the members alg
// "dir" and enc, and kid where the dialect names keys, in any order, the
// encrypted key is empty, IV and tag have the encryption's lengths, and all is
// strict base64url. That is checked before any decryption. A kid chooses the
// key. Errors are [ErrMalformed] and [ErrWrongKey]. It allocates little but the
// payload.
func (r *Keyring) Open(token string) (payload string, stale bool, err error) {
	// encoding/base64 skips line breaks wherever they stand.
	if len(token) > MaxToken || strings.IndexByte(token, '\n') >= 0 || strings.IndexByte(token, '\r') >= 0 {
		return "", false, ErrMalformed
	}
	head, rest, _ := strings.Cut(token, "..")
	e, id := r.readHeader(head)
	if e == nil || !e.fits(rest) {
		return "", false, ErrMalformed
	}
	work := borrow(3 * len(token))
	defer work.release()

	text := append(work.take(len(token)), token...)
	sealed, ok := e.decodeParts(work.take(len(token)), text[len(head)+len(".."):])
	if !ok {
		return "", false, ErrMalformed
	}
	// Not decrypted in place: a key that doesn't fit clears its output.
	space := work.take(len(token))
	for i, key := range r.keys {
		if key.encryption != e || (id != "" && id != key.id) {
			continue
		}
		plain, err := key.aead.Open(space, nil, sealed, text[:len(head)])
		if err == nil {
			return string(plain), i > 0, nil
		}
	}
	return "", false, ErrWrongKey
}

// fits checks all of a token behind its header that can be checked without
// decoding: IV, ".", ciphertext, ".", tag. That there are no more dots is left to
// the decoding.
func (e *encryption) fits(rest string) bool {
	return len(rest) >= e.ivChars+len("..")+e.tagChars && rest[e.ivChars] == '.' && rest[len(rest)-e.tagChars-1] == '.'
}

// decodeParts appends IV, ciphertext and tag, decoded, to dst. text is a token
// from its IV on that fits.
func (e *encryption) decodeParts(dst, text []byte) ([]byte, bool) {
	tag := len(text) - e.tagChars
	for _, part := range [...][]byte{text[:e.ivChars], text[e.ivChars+1 : tag-1], text[tag:]} {
		var err error
		if dst, err = b64.AppendDecode(dst, part); err != nil {
			return nil, false
		}
	}
	return dst, true
}

// readHeader returns the encryption of an encoded JOSE header, and the name of
// the key when it tells one; nil when it isn't exactly what is accepted. The
// usual ones are recognised as text.
func (r *Keyring) readHeader(encoded string) (e *encryption, id string) {
	for _, key := range r.keys {
		if encoded == key.header {
			return key.encryption, key.id
		}
	}
	if len(encoded) > maxHeader64 {
		return nil, ""
	}
	raw, err := b64.DecodeString(encoded)
	if err != nil {
		return nil, ""
	}
	var alg, enc string
	p := scanner{s: string(raw)}
	ok := p.document(func(name string) bool {
		var ok bool
		switch {
		case name == "alg" && alg == "":
			alg, ok = p.text()
		case name == "enc" && enc == "":
			enc, ok = p.text()
		case name == "kid" && id == "" && r.keys[0].id != "":
			id, ok = p.text()
			ok = ok && id != ""
		}
		return ok
	})
	if !ok || alg != "dir" {
		return nil, ""
	}
	for _, key := range r.keys {
		if key.encryption.name == enc {
			return key.encryption, id
		}
	}
	return nil, ""
}
