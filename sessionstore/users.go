package sessionstore

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotLinked says that an account belongs to somebody else, or that its
	// e-mail address does and not both sides attest it. Whoever owns the other
	// account must sign in with it first, and link this one from there
	// (NextAuth's error code OAuthAccountNotLinked).
	ErrNotLinked = errors.New("the account is not linked to this user")
	// ErrNotCreated says that the database refuses to keep a user or an account,
	// though it can be reached (NextAuth's error codes OAuthCreateAccount and
	// EmailCreateAccount).
	ErrNotCreated = errors.New("the user can't be stored")
)

// EmailAccount is the type of accounts whose id is an e-mail address that has
// just been proven by a link. They are users by their address alone: Auth.js
// keeps no account row for them.
const EmailAccount = "email"

// AccountKey names an account: the provider's id in the realm, and the
// account's id at the provider.
type AccountKey struct {
	Provider, ID string
}

// Account is what a provider tells of the person who signs in.
type Account struct {
	AccountKey

	// Type is oauth, oidc or EmailAccount.
	Type string
	// Name, Email and Image may be empty. The address is normalised by the caller.
	Name, Email, Image string
	// EmailVerified says that the provider attests the address.
	EmailVerified bool
	// Tokens are the provider's, sealed by the caller; nil leaves what is stored.
	Tokens []byte
	// Current is the first account of the user who is signed in already and so
	// asks to link this one; zero when nobody is. It is ignored for EmailAccount.
	Current AccountKey
}

// User is a person as the store knows them.
type User struct {
	// Row is the user's id in the store: another program's name for the user.
	Row string
	// First is the account that the user came with first. It stays when others
	// are linked, so it makes the user's id in the gateway.
	First AccountKey
	// Name, Email and Image are as stored, which may be older than the account's.
	Name, Email, Image string
	// EmailVerified says that the stored address was attested.
	EmailVerified bool
	// New says that this sign-in made the user.
	New bool
	// Linked says that this sign-in added the account to a user who was there.
	Linked bool
}

// SealedTokens are what an account's last sign-in stored as [Account.Tokens].
type SealedTokens struct {
	AccountKey
	Tokens []byte
}

// Users is implemented by stores that keep people, and the accounts by which
// they sign in, where other programs know them too.
type Users interface {
	// SignIn finds the account's user, or makes both, atomically: concurrent first
	// sign-ins of one account make one user. An unknown account is linked to a
	// user who is there only when that user is signed in (Account.Current), or
	// when its address is the user's and both are attested; an address that is
	// known and not attested by both is ErrNotLinked, as is an account that is
	// another user's than Current.
	SignIn(ctx context.Context, account Account) (User, error)
	// SealedTokens returns the tokens of a user's account with a provider, the one
	// that signed in last, or ErrNotFound. userRow is [User.Row].
	SealedTokens(ctx context.Context, userRow, provider string) (SealedTokens, error)
}

// AuthjsSession is a session in the table that an Auth.js application shares.
type AuthjsSession struct {
	User    User
	Expires time.Time
}

// AuthjsSessions is implemented by stores that are told to share the sessions
// of an Auth.js application. Their tokens are stored as they are: whoever reads
// the database can act for everybody in it.
type AuthjsSessions interface {
	// CreateSession stores a session of the user with this row id.
	CreateSession(ctx context.Context, token, userRow string, expires time.Time) error
	// ReadSession returns a live session, or ErrNotFound. Its user's First is
	// zero when no account of theirs is known.
	ReadSession(ctx context.Context, token string) (AuthjsSession, error)
	// ExtendSession moves the expiry of a live session; it returns ErrNotFound
	// where there is none, and makes none.
	ExtendSession(ctx context.Context, token string, expires time.Time) error
	// DeleteSession ends a session; an absent one is no error.
	DeleteSession(ctx context.Context, token string) error
}
