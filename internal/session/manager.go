package session

import (
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Manager has what the sessions of a realm depend on, whichever address
// they are at.
type Manager struct {
	Store    sessionstore.Store
	Strategy Strategy
	Streams  *Streams
	Limits   Limits
	// RealmKey names the realm's state, and Realm the realm itself in messages.
	RealmKey string
	Realm    string
	// Username says what the user name is made of: id, email or login, or empty.
	Username string
	// SecretConfigured says that an operator chose the secret, which NextAuth
	// may have as well.
	SecretConfigured bool
	Admission        *access.Admission
	// Providers are the configured ones by their ids.
	Providers map[string]providers.Provider
	// Successors are the sessions of those realms of the configuration that runs
	// now which have a key. Without the function they are these sessions alone.
	Successors func(key string) []*Manager
	endings    loggedEndings
	Logger     *zap.Logger
	Sampled    *zap.Logger // for lines that a client could repeat at will
}

// Site are a realm's sessions at one public address: those under its key,
// in the cookies of that address.
type Site struct {
	List

	CookieNames *authjs.Names
	Domain      string // of the cookies, empty for the host asked alone
	Secret      *keys.Secret
}
