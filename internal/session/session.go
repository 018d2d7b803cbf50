package session

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/deadline"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/providers"
)

// ReadSessions reads every live session that a request's cookies carry: what
// ends one session of a browser must not leave another one behind, of a sibling
// host's or of an earlier configuration's making.
func (s *Site) ReadSessions(ctx context.Context, cookies []string) ([]*Session, error) {
	ctx, done := deadline.Step(ctx)
	defer done()
	received := s.CookieNames.ReadSession(cookies)
	var all []*Session
	now := time.Now()
	for _, token := range received.AppendTokens(nil) {
		live := new(Session)
		switch found, err := s.Strategy.Open(ctx, s, token, now, live); {
		case err != nil:
			return nil, err
		case found && !slices.ContainsFunc(all, func(one *Session) bool { return one.Claims.SID == live.Claims.SID }):
			all = append(all, live)
		}
	}
	return all, nil
}

// NewSession is the session of claims, of which nothing is checked.
func (m *Manager) NewSession(claims authjs.Claims) *Session {
	made := new(Session)
	m.populate(made, claims)
	return made
}

// NewClaims returns the claims of a new session, which shares nothing with any
// session that the browser had.
func (s *Site) NewClaims(ring *keys.Ring, provider string, account providers.Account) authjs.Claims {
	claims := authjs.Claims{
		Name:          authjs.TextOrMissing(account.Name),
		Email:         authjs.TextOrMissing(account.Email),
		Picture:       authjs.TextOrMissing(account.Image),
		Subject:       account.ID,
		SID:           hex.EncodeToString(keys.RandomBytes(16)),
		Realm:         s.Key,
		Provider:      provider,
		EmailVerified: account.EmailVerified && account.Email != "",
		Login:         account.Login,
		Groups:        account.Groups,
		AuthTime:      time.Now(),
		Credential:    s.credential(ring, provider, &account),
	}
	claims.DenyRules = s.denyRulesClaim(&account)
	return claims
}

// SignIn begins a session with these claims and enters it into the list. It
// returns the cookies that carry it. One that fails half-way leaves at most
// what nobody has the token of.
func (s *Site) SignIn(ctx context.Context, claims authjs.Claims, received *authjs.Received, agent string) ([]authjs.Cookie, error) {
	made, err := s.issue(ctx, claims)
	if err != nil {
		return nil, err
	}
	cookies, err := s.CookiesOf(made.Token, &claims, received)
	if err != nil {
		return nil, err
	}
	e := s.EntryOf(s.NewSession(claims))
	e.handle, e.Agent = made.handle, agent
	if err := s.record(ctx, &e); err != nil {
		return nil, err
	}
	if err := s.endIfRevoked(ctx, &e); err != nil {
		return nil, err
	}
	return cookies, nil
}

// SignOut ends the session, and on demand every other one of its user too, and
// returns how many ended. This one comes last: an error on the way leaves the
// person signed in, to try again.
func (s *Site) SignOut(ctx context.Context, live *Session, everywhere bool) (ended int, err error) {
	if everywhere {
		if ended, err = s.endAll(ctx, live.UserID, live.Claims.SID); err != nil {
			return ended, err
		}
	}
	if err := s.End(ctx, s.EntryOf(live)); err != nil {
		return ended, err
	}
	return ended + 1, nil
}

func (s *Site) issue(ctx context.Context, claims authjs.Claims) (Issued, error) {
	ctx, done := deadline.Step(ctx)
	defer done()
	return s.Strategy.issue(ctx, s, claims)
}

// CookiesOf are the cookies that carry a token.
func (s *Site) CookiesOf(token string, claims *authjs.Claims, received *authjs.Received) ([]authjs.Cookie, error) {
	cookies, err := s.CookieNames.SessionCookies(token, authjs.Cookie{Domain: s.Domain, Expires: s.Limits.cookieEnds(claims, time.Now())}, received)
	if err != nil {
		return nil, fmt.Errorf("the session of %s: %w", UserID(claims), err)
	}
	if s.Domain != "" && received.Repeated() { // the host's own, of before cookie_domain
		cookies = append(cookies, s.CookieNames.ClearSession(authjs.Cookie{}, received)...)
	}
	return cookies, nil
}

// ClearSession are the cookies that make a browser forget the session cookies
// received. Where they have a Domain, those that were set without one go too:
// browsers send both, and the older first.
func (s *Site) ClearSession(received *authjs.Received) []authjs.Cookie {
	cleared := s.CookieNames.ClearSession(authjs.Cookie{Domain: s.Domain}, received)
	if s.Domain != "" {
		cleared = append(cleared, s.CookieNames.ClearSession(authjs.Cookie{}, received)...)
	}
	return cleared
}
