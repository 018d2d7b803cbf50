package oauth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"sync"
)

var testKeys = sync.OnceValue(func() map[string]string {
	must := func(key any, err error) any {
		if err != nil {
			panic(err)
		}
		return key
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	keys := map[string]any{
		"EC":   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"P384": must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"P521": must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		"RSA":  must(rsa.GenerateKey(rand.Reader, 2048)),
		"Ed":   must(edKey, err),
	}
	texts := make(map[string]string)
	for kind, key := range keys {
		der := must(x509.MarshalPKCS8PrivateKey(key)).([]byte)
		texts[kind] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	return texts
})

// testKey returns a private key in PEM: EC (P-256), P384, P521, RSA or Ed, the
// same all along.
func testKey(kind string) string { return testKeys()[kind] }
