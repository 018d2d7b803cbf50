package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// signer signs the tokens with which the client proves itself.
type signer struct {
	alg string // empty: the first that the key can do; HS256 for a secret
	kid string
	key any
}

// newSigner reads the private key. Without one it returns the zero signer.
func newSigner(c *ClientConfig) (signer, error) {
	if c.PrivateKey == "" {
		return signer{}, nil
	}
	key, err := parsePrivateKey(c.PrivateKey)
	if err != nil {
		return signer{}, err
	}
	algs := keyAlgs(key)
	alg := c.TokenEndpointAuthSigningAlg
	switch {
	case algs == nil:
		return signer{}, errors.New("private_key is of a kind that no algorithm here signs with: use EC P-256, RSA of 2048 bits or more, or Ed25519")
	case alg == "":
		alg = algs[0]
	case !slices.Contains(algs, alg):
		return signer{}, fmt.Errorf("token_endpoint_auth_signing_alg %q doesn't go with private_key: write one of %s", alg, strings.Join(algs, ", "))
	}
	return signer{alg: alg, kid: c.KeyID, key: key}, nil
}

var errPrivateKey = errors.New("private_key is not a private key in PEM (PKCS #8, PKCS #1 or SEC 1) without a passphrase: write {file.PATH}")

// parsePrivateKey reads PEM. In an environment variable its lines may be joined
// by the two characters \n.
func parsePrivateKey(text string) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, `\n`, "\n") + "\n"))
	if block == nil {
		return nil, errPrivateKey
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if signs, ok := key.(crypto.Signer); ok {
			return signs, nil
		}
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, errPrivateKey
}

// keyAlgs are the algorithms that a key can sign with, the usual one first (RFC
// 7518 section 3.1).
func keyAlgs(key crypto.Signer) []string {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() >= 2048 {
			return []string{"RS256", "PS256", "RS384", "PS384", "RS512", "PS512"}
		}
	case *ecdsa.PrivateKey:
		if alg := map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[key.Curve.Params().BitSize]; alg != "" {
			return []string{alg}
		}
	case ed25519.PrivateKey:
		return []string{"EdDSA"}
	}
	return nil
}

// sign returns a JWT in compact serialization.
func (s signer) sign(claims map[string]any) (string, error) {
	alg := s.alg
	if alg == "" {
		alg = string(jose.HS256)
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if s.kid != "" {
		options.WithHeader(jose.HeaderKey("kid"), s.kid)
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: s.key}, options)
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", alg, err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	signed, err := made.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", alg, err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return compact, nil
}
