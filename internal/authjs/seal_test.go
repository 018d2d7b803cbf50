package authjs_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"strings"
	"testing"
)

// sealUnder makes a token with any encoded header under vector 1's key, which
// neither our Seal nor go-jose would write.
func sealUnder(t testing.TB, header, payload string) string {
	t.Helper()
	block, err := aes.NewCipher(joseKey(t, vectors[0].key))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	iv := []byte("twelve bytes")
	sealed := aead.Seal(nil, iv, []byte(payload), []byte(header))
	tag := len(sealed) - aead.Overhead()
	b64 := base64.RawURLEncoding.EncodeToString
	return strings.Join([]string{header, "", b64(iv), b64(sealed[:tag]), b64(sealed[tag:])}, ".")
}
