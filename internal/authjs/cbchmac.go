package authjs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash"
	"sync"
)

// cbcTagBytes is the length of A256CBC-HS512's tag: half an HMAC-SHA-512.
const cbcTagBytes = sha512.Size / 2

// cbcHMAC is the AEAD of A256CBC-HS512 (RFC 7518, sections 5.2.2 and 5.2.5) with
// a random IV before the ciphertext. It is safe for concurrent use.
type cbcHMAC struct {
	block cipher.Block
	macs  sync.Pool // of *macState
}

// macState is an HMAC at work, with the space that it needs: making one costs
// more than using it.
type macState struct {
	hash.Hash
	bits [8]byte
	sum  [sha512.Size]byte
}

// newCBCHMAC takes a key of 64 bytes: the first half authenticates, the second
// encrypts.
func newCBCHMAC(key []byte) (cipher.AEAD, error) {
	half := len(key) / 2
	block, err := aes.NewCipher(key[half:])
	if err != nil {
		return nil, err
	}
	macKey := key[:half]
	c := &cbcHMAC{block: block}
	c.macs.New = func() any { return &macState{Hash: hmac.New(sha512.New, macKey)} }
	return c, nil
}

// NonceSize implements [cipher.AEAD]: the IV is part of what is sealed.
func (*cbcHMAC) NonceSize() int { return 0 }

// Overhead implements [cipher.AEAD]: IV, tag, and a block of padding at the most.
func (*cbcHMAC) Overhead() int { return aes.BlockSize + cbcTagBytes + aes.BlockSize }

// Seal implements [cipher.AEAD].
func (c *cbcHMAC) Seal(dst, _, plaintext, header []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, aes.BlockSize)...)
	iv := dst[start:]
	_, _ = rand.Read(iv) // never fails: crypto/rand crashes the process instead
	dst = append(dst, plaintext...)
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize // PKCS #7: RFC 5652, section 6.3
	for range padding {
		dst = append(dst, byte(padding))
	}
	text := dst[start+aes.BlockSize:]
	cipher.NewCBCEncrypter(c.block, iv).CryptBlocks(text, text)
	tag := c.tag(header, dst[start:])
	return append(dst, tag[:]...)
}

// errNotAuthentic is told to nobody: the package's own error says all there is.
var errNotAuthentic = errors.New("the tag does not match")

// Open implements [cipher.AEAD]. The tag is compared before anything is
// decrypted, so that nobody learns from the padding.
func (c *cbcHMAC) Open(dst, _, sealed, header []byte) ([]byte, error) {
	end := len(sealed) - cbcTagBytes
	if end < 2*aes.BlockSize || end%aes.BlockSize != 0 {
		return nil, errNotAuthentic
	}
	if tag := c.tag(header, sealed[:end]); subtle.ConstantTimeCompare(tag[:], sealed[end:]) != 1 {
		return nil, errNotAuthentic
	}
	start := len(dst)
	dst = append(dst, sealed[aes.BlockSize:end]...)
	text := dst[start:]
	cipher.NewCBCDecrypter(c.block, sealed[:aes.BlockSize]).CryptBlocks(text, text)
	padding := int(text[len(text)-1])
	if padding < 1 || padding > aes.BlockSize {
		return nil, errNotAuthentic
	}
	for _, b := range text[len(text)-padding:] {
		if int(b) != padding {
			return nil, errNotAuthentic
		}
	}
	return dst[:len(dst)-padding], nil
}

// tag returns the tag of a header and of IV and ciphertext.
func (c *cbcHMAC) tag(header, text []byte) [cbcTagBytes]byte {
	mac := c.macs.Get().(*macState)
	defer c.macs.Put(mac)
	mac.Reset()
	mac.Write(header)
	mac.Write(text)
	binary.BigEndian.PutUint64(mac.bits[:], 8*uint64(len(header)))
	mac.Write(mac.bits[:])
	return [cbcTagBytes]byte(mac.Sum(mac.sum[:0]))
}

var _ cipher.AEAD = (*cbcHMAC)(nil)
