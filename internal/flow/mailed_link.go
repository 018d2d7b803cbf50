package flow

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// mailedLink is what a link proves: that its holder reads the mail of address.
// Its hash binds the token to the realm, the public address of its endpoints, the
// provider and the mail address, so that it is good for nothing else, and what is
// stored opens nothing.
type mailedLink struct {
	store    sessionstore.Store
	realmKey string
	base     string // of the endpoints
	provider string
	address  string
	token    string // 64 hex digits
}

// linkDigits is the length of a token: 256 bits in hex.
const linkDigits = 64

func isLinkToken(token string) bool {
	raw, err := hex.DecodeString(token)
	return err == nil && len(token) == linkDigits && hex.EncodeToString(raw) == token
}

func (l mailedLink) hash(key []byte) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{l.realmKey, l.base, l.provider, l.address, l.token} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

func (l mailedLink) storeKey(hash string) string { return l.realmKey + "|link|" + hash }

// remember stores the link until it expires.
func (l mailedLink) remember(ctx context.Context, linkKeys keys.LinkKeys, expires time.Time) error {
	ctx, done := deadline.Step(ctx)
	defer done()
	hash := l.hash(linkKeys[0])
	var err error
	if tokens, ok := l.store.(sessionstore.VerificationTokens); ok {
		err = tokens.PutToken(ctx, l.address, hash, expires)
	} else {
		err = l.store.Put(ctx, l.storeKey(hash), []byte{1}, expires)
	}
	if err != nil {
		return fmt.Errorf("storing a mailed link: %w", err)
	}
	return nil
}

// spend uses the link up, or returns sessionstore.ErrNotFound when it is not one
// that works: unknown, used, expired, or another address's. Of several at once
// one succeeds, and a wrong guess spends nothing.
func (l mailedLink) spend(ctx context.Context, linkKeys keys.LinkKeys) error {
	ctx, done := deadline.Step(ctx)
	defer done()
	for _, key := range linkKeys {
		err := l.take(ctx, l.hash(key))
		if err == nil {
			return nil
		}
		if !errors.Is(err, sessionstore.ErrNotFound) {
			return fmt.Errorf("spending a mailed link: %w", err)
		}
	}
	return sessionstore.ErrNotFound
}

func (l mailedLink) take(ctx context.Context, hash string) error {
	if tokens, ok := l.store.(sessionstore.VerificationTokens); ok {
		return tokens.TakeToken(ctx, l.address, hash)
	}
	_, err := sessionstore.Take(ctx, l.store, l.storeKey(hash))
	return err
}
