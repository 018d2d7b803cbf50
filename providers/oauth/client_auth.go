package oauth

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
)

// The ways in which a client proves itself (RFC 7591 section 2, OpenID Connect
// Core 9).
const (
	authBasic         = "client_secret_basic"
	authPost          = "client_secret_post"
	authSecretJWT     = "client_secret_jwt"
	authPrivateKeyJWT = "private_key_jwt"
	authNone          = "none"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionLife is how long a token that proves the client holds. Each request
// makes a new one.
const assertionLife = 2 * time.Minute

// secretSizes are the bytes that a secret needs at least to sign with an
// algorithm (RFC 7518 section 3.2), "" being the default.
var secretSizes = map[string]int{"": 32, "HS256": 32, "HS384": 48, "HS512": 64}

// authMethods put the client's proof into a request to the provider.
var authMethods = map[string]func(c clientAuth, header http.Header, form url.Values, endpoint string) error{
	authBasic: func(c clientAuth, header http.Header, _ url.Values, _ string) error {
		secret, err := c.secret()
		// RFC 6749 section 2.3.1: both are form-encoded first.
		basic := http.Request{Header: header}
		basic.SetBasicAuth(url.QueryEscape(c.config.ClientID), url.QueryEscape(secret))
		return err
	},
	authPost: func(c clientAuth, _ http.Header, form url.Values, _ string) error {
		secret, err := c.secret()
		form.Set("client_id", c.config.ClientID)
		form.Set("client_secret", secret)
		return err
	},
	authSecretJWT: func(c clientAuth, _ http.Header, form url.Values, endpoint string) error {
		return c.assert(signer{alg: c.config.TokenEndpointAuthSigningAlg, key: []byte(c.config.ClientSecret)}, form, endpoint)
	},
	authPrivateKeyJWT: func(c clientAuth, _ http.Header, form url.Values, endpoint string) error {
		return c.assert(c.signer, form, endpoint)
	},
	authNone: func(c clientAuth, _ http.Header, form url.Values, _ string) error {
		form.Set("client_id", c.config.ClientID)
		return nil
	},
}

// clientAuth proves to the provider who the client is.
type clientAuth struct{ *registration }

// authenticate adds the client's proof to a request to the token or the pushed
// authorization request endpoint.
func (c clientAuth) authenticate(header http.Header, form url.Values, tokenEndpoint string) error {
	if err := authMethods[c.config.ClientAuth](c, header, form, tokenEndpoint); err != nil {
		return fmt.Errorf("proving the client: %w", err)
	}
	return nil
}

// secret returns the client secret: the configured one, or one made for this
// request.
func (c clientAuth) secret() (string, error) {
	if c.config.ClientSecret != "" || c.row.SignedSecret == nil {
		return c.config.ClientSecret, nil
	}
	values := c.row.values(c.config)
	now := time.Now()
	return c.signer.sign(map[string]any{
		"iss": values.fill(c.row.SignedSecret.Issuer), "sub": c.config.ClientID,
		"aud": c.row.SignedSecret.Audience,
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
}

// assert adds an assertion (RFC 7523 section 3).
func (c clientAuth) assert(s signer, form url.Values, tokenEndpoint string) error {
	audience := cmp.Or(c.config.ClientAssertionAudience, tokenEndpoint)
	if c.kind == kindOIDC {
		// A token endpoint is what a hostile provider could name as its own; the
		// issuer is ours to compare.
		audience = cmp.Or(c.config.ClientAssertionAudience, c.config.Issuer)
	}
	now := time.Now()
	assertion, err := s.sign(map[string]any{
		"iss": c.config.ClientID, "sub": c.config.ClientID, "aud": audience,
		"jti": uuid.NewString(), "iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	form.Set("client_id", c.config.ClientID)
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", assertion)
	return err
}

// checkSecret finds a proof that can't be made.
func checkSecret(c *ClientConfig, _ string) error {
	row, _ := lookUp(c.Preset)
	_, known := authMethods[c.ClientAuth]
	methods := strings.Join(slices.Sorted(maps.Keys(authMethods)), ", ")
	needsKey := c.ClientAuth == authPrivateKeyJWT
	makesSecret := row.SignedSecret != nil && c.ClientSecret == "" && c.ClientAuth == authPost
	sendsSecret := !needsKey && c.ClientAuth != authNone
	switch {
	case !known:
		return fmt.Errorf("unknown client_auth %q: write one of %s", c.ClientAuth, methods)
	case c.ClientAuth == authNone && c.ClientSecret != "":
		return errors.New("client_auth none sends no secret: leave client_secret out, or write client_auth client_secret_basic")
	case needsKey && c.PrivateKey == "":
		return errors.New("private_key is missing: write {file.PATH}; its public half is what the provider must know")
	case needsKey && c.ClientSecret != "":
		return errors.New("client_auth private_key_jwt sends no secret: leave client_secret out")
	case makesSecret:
		return checkMadeSecret(c, row)
	case sendsSecret && c.ClientSecret == "":
		return errors.New("client_secret is missing: write {env.NAME} or {file.PATH}; a public client has client_auth none instead")
	case c.ClientAuth == authSecretJWT:
		return checkSecretAlg(c)
	case c.PrivateKey != "" && row.SignedSecret != nil && c.ClientAuth == authPost:
		return errors.New("client_secret and private_key are both there: leave client_secret out, for it is made from the key, or leave the key out")
	case c.PrivateKey != "" && !needsKey:
		return fmt.Errorf("client_auth %s uses no private_key: leave it out, or write client_auth private_key_jwt", c.ClientAuth)
	case c.TokenEndpointAuthSigningAlg != "" && !needsKey:
		return fmt.Errorf("client_auth %s signs nothing: leave token_endpoint_auth_signing_alg out", c.ClientAuth)
	}
	return checkKey(c)
}

func checkSecretAlg(c *ClientConfig) error {
	least, known := secretSizes[c.TokenEndpointAuthSigningAlg]
	switch {
	case !known:
		return fmt.Errorf("token_endpoint_auth_signing_alg %q doesn't go with client_secret_jwt: write HS256, HS384 or HS512", excerpt.Of(c.TokenEndpointAuthSigningAlg))
	case c.PrivateKey != "":
		return errors.New("client_auth client_secret_jwt uses no private_key: leave it out, or write client_auth private_key_jwt")
	case !isDynamic(c.ClientSecret) && len(c.ClientSecret) < least:
		return fmt.Errorf("client_auth client_secret_jwt needs a client_secret of at least %d bytes here (RFC 7518 section 3.2)", least)
	}
	return nil
}

// checkMadeSecret: what the secret is made of must all be there.
func checkMadeSecret(c *ClientConfig, row preset) error {
	for _, field := range []struct{ name, value string }{
		{"private_key", c.PrivateKey}, {"key_id", c.KeyID}, {"team_id", row.values(*c).fill(row.SignedSecret.Issuer)},
	} {
		if field.value == "" {
			return fmt.Errorf("%s is missing: the client secret of %s is made from team_id, key_id and private_key", field.name, row.Name)
		}
	}
	if signs, err := newSigner(c); err == nil && signs.alg != row.SignedSecret.Alg && !isDynamic(c.PrivateKey) {
		return fmt.Errorf("private_key signs with %s, but %s takes %s alone: it is not the key from there", signs.alg, row.Name, row.SignedSecret.Alg)
	}
	return checkKey(c)
}

func checkKey(c *ClientConfig) error {
	if isDynamic(c.PrivateKey) {
		return nil
	}
	_, err := newSigner(c)
	return err
}
