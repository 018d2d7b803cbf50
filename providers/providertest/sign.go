package providertest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// signingKey is one generation of keys, one of each type.
type signingKey struct {
	generation int
	rsa        *rsa.PrivateKey
	ecdsa      *ecdsa.PrivateKey
	ed25519    ed25519.PrivateKey
}

var (
	generations   []signingKey
	generationsMu sync.Mutex
)

// newKeys makes the keys of a generation once in a process, for RSA keys are slow to make.
func newKeys(generation int) signingKey {
	generationsMu.Lock()
	defer generationsMu.Unlock()
	for len(generations) <= generation {
		generations = append(generations, generate(len(generations)))
	}
	return generations[generation]
}

func generate(generation int) signingKey {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	return signingKey{generation, rsaKey, ecdsaKey, edKey}
}

func must(err error) {
	if err != nil {
		panic(err) // the random generator of the machine is broken
	}
}

func (k signingKey) kid(alg string) string { return fmt.Sprintf("%s-%d", alg, k.generation) }

// public returns the keys' JWKs as JSON objects.
func (k signingKey) public() []any {
	var all []any
	for alg, key := range map[string]any{"RS256": k.rsa.Public(), "ES256": k.ecdsa.Public(), "EdDSA": k.ed25519.Public()} {
		encoded, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: k.kid(alg), Use: "sig"})
		must(err)
		var object map[string]any
		must(json.Unmarshal(encoded, &object))
		all = append(all, object)
	}
	return all
}

// Rotate replaces the keys: tokens are signed with new ones, and the key set
// holds only those.
func (s *Server) Rotate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = []signingKey{newKeys(s.keys[0].generation + 1)}
}

// PublicKey returns the RSA key of the key set, for attacks that misuse it.
func (s *Server) PublicKey() *rsa.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &s.keys[0].rsa.PublicKey
}

// idToken signs claims as the behaviour says.
func (s *Server) idToken(b Behaviour, claims map[string]any) string {
	if b.Sign != nil {
		return b.Sign(claims)
	}
	s.mu.Lock()
	key := s.keys[0]
	s.mu.Unlock()
	private := map[string]any{"RS256": key.rsa, "ES256": key.ecdsa, "EdDSA": key.ed25519, "HS256": []byte(s.ClientSecret)}[b.Alg]
	header := map[string]any{"kid": key.kid(b.Alg)}
	maps.Copy(header, b.Header)
	return Sign(b.Alg, private, header, claims)
}

// Sign makes a compact JWS. The header gets alg and the members of header; nil
// takes a member out.
func Sign(alg string, key any, header, claims map[string]any) string {
	options := &jose.SignerOptions{ExtraHeaders: make(map[jose.HeaderKey]any)}
	for name, value := range header {
		if value != nil {
			options.ExtraHeaders[jose.HeaderKey(name)] = value
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	must(err)
	payload, err := json.Marshal(claims)
	must(err)
	signed, err := signer.Sign(payload)
	must(err)
	compact, err := signed.CompactSerialize()
	must(err)
	return compact
}

// Unsigned makes a token with alg none and an empty signature.
func Unsigned(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	must(err)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(payload) + "."
}

// atHash is OpenID Connect Core 3.1.3.6, independent of the code under test.
func atHash(alg, accessToken string) string {
	if strings.HasSuffix(alg, "256") {
		sum := sha256.Sum256([]byte(accessToken))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	sum := sha512.Sum512([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:32])
}

// SignAs signs with this server's current key, for tokens that claim to be
// another server's.
func (s *Server) SignAs(alg string, header, claims map[string]any) string {
	return s.idToken(Behaviour{Alg: alg, Header: header}, claims)
}
