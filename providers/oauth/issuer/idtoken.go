package issuer

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-signin/caddy-signin/providers/profile"
)

const (
	// MaxToken is how many bytes a signed token may have.
	MaxToken = 64 << 10
	// maxSubject is how many bytes a sub may have (Core 2).
	maxSubject = 255
	// MaxSkew is how far the provider's clock may be off. For iat, which grants
	// nothing, it is maxIssuedAhead.
	MaxSkew        = time.Minute
	maxIssuedAhead = 5 * time.Minute
)

// signingAlgs are the ID token algorithms accepted without being configured.
var signingAlgs = []string{oidc.RS256, oidc.ES256, oidc.PS256, oidc.EdDSA}

// IDTokenAlgs returns the algorithms that id_token_signed_response_alg may name (RFC
// 7518 section 3.1, RFC 8037): those of the provider's own keys, and HS256, whose key is
// the client secret.
func IDTokenAlgs() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512,
		oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA, string(jose.HS256),
	}
}

// UserinfoAlgs returns those that userinfo_signed_response_alg may name. HS256 is none:
// an answer over TLS needs no second use of the secret.
func UserinfoAlgs() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512,
		oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
	}
}

// AcceptedAlgs returns the algorithms an ID token may be signed with: the
// configured one, else those of ours that the provider offers, else RS256
// (OpenID Connect Core 3.1.3.7 number 7). The token never chooses (RFC 8725
// section 3.1).
func AcceptedAlgs(configured string, offered []string) ([]string, error) {
	if configured != "" {
		return []string{configured}, nil
	}
	if len(offered) == 0 {
		return []string{oidc.RS256}, nil
	}
	var accepted []string
	for _, alg := range signingAlgs {
		if slices.Contains(offered, alg) {
			accepted = append(accepted, alg)
		}
	}
	if accepted == nil {
		return nil, errors.New("the provider offers none of RS256, ES256, PS256, EdDSA: set id_token_signed_response_alg to the one that it signs with")
	}
	return accepted, nil
}

// Rules are what a signed token of an issuer's is measured by.
type Rules struct {
	// Algs are the algorithms that it may be signed with.
	Algs []string
	// Secret verifies HS256.
	Secret string
	// ClientID must be among the audiences.
	ClientID string
	// Audiences are trusted besides ClientID; "*" is any.
	Audiences []string
	// Nonce is the one that was sent; empty: none was.
	Nonce string
	// AccessToken is what at_hash, where it is there, must be of.
	AccessToken string
}

// Verify returns the claims of an ID token that holds in every respect of OpenID Connect
// Core 3.1.3.7. Errors hold nothing of the token.
func (i *Issuer) Verify(ctx context.Context, client *http.Client, found Metadata, rules Rules, raw string) (profile.Claims, error) {
	return (&verification{Rules: rules, issuer: i, issuerID: found.Issuer, client: client, jwksURI: found.JWKSURI}).verify(ctx, raw)
}

// VerifyUserinfo returns the claims of a signed userinfo answer, whose iss and aud are
// the issuer and the client where it has them (OpenID Connect Core 5.3.2). Errors hold
// nothing of the answer.
func (i *Issuer) VerifyUserinfo(ctx context.Context, client *http.Client, found Metadata, rules Rules, raw string) (profile.Claims, error) {
	return (&verification{Rules: rules, issuer: i, issuerID: found.Issuer, client: client, jwksURI: found.JWKSURI}).verifyUserinfo(ctx, raw)
}

// verification is one token that is measured.
type verification struct {
	Rules
	issuer   *Issuer
	issuerID string // what the discovery document says
	client   *http.Client
	jwksURI  string
}

