// Package sessionstore is the contract of session stores: what keeps a realm's
// server-side state, such as sessions of the strategy database, revocations, spent
// sign-ins and counts of failed ones.
//
// A store is a guest module in the namespace signin.stores, a [Module]. A realm opens
// it once, while it is provisioned, and gets a [Store]: values under keys until they
// expire. What more a store can do it says by further interfaces, which callers look
// for: [Lister], [Users], [VerificationTokens], [AuthjsSessions], [Pinger], [Claimer].
// The package storetest checks that a store keeps what [Store] promises.
//
// A store must not know what the values mean. Callers make the keys, with their realm
// in them, and seal or hash what nobody may read in a backup; all that a store may read
// out of a key is [EvictablePrefix] and [GroupMark]. This package knows no store, and
// nothing of Caddy but the name of the namespace.
package sessionstore

import (
	"context"
	"errors"
	"time"
)

// Namespace is the Caddy module namespace of all stores.
const Namespace = "signin.stores"

const (
	// MaxKey is the length of the longest key, in bytes.
	MaxKey = 512
	// MaxValue is the length of the longest value, in bytes.
	MaxValue = 64 << 10
)

// EvictablePrefix begins the keys whose values may be lost. A store that is
// full makes room by dropping the ones that expire soonest, so that what
// strangers can make it write (counts of failed sign-ins, spent flows) never crowds
// out what must hold (revocations). No other value is dropped before it expires.
const EvictablePrefix = "evictable|"

// GroupMark ends, where it first stands in a key, the name of a group of values
// that are listed together: List of a prefix that holds it costs what the group
// holds, in a store of any size. Elsewhere a store may go through all it has.
const GroupMark = "|#|"

var (
	// ErrNotFound says that no live value is kept under a key.
	ErrNotFound = errors.New("not found")
	// ErrFull says that the store has no room: nothing was stored and nothing
	// dropped but expired and evictable values.
	ErrFull = errors.New("the session store is full")
	// ErrLength says that a key or value can't be stored because of its length.
	ErrLength = errors.New("wrong length for the session store")
	// ErrTaken is Add's answer for a key that is already there.
	ErrTaken = errors.New("already there")
)

// Module is what a guest module of the namespace signin.stores implements, beside
// what makes it a module of Caddy. No [Module.Open] needs Caddy: what a store needs of
// it (a logger, placeholders, other modules) Provision gets, which Caddy calls before.
// So whoever writes a store needs this package alone, and whoever uses one needs no
// Caddy.
type Module interface {
	// Open returns the store of the realm with this key (its name, else its
	// url, else empty). The realm calls it once, while it is provisioned, so it
	// does no I/O: a store connects on first use. What is stored outlives a
	// reload that keeps the realm, and may be kept together with other realms'
	// state: callers put their realm into every key. The module's Cleanup, which
	// Caddy calls when it drops the configuration, gives the store back.
	Open(realm string) (Store, error)
}

// Store keeps values until they expire. It is safe for concurrent use. Every
// error but ErrNotFound means that the answer is not known: callers fail
// closed. Under a context that is done every method changes nothing and
// returns the context's error.
//
// Keys are any 1 to MaxKey bytes, values any bytes up to MaxValue (ErrLength).
// A caller waits for two seconds at most, and a store that is far away should
// give up earlier, with an error that says what is wrong.
//
// An empty value is a value: it comes back as an empty slice that is not nil.
// A value is live until its expiry, to the millisecond; storing one whose
// expiry has come deletes the key.
type Store interface {
	// Get returns the value of key, or ErrNotFound. The slice may be shared:
	// it is never changed by the store and must not be by the caller.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put stores a copy of value under key until expires, replacing what was there.
	Put(ctx context.Context, key string, value []byte, expires time.Time) error
	// Delete removes key; an absent key is no error.
	Delete(ctx context.Context, key string) error
	// Update replaces the value of key by a copy of what change makes of it,
	// atomically. change may be called more than once.
	Update(ctx context.Context, key string, change Change) error
}

// Lister is implemented by stores that can enumerate their keys: every store of
// this project. It is for administration, not for a request's way: its cost
// grows with what is stored, or in the group (see GroupMark).
type Lister interface {
	// List calls yield for each live value whose key begins with prefix, in no
	// particular order, until yield returns false or the context is done. It
	// holds no lock meanwhile, so yield may use the store; what is written or
	// deleted during the call may be seen or not. The slice may be shared, as
	// Get's is.
	List(ctx context.Context, prefix string, yield func(key string, value []byte) bool) error
}

// VerificationTokens is implemented by stores that keep the tokens of e-mail
// links in a place of their own, where other programs know them; elsewhere
// they are values like others. Only a keyed hash of a token is stored.
type VerificationTokens interface {
	// PutToken stores that the link with this hash was mailed to identifier.
	PutToken(ctx context.Context, identifier, hash string, expires time.Time) error
	// TakeToken spends the link: it deletes the token, or returns ErrNotFound
	// when there is no live one with this hash for this identifier. Of several
	// concurrent calls one succeeds; a wrong guess spends nothing.
	TakeToken(ctx context.Context, identifier, hash string) error
}

// Change makes the next value from the one that is live, which is nil when
// there is none; it must neither modify nor keep that slice. A zero expiry
// deletes the key; an error leaves it as it was and is returned by Update.
type Change func(old []byte) (value []byte, expires time.Time, err error)

// Add stores value under key unless a live value is there already (ErrTaken).
// Of several concurrent calls one succeeds.
func Add(ctx context.Context, s Store, key string, value []byte, expires time.Time) error {
	return s.Update(ctx, key, func(old []byte) ([]byte, time.Time, error) {
		if old != nil {
			return nil, time.Time{}, ErrTaken
		}
		return value, expires, nil
	})
}

// Take returns the value of key and deletes it. Of several concurrent calls
// one gets the value, the others ErrNotFound.
func Take(ctx context.Context, s Store, key string) ([]byte, error) {
	var taken []byte
	err := s.Update(ctx, key, func(old []byte) ([]byte, time.Time, error) {
		if old == nil {
			return nil, time.Time{}, ErrNotFound
		}
		taken = append([]byte{}, old...)
		return nil, time.Time{}, nil
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}
