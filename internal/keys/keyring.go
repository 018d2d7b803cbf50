package keys

import "github.com/caddy-signin/caddy-signin/internal/authjs"

// Ring is everything derived from one list of secrets. Each purpose has a
// key of its own, so that no value opens as another kind.
type Ring struct {
	CSRF    *authjs.CSRF
	Session map[string]*authjs.Keyring // by cookie name, as the next two: keys are salted with it
	Pending map[string]*authjs.Keyring
	Flash   map[string]*authjs.Keyring
	Links   LinkKeys        // under which the tokens of mailed links are hashed
	Claims  *authjs.MACKeys // by which a session token is ours
	// Credentials are for telling in a session which password it began with.
	Credentials *authjs.MACKeys
	Tokens      *authjs.Keyring // in every dialect the same
}

// LinkKeys are the keys under which the tokens of mailed links are hashed: the
// first for new links, all of them for old ones.
type LinkKeys [][]byte

// Purposes tell the keys apart that belong to no cookie.
const (
	purposeTokens      = "tokens of a provider"
	purposeClaims      = "caddy-signin session claims"
	purposeCredentials = "caddy-signin credential"
	purposeLinks       = "caddy-signin mailed link"
)

// newRing derives the keys of these secrets, for the cookies of these names.
func newRing(secrets []string, cookies ...*authjs.Names) (*Ring, error) {
	ring := &Ring{
		Session: make(map[string]*authjs.Keyring),
		Pending: make(map[string]*authjs.Keyring), Flash: make(map[string]*authjs.Keyring),
	}
	var err error
	if ring.CSRF, err = authjs.NewCSRF(secrets...); err != nil {
		return nil, err
	}
	if ring.Tokens, err = authjs.NextAuth.Names(false).Keyring(purposeTokens, secrets...); err != nil {
		return nil, err
	}
	if ring.Claims, err = authjs.NewMACKeys(purposeClaims, secrets...); err != nil {
		return nil, err
	}
	if ring.Credentials, err = authjs.NewMACKeys(purposeCredentials, secrets...); err != nil {
		return nil, err
	}
	if ring.Links, err = authjs.DeriveKeys(purposeLinks, secrets...); err != nil {
		return nil, err
	}
	for _, names := range cookies {
		if ring.Session[names.Session], err = names.SessionKeyring(secrets...); err != nil {
			return nil, err
		}
		if ring.Pending[names.State], err = names.Keyring(names.State, secrets...); err != nil {
			return nil, err
		}
		if ring.Flash[names.Flash()], err = names.Keyring(names.Flash(), secrets...); err != nil {
			return nil, err
		}
	}
	return ring, nil
}
