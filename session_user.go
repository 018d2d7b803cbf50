package signin

import (
	"net/url"
	"slices"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// refreshUser makes the claims of a session those of who its user is now, where
// the provider can say so at once. Where the session is over, because its provider
// or its user is gone or the user has another password since, it says why.
func (s *siteSessions) refreshUser(claims *authjs.Claims, keys *keyring) (changed bool, over endReason) {
	if claims.Provider == foreignProvider {
		if !s.secretConfigured && !s.sharesSessions() {
			return false, endedForeign
		}
		return false, stillValid
	}
	provider := s.provider(claims.Provider)
	if provider == nil {
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
		return false, stillValid
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
	return applyAccount(claims, account) || stale, stillValid
}

// credential tells in a session which password it began with, to nobody but the
// gateway: it is empty where the provider doesn't keep passwords.
func (s *siteSessions) credential(keys *keyring, provider string, account *providers.Account) string {
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

// userID is a person's id everywhere: the account that they came with first.
func userID(claims *authjs.Claims) string {
	if claims.User != "" {
		return claims.User
	}
	return claims.Provider + ":" + claims.Subject
}

// takeUser makes the claims those of a stored user: NextAuth's sub, name and
// image. The address stays the one that this sign-in attests, for the rules and
// the upstream go by it; where there is none, the stored one is shown, unverified.
// An application that shares the tables may write any account into them; one of
// a provider that checks passwords is nobody's, for those are never stored.
func (m *sessionManager) takeUser(claims *authjs.Claims, user *sessionstore.User) {
	claims.Subject = user.Row
	if user.First != (sessionstore.AccountKey{}) && !m.checksPasswords(user.First.Provider) {
		claims.User = user.First.Provider + ":" + user.First.ID
	}
	if user.Name != "" {
		claims.Name = authjs.TextOf(user.Name)
	}
	if isPicture(user.Image) {
		claims.Picture = authjs.TextOf(user.Image)
	}
	if claims.Email.String() == "" && user.Email != "" {
		claims.Email, claims.EmailVerified = authjs.TextOf(user.Email), false
	}
}

func (m *sessionManager) checksPasswords(id string) bool {
	provider := m.provider(id)
	return provider != nil && provider.Info().Type == providers.TypeCredentials
}

// maxPicture is the longest address of a picture that goes into a session, in
// bytes: other programs write it, and a cookie has 4 KB.
const maxPicture = 2048

// isPicture takes web addresses only, as the providers do: pages show pictures, and
// an address of another scheme may run a script or hold the picture itself.
func isPicture(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(address) <= maxPicture
}