// verify leaves to go-oidc that the token is signed by an accepted algorithm, with a key
// that verifies, and is of the issuer. What it would check less strictly, audiences and
// times, is checked here alone. The token is parsed twice, for go-oidc keeps what it
// parsed to itself.
func (v *verification) verify(ctx context.Context, raw string) (profile.Claims, error) {
	alg, err := tokenHeader(raw)
	if err != nil {
		return nil, err
	}
	keys := &tokenKeys{token: v}
	verifier := oidc.NewVerifier(v.issuerID, keys, &oidc.Config{
		SkipIssuerCheck:      strings.Contains(v.issuerID, TenantPlace), // then checkTenant does it
		SkipClientIDCheck:    true,                                      // it accepts any further audience
		SupportedSigningAlgs: v.Algs,
		SkipExpiryCheck:      true, // its leeway for nbf is five minutes, and it takes strings for numbers
	})
	token, err := verifier.Verify(ctx, raw)
	switch {
	case err == nil:
	case keys.err != nil:
		return nil, keys.err
	case keys.payload == nil:
		return nil, fmt.Errorf("it is not signed with %s", strings.Join(v.Algs, ", "))
	default:
		return nil, errors.New("its iss is not the issuer, or a claim is of the wrong type")
	}
	c, err := profile.ParseClaims(keys.payload)
	if err != nil {
		return nil, err
	}
	if c["iss"] != token.Issuer {
		return nil, errors.New("it has more than one iss")
	}
	if err := v.checkTenant(c); err != nil {
		return nil, err
	}
	return c, v.check(c, alg, time.Now())
}

// tokenHeader looks at a token before anything else does: a JWS in compact
// serialization, of bearable size, without header parameters that must be
// understood, and not a token for another purpose (RFC 8725 section 3.11).
func tokenHeader(raw string) (alg string, err error) {
	malformed := errors.New("it is not a signed JWT in compact serialization")
	if len(raw) > MaxToken || !compactForm.MatchString(raw) {
		return "", malformed
	}
	encoded, _, _ := strings.Cut(raw, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", malformed
	}
	header, err := profile.ParseClaims(decoded)
	if err != nil {
		return "", malformed
	}
	if _, critical := header["crit"]; critical {
		return "", errors.New("it has critical header parameters")
	}
	typ, _ := header["typ"].(string)
	if purpose := strings.TrimPrefix(strings.ToLower(typ), "application/"); purpose == "at+jwt" || purpose == "logout+jwt" {
		return "", errors.New("it is a token for another purpose")
	}
	alg, _ = header["alg"].(string)
	return alg, nil
}

// compactForm is the compact serialization of RFC 7515 section 7.1.
var compactForm = regexp.MustCompile(`^[\w-]*\.[\w-]*\.[\w-]*$`)

// tokenKeys is the oidc.KeySet of one verification. It remembers what happened,
// for go-oidc's errors don't wrap and may quote the token.
type tokenKeys struct {
	token   *verification
	payload []byte
	err     error
}

// VerifySignature implements [oidc.KeySet].
func (k *tokenKeys) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	k.payload, k.err = k.verify(ctx, raw)
	return k.payload, k.err
}

func (k *tokenKeys) verify(ctx context.Context, raw string) ([]byte, error) {
	v := k.token
	algs := make([]jose.SignatureAlgorithm, len(v.Algs))
	for i, alg := range v.Algs {
		algs[i] = jose.SignatureAlgorithm(alg)
	}
	jws, err := jose.ParseSignedCompact(raw, algs)
	if err != nil {
		return nil, errNoKey
	}
	// HS256 is only ever the one configured algorithm, and its key the secret.
	if slices.Contains(v.Algs, string(jose.HS256)) {
		payload, err := jws.Verify([]byte(v.Secret))
		if err != nil {
			return nil, errors.New("client_secret doesn't verify its signature")
		}
		return payload, nil
	}
	return v.issuer.verifySignature(ctx, v.client, v.jwksURI, jws)
}

// check applies what go-oidc leaves to its caller.
func (v *verification) check(c profile.Claims, alg string, now time.Time) error {
	if err := v.checkAudience(c); err != nil {
		return err
	}
	if err := checkTimes(c, now); err != nil {
		return err
	}
	switch nonce, sent := c["nonce"].(string); {
	case v.Nonce != "" && !sent:
		return errors.New("it has no nonce, though one was sent; where the provider never sends it back, write checks pkce state")
	case v.Nonce != "" && !equal(nonce, v.Nonce):
		return errors.New("its nonce is not the one that was sent")
	}
	if sub, ok := c["sub"].(string); !ok || sub == "" || len(sub) > maxSubject {
		return errors.New("its sub is not a string of 1 to 255 bytes")
	}
	if hash, sent := c["at_hash"]; sent && hash != accessTokenHash(alg, v.AccessToken) {
		return errors.New("its at_hash is not the access token's")
	}
	return nil
}

