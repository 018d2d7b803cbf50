package flow

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/internal/request"
	"github.com/caddy-signin/caddy-signin/internal/session"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// seenLife is how long a person may stay away and still not be new, where no
// store keeps people.
const seenLife = 400 * 24 * time.Hour

// completeSignIn ends a sign-in by anything but a password. begunIn is the session in
// which it was started, if any: an account that is new is linked to its user. A
// person's first sign-in leads over the new_user page.
func completeSignIn(c *Call, account providers.Account, begunIn string) error {
	claims := c.site.Sessions.NewClaims(c.keys, c.provider, account)
	logIncomplete(c, &claims, &account)
	if why := c.site.Sessions.Evaluate(c.site.Sessions.NewSession(claims), &account); why != access.Admitted {
		return denyAccess(c, http.StatusOK, &claims, why, &account)
	}
	first, err := findOrCreateUser(c, &claims, account, begunIn)
	switch {
	case errors.Is(err, sessionstore.ErrNotLinked):
		logRefusedUser(c, err)
		return c.fail(http.StatusOK, authjs.CodeOAuthAccountNotLinked)
	case errors.Is(err, sessionstore.ErrNotCreated):
		logRefusedUser(c, err)
		if accountType(c) == sessionstore.EmailAccount {
			return c.fail(http.StatusOK, authjs.CodeEmailCreateAccount)
		}
		return c.fail(http.StatusOK, authjs.CodeOAuthCreateAccount)
	case err != nil:
		return c.unavailable(err)
	}
	if why := c.site.Sessions.Evaluate(c.site.Sessions.NewSession(claims), &account); why != access.Admitted { // deny counts the stored address too
		return denyAccess(c, http.StatusOK, &claims, why, &account)
	}
	if page := c.endpoints.Pages.NewUser; first && page != "" {
		c.callbackURL = redirect.AddQuery(page, "callbackUrl", c.callbackURL)
	}
	return startSession(c, claims)
}

// denyAccess refuses a person whom the rules don't let in.
func denyAccess(c *Call, status int, claims *authjs.Claims, why access.Verdict, account *providers.Account) error {
	c.realm.Logger.Info("sign-in refused by allow or deny", zap.String("user", session.UserID(claims)), zap.String("why", string(why)),
		zap.Bool("email_verified", claims.EmailVerified), incompleteField(account), zap.String("reference", request.Reference(c.r)))
	return c.fail(status, authjs.CodeAccessDenied)
}

// logIncomplete is for whoever wonders why a rule doesn't see an address or a group.
func logIncomplete(c *Call, claims *authjs.Claims, account *providers.Account) {
	if len(account.Incomplete) > 0 {
		c.realm.Logger.Debug("the rules don't see all that the provider may know of a person",
			zap.String("user", session.UserID(claims)), incompleteField(account), zap.String("reference", request.Reference(c.r)))
	}
}

// incompleteField tells the log what is missing of a person, and why.
func incompleteField(account *providers.Account) zap.Field {
	if len(account.Incomplete) == 0 {
		return zap.Skip()
	}
	return zap.Stringers("incomplete", account.Incomplete)
}

func logRefusedUser(c *Call, err error) {
	c.realm.Logger.Warn("a sign-in failed at the store of users", zap.String("provider", c.provider),
		zap.String("reference", request.Reference(c.r)), zap.Error(err))
}

// accountType is what the provider's accounts are of, as GET providers tells it
// and the user table has it.
func accountType(c *Call) string { return string(c.realm.ByID[c.provider].Info().Type) }

// findOrCreateUser reports whether a person is new. Where the store keeps people, it finds
// or makes the account's user, and makes the claims theirs.
func findOrCreateUser(c *Call, claims *authjs.Claims, account providers.Account, begunIn string) (first bool, err error) {
	users, ok := c.realm.Store.(sessionstore.Users)
	if !ok {
		return isFirstSignIn(c, claims)
	}
	current, err := linkTarget(c, begunIn)
	if err != nil {
		return false, err
	}
	key := sessionstore.AccountKey{Provider: c.provider, ID: account.ID}
	sealed, err := tokensToStore(c, key, account.Tokens)
	if err != nil {
		return false, err
	}
	ctx, done := deadline.Step(c.r.Context())
	defer done()
	user, err := users.SignIn(ctx, sessionstore.Account{
		AccountKey: key,
		Type:       accountType(c),
		Name:       account.Name, Email: account.Email, Image: account.Image,
		EmailVerified: account.EmailVerified,
		Tokens:        sealed,
		Current:       current,
	})
	if err != nil {
		return false, fmt.Errorf("account %s:%s: %w", c.provider, account.ID, err)
	}
	claims.User = session.UserID(claims)
	c.realm.Sessions.TakeUser(claims, &user)
	if user.New || user.Linked {
		c.realm.Logger.Info("stored an account", zap.String("user", session.UserID(claims)), zap.String("account", c.provider+":"+account.ID),
			zap.Bool("new", user.New), zap.Bool("linked", user.Linked))
	}
	return user.New, nil
}

// tokensToStore seals the tokens of an account that signs in; nil leaves what is
// stored.
func tokensToStore(c *Call, key sessionstore.AccountKey, tokens *providers.Tokens) ([]byte, error) {
	if tokens == nil {
		return nil, nil
	}
	sealed, err := session.SealTokens(c.keys, key, tokens)
	if errors.Is(err, session.ErrTokensTooLong) {
		c.realm.Logger.Warn(err.Error(), zap.String("provider", key.Provider))
		return nil, nil
	}
	return sealed, err
}

// linkTarget is the first account of the user whom a new account joins: the one
// who is signed in and began this sign-in. A sign-in that another session
// began, or none, links nothing: somebody else may have chosen the account.
func linkTarget(c *Call, begunIn string) (none sessionstore.AccountKey, err error) {
	if accountType(c) == sessionstore.EmailAccount { // a user by the address alone
		return none, nil
	}
	live, err := c.rs.Session(c.r)
	if err != nil || live == nil {
		return none, err
	}
	if live.Claims.SID != begunIn {
		c.realm.Logger.Info("a sign-in links no account, because it was not begun in the session that the browser has now",
			zap.String("provider", c.provider), zap.String("user", live.UserID), zap.String("reference", request.Reference(c.r)))
		return none, nil
	}
	// Who signed in by a password, or comes from NextAuth, is no stored user.
	provider, id, _ := strings.Cut(live.Claims.User, ":")
	return sessionstore.AccountKey{Provider: provider, ID: id}, nil
}

// linkingSession is the session that a sign-in begins in, where its account may
// be linked: empty for none.
func linkingSession(c *Call) (sid string, err error) {
	if _, ok := c.realm.Store.(sessionstore.Users); !ok {
		return "", nil
	}
	live, err := c.rs.Session(c.r)
	if err != nil || live == nil {
		return "", err
	}
	return live.Claims.SID, nil
}

// isFirstSignIn reports whether a person is new as far as a store remembers that
// keeps no people.
func isFirstSignIn(c *Call, claims *authjs.Claims) (first bool, err error) {
	if c.endpoints.Pages.NewUser == "" {
		return false, nil
	}
	key := c.site.Key + "|seen|" + keys.Digest(claims.Provider, claims.Subject)
	ctx, done := deadline.Step(c.r.Context())
	defer done()
	err = c.realm.Store.Update(ctx, key, func(old []byte) ([]byte, time.Time, error) {
		first = old == nil
		return []byte{1}, time.Now().Add(seenLife), nil
	})
	if err != nil {
		return false, fmt.Errorf("asking the store whether a person is new: %w", err)
	}
	return first, nil
}
