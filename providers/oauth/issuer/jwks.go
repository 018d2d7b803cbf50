package issuer

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
)

// maxKeySet is how many bytes a key set may have.
const maxKeySet = 512 << 10

var errNoKey = errors.New("no key of the provider verifies its signature")

// verifySignature returns the payload of a JWS that one of the issuer's keys
// signed. Keys are fetched on first use and hourly; a token that none of them
// fits has them fetched once more (OpenID Connect Core 10.1.1), at a bounded
// rate.
func (i *Issuer) verifySignature(ctx context.Context, client *http.Client, jwksURI string, jws *jose.JSONWebSignature) ([]byte, error) {
	fetch := func(ctx context.Context) ([]jose.JSONWebKey, error) { return fetchKeys(ctx, client, jwksURI) }
	keys, version, err := i.keys.get(ctx, fetch)
	if err != nil {
		return nil, fmt.Errorf("fetching the provider's keys: %w", err)
	}
	if payload, ok := verifyWith(keys, jws); ok {
		return payload, nil
	}
	keys, err = i.keys.newer(ctx, version, fetch)
	if err != nil {
		return nil, fmt.Errorf("%w, and fetching newer keys failed: %w", errNoKey, err)
	}
	if payload, ok := verifyWith(keys, jws); ok {
		return payload, nil
	}
	return nil, errNoKey
}

// verifyWith tries the keys that a token names by kid, or all when it names
// none, as far as they are for its algorithm.
func verifyWith(keys []jose.JSONWebKey, jws *jose.JSONWebSignature) ([]byte, bool) {
	header := jws.Signatures[0].Header
	for _, key := range keys {
		if header.KeyID != "" && key.KeyID != header.KeyID || !fits(key, header.Algorithm) {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// fits says that a key may verify an algorithm: of its type, and of no other
// algorithm (RFC 7517 section 4.4).
func fits(key jose.JSONWebKey, alg string) bool {
	if key.Algorithm != "" && key.Algorithm != alg {
		return false
	}
	switch key.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ES")
	case ed25519.PublicKey:
		return alg == string(jose.EdDSA)
	}
	return false
}

// CheckKeys fetches the issuer's keys anew, and says what is wrong with them.
func (i *Issuer) CheckKeys(ctx context.Context, client *http.Client, found Metadata) error {
	_, err := fetchKeys(ctx, client, found.JWKSURI)
	return err
}

func fetchKeys(ctx context.Context, client *http.Client, jwksURI string) ([]jose.JSONWebKey, error) {
	body, err := outgoing.Get(ctx, client, jwksURI, maxKeySet)
	if err != nil {
		return nil, err
	}
	return parseKeys(body)
}

// parseKeys reads a JWK set (RFC 7517 section 5) and leaves out what no
// signature may be checked with: keys of unknown type, for encryption, secret
// or private ones, and RSA keys under 2048 bits (RFC 7518 section 3.3).
func parseKeys(body []byte) ([]jose.JSONWebKey, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, errors.New("the key set is not a JSON object with keys")
	}
	var keys []jose.JSONWebKey
	for _, raw := range document.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(withoutCertificates(raw), &key) != nil || !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
			continue
		}
		if k, ok := key.Key.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 {
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no key that can check a signature")
	}
	return keys, nil
}

// withoutCertificates takes a key's certificates out (RFC 7517 section 4.6 to 4.9): they
// are not used, and where they are wrong go-jose would throw the key away.
func withoutCertificates(raw json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return raw
	}
	for name := range members {
		if strings.HasPrefix(name, "x5") {
			delete(members, name)
		}
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return raw
	}
	return rest
}
