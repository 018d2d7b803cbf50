package signin

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// sessionManager has what the sessions of a realm depend on, whichever address
// they are at.
type sessionManager struct {
	store    sessionstore.Store
	strategy strategy
	streams  *streams
	limits   sessionLimits
	// realmKey names the realm's state, and realm the realm itself in messages.
	realmKey string
	realm    string
	// username is what the user name is: id, email or login, or empty.
	username string
	// secretConfigured says that an operator chose the secret, which NextAuth
	// may have as well.
	secretConfigured bool
	admission        admission
	// provider returns the configured provider with an id, or nil.
	provider func(id string) providers.Provider
	// successors are the sessions of those realms of the configuration that runs
	// now which have a key.
	successors func(key string) []*sessionManager
	endings    loggedEndings
	logger     *zap.Logger
	sampled    *zap.Logger // for lines that a client could repeat at will
}

// sessionLimits say how long sessions live.
type sessionLimits struct {
	maxAge         time.Duration // without being renewed
	absoluteMaxAge time.Duration // from sign-in, however often it is renewed
	renewAge       time.Duration // from when on a page view renews a session
	idleTimeout    time.Duration // between renewals; 0: no such limit
}

// siteSessions are a realm's sessions at one public address: those under its key,
// in the cookies of that address.
type siteSessions struct {
	sessionList

	names  *authjs.Names
	domain string // of the cookies, empty for the host asked alone
	secret *storedSecret
}

func (s *siteSessions) keys(ctx context.Context) (*keyring, error) { return s.secret.keys(ctx) }