func (v *verification) verifyUserinfo(ctx context.Context, raw string) (profile.Claims, error) {
	if _, err := tokenHeader(raw); err != nil {
		return nil, err
	}
	keys := &tokenKeys{token: v}
	payload, err := keys.verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	c, err := profile.ParseClaims(payload)
	if err != nil {
		return nil, err
	}
	if iss, sent := c["iss"]; sent && iss != v.issuerID {
		return nil, errors.New("its iss is not the issuer")
	}
	if aud, sent := c["aud"]; sent {
		return c, v.checkAudience(profile.Claims{"aud": aud})
	}
	return c, nil
}

// checkTenant: where the issuer is that of every tenant, a token's is that of its
// own tenant.
func (v *verification) checkTenant(c profile.Claims) error {
	if !strings.Contains(v.issuerID, TenantPlace) {
		return nil
	}
	issuer, err := issuerOf(v.issuerID, c)
	if err == nil && c["iss"] != issuer {
		err = errors.New("its iss is not its tenant's")
	}
	return err
}

// anyAudience trusts every audience beside the client.
const anyAudience = "*"

// checkAudience: every audience is trusted, and several need an azp (Core
// 3.1.3.7 numbers 3 to 5).
func (v *verification) checkAudience(c profile.Claims) error {
	list, _ := c["aud"].([]any)
	if one, ok := c["aud"].(string); ok {
		list = []any{one}
	}
	ours := false
	for _, entry := range list {
		audience, ok := entry.(string)
		if !ok || audience != v.ClientID && !slices.Contains(v.Audiences, audience) && !slices.Contains(v.Audiences, anyAudience) {
			return errors.New("its aud holds others than client_id; trusted_audiences may name them")
		}
		ours = ours || audience == v.ClientID
	}
	if !ours {
		return errors.New("its aud is not client_id")
	}
	azp, sent := c["azp"]
	if sent && azp != v.ClientID || !sent && len(list) > 1 {
		return errors.New("its azp is not client_id")
	}
	return nil
}

// checkTimes: exp and iat are required, nbf is honoured (Core 3.1.3.7 numbers 9
// and 10, RFC 7519 section 4.1.5).
func checkTimes(c profile.Claims, now time.Time) error {
	if exp, ok := NumericDate(c["exp"]); !ok || !now.Before(exp.Add(MaxSkew)) {
		return errors.New("its exp is missing or past")
	}
	if iat, ok := NumericDate(c["iat"]); !ok || iat.After(now.Add(maxIssuedAhead)) {
		return errors.New("its iat is missing or in the future")
	}
	if nbf, sent := c["nbf"]; sent {
		if notBefore, ok := NumericDate(nbf); !ok || notBefore.After(now.Add(MaxSkew)) {
			return errors.New("its nbf is in the future")
		}
	}
	return nil
}

// NumericDate reads a NumericDate (RFC 7519 section 2), which may have decimals.
func NumericDate(v any) (time.Time, bool) {
	number, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := number.Float64()
	const year9999 = 253402300799
	if err != nil || seconds < 0 || seconds > year9999 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// accessTokenHash is the at_hash of an access token: the left half of its hash,
// by the ID token's algorithm (Core 3.1.3.6). Ed25519 goes with SHA-512.
func accessTokenHash(alg, accessToken string) string {
	var sum []byte
	switch {
	case strings.HasSuffix(alg, "256"):
		hash := sha256.Sum256([]byte(accessToken))
		sum = hash[:]
	case strings.HasSuffix(alg, "384"):
		hash := sha512.Sum384([]byte(accessToken))
		sum = hash[:]
	default:
		hash := sha512.Sum512([]byte(accessToken))
		sum = hash[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// equal compares in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
