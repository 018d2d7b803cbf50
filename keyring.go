package signin

import "github.com/caddy-signin/caddy-signin/internal/authjs"

// keyring is everything derived from one list of secrets. Each purpose has a
// key of its own, so that no value opens as another kind.
type keyring struct {
	csrf    *authjs.CSRF
	session map[string]*authjs.Keyring // by cookie name, as the next two: keys are salted with it
	pending map[string]*authjs.Keyring
	flash   map[string]*authjs.Keyring
	links   linkKeys        // under which the tokens of mailed links are hashed
	claims  *authjs.MACKeys // by which a session token is ours
	// credentials are for telling in a session which password it began with.
	credentials *authjs.MACKeys
	tokens      *authjs.Keyring // in every dialect the same
}

// linkKeys are the keys under which the tokens of mailed links are hashed: the
// first for new links, all of them for old ones.
type linkKeys [][]byte

// tokensPurpose is what the keys are salted with that seal providers' tokens.
const tokensPurpose = "tokens of a provider"

// newKeyring derives the keys of these secrets, for the cookies of these names.
func newKeyring(secrets []string, cookies ...*authjs.Names) (*keyring, error) {
	ring := &keyring{
		session: make(map[string]*authjs.Keyring),
		pending: make(map[string]*authjs.Keyring), flash: make(map[string]*authjs.Keyring),
	}
	var err error
	if ring.csrf, err = authjs.NewCSRF(secrets...); err != nil {
		return nil, err //nolint:wrapcheck // it says what was being done
	}
	if ring.tokens, err = authjs.NextAuth.Names(false).Keyring(tokensPurpose, secrets...); err != nil {
		return nil, err //nolint:wrapcheck // it says what was being done
	}
	if ring.claims, err = authjs.NewMACKeys("caddy-signin session claims", secrets...); err != nil {
		return nil, err //nolint:wrapcheck // it says what was being done
	}
	if ring.credentials, err = authjs.NewMACKeys("caddy-signin credential", secrets...); err != nil {
		return nil, err //nolint:wrapcheck // it says what was being done
	}
	if ring.links, err = authjs.DeriveKeys("caddy-signin mailed link", secrets...); err != nil {
		return nil, err //nolint:wrapcheck // it says what was being done
	}
	for _, names := range cookies {
		if ring.session[names.Session], err = names.SessionKeyring(secrets...); err != nil {
			return nil, err //nolint:wrapcheck // it says what was being done
		}
		if ring.pending[names.State], err = names.Keyring(names.State, secrets...); err != nil {
			return nil, err //nolint:wrapcheck // it says what was being done
		}
		if ring.flash[names.Flash()], err = names.Keyring(names.Flash(), secrets...); err != nil {
			return nil, err //nolint:wrapcheck // it says what was being done
		}
	}
	return ring, nil
}
