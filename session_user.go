package signin

import (
	"slices"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers"
)

// refreshUser makes the claims of a session those of who its user is now, where
// the provider can say so at once. Where the session is over, because its provider
// or its user is gone or the user has another password since, it says why.
func (s *site) refreshUser(claims *authjs.Claims, keys *keyring) (changed bool, over endReason) {
	if claims.Provider == foreignProvider {
		if s.realm.secrets.configured == nil && !s.realm.sharesSessions() {
			return false, endedForeign
		}
		return false, goesOn
	}
	provider, ok := s.realm.byID[claims.Provider]
	if !ok {
		return false, endedProvider
	}
	var account *providers.Account
	roster, tells := provider.(providers.Roster)
	if tells {
		account, tells = roster.Current(claims.Subject)
	}
	switch {
	case tells && account == nil:
		return false, endedUser
	case !tells && claims.Credential != "":
		return false, endedPassword // it was kept here once
	case !tells:
		return false, goesOn
	}
	same, stale := claims.Credential == "", false
	if account.Credential != "" {
		same, stale = keys.credentials.Verify(claims.Credential, s.key, claims.Provider, account.ID, account.Credential)
	}
	if !same {
		return false, endedPassword
	}
	if stale {
		claims.Credential = s.credential(keys, claims.Provider, account)
	}
	return applyAccount(claims, account) || stale, goesOn
}

// credential tells in a session which password it began with, to nobody but the
// gateway: it is empty where the provider doesn't keep passwords.
func (s *site) credential(keys *keyring, provider string, account *providers.Account) string {
	if account.Credential == "" {
		return ""
	}
	return keys.credentials.Sum(s.key, provider, account.ID, account.Credential)
}

// applyAccount makes the claims those of an account, and reports whether they were
// others.
func applyAccount(claims *authjs.Claims, account *providers.Account) (changed bool) {
	name, email, picture := authjs.TextOrMissing(account.Name), authjs.TextOrMissing(account.Email), authjs.TextOrMissing(account.Image)
	verified := account.EmailVerified && account.Email != ""
	changed = claims.Name != name || claims.Email != email || claims.EmailVerified != verified || claims.Picture != picture ||
		claims.Login != account.Login || !slices.Equal(claims.Groups, account.Groups)
	claims.Name, claims.Email, claims.EmailVerified, claims.Picture = name, email, verified, picture
	claims.Login, claims.Groups = account.Login, account.Groups
	return changed
}
