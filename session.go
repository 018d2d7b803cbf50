package signin

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers"
)

// session is a live session: its strategy vouches for it, its times and its
// person are fine, its provider is configured, and it has not been revoked.
type session struct {
	claims   authjs.Claims
	userID   string // <provider>:<account id>, of the first account
	username string
	email    string // only when verified
	stale    bool   // sealed with an old secret, or says of the user what was
	changed  bool   // the claims are not as they were read
	token    string // of a session in the store
	handle   string // see issued
}

func (s *session) person() person {
	return person{email: s.email, groups: s.claims.Groups, provider: s.claims.Provider}
}

// readSession reads the session that a request's cookies carry into live, and
// returns that, or nil when there is none. What a stranger may have written
// there is anonymous, never an error; an error means that the store or the
// secret can't be asked.
func (s *siteSessions) readSession(ctx context.Context, cookies []string, live *session) (*session, error) {
	received := s.names.ReadSession(cookies)
	if received.Empty() {
		return nil, nil //nolint:nilnil // no session is an answer
	}
	var candidates [4]string
	now := time.Now()
	for _, token := range received.AppendTokens(candidates[:0]) {
		found, err := s.strategy.open(ctx, s, token, now, live)
		if err != nil {
			return nil, err //nolint:wrapcheck // it says what was being asked
		}
		if found {
			return live, nil
		}
	}
	return nil, nil //nolint:nilnil // no session is an answer
}

// readSessions reads every live session that a request's cookies carry: what
// ends one session of a browser must not leave another one behind, of a sibling
// host's or of an earlier configuration's making.
func (s *siteSessions) readSessions(ctx context.Context, cookies []string) ([]*session, error) {
	ctx, done := patiently(ctx)
	defer done()
	received := s.names.ReadSession(cookies)
	var all []*session
	now := time.Now()
	for _, token := range received.AppendTokens(nil) {
		live := new(session)
		switch found, err := s.strategy.open(ctx, s, token, now, live); {
		case err != nil:
			return nil, err //nolint:wrapcheck // it says what was being asked
		case found && !slices.ContainsFunc(all, func(one *session) bool { return one.claims.SID == live.claims.SID }):
			all = append(all, live)
		}
	}
	return all, nil
}

// validate makes live the session of claims that a strategy vouches for, as their
// user is now, unless they are out of time, another realm's, or of someone who
// may not come in.
func (s *siteSessions) validate(claims authjs.Claims, keys *keyring, now time.Time, live *session) bool {
	if claims.Realm != s.key || claims.SID == "" || claims.Subject == "" || claims.CheckTime(now) != nil {
		return false
	}
	if !s.inTime(&claims, now) {
		return false
	}
	changed, over := s.refreshUser(&claims, keys)
	if over == stillValid {
		s.populate(live, claims)
		live.changed = changed
		if s.admits(live) {
			return true
		}
		over = endedRules
	}
	s.logEnding(over, &claims)
	return false
}

// inTime checks the limits that a re-issue can't move: the absolute one counts
// from sign-in, the idle one from the last re-issue.
func (s *siteSessions) inTime(claims *authjs.Claims, now time.Time) bool {
	if !now.Before(claims.AuthTime.Add(s.limits.absoluteMaxAge)) {
		return false
	}
	idle := s.limits.idleTimeout
	return idle == 0 || now.Before(claims.IssuedAt.Add(idle))
}

func (s *siteSessions) newSession(claims authjs.Claims) *session {
	made := new(session)
	s.populate(made, claims)
	return made
}

func (s *siteSessions) populate(made *session, claims authjs.Claims) {
	*made = session{claims: claims, userID: userID(&claims)}
	if claims.EmailVerified {
		made.email = claims.Email.String()
	}
	made.username = made.userID
	switch s.username {
	case "id":
	case "login":
		if claims.Login != "" {
			made.username = claims.Login
		}
	case "email":
		if made.email != "" {
			made.username = made.email
		}
	default:
		if claims.Login != "" {
			made.username = claims.Login
		} else if made.email != "" {
			made.username = made.email
		}
	}
}

// newClaims returns the claims of a new session, which shares nothing with any
// session that the browser had.
func (s *siteSessions) newClaims(keys *keyring, provider string, account providers.Account) authjs.Claims {
	claims := authjs.Claims{
		Name:          authjs.TextOrMissing(account.Name),
		Email:         authjs.TextOrMissing(account.Email),
		Picture:       authjs.TextOrMissing(account.Image),
		Subject:       account.ID,
		SID:           hex.EncodeToString(randomBytes(16)),
		Realm:         s.key,
		Provider:      provider,
		EmailVerified: account.EmailVerified && account.Email != "",
		Login:         account.Login,
		Groups:        account.Groups,
		AuthTime:      time.Now(),
		Credential:    s.credential(keys, provider, &account),
	}
	claims.DenyRules = s.denyRulesClaim(&account)
	return claims
}

// extend sets the times of a session that begins or is renewed at now. It never
// outlives the absolute limit.
func (s *siteSessions) extend(claims *authjs.Claims, now time.Time) {
	claims.IssuedAt = now
	claims.NotBefore = time.Time{}
	claims.Expires = s.cookieEnds(claims, now)
}

// cookieEnds is when a cookie that is sent now expires.
func (s *siteSessions) cookieEnds(claims *authjs.Claims, now time.Time) time.Time {
	ends := now.Add(s.limits.maxAge)
	if last := claims.AuthTime.Add(s.limits.absoluteMaxAge); last.Before(ends) {
		return last
	}
	return ends
}

// needsRenewal reports whether a session is due to be renewed.
func (s *siteSessions) needsRenewal(claims *authjs.Claims, now time.Time) bool {
	return now.Sub(claims.IssuedAt) >= s.limits.renewAge
}

// signIn begins a session with these claims and enters it into the list. It
// returns the cookies that carry it. One that fails half-way leaves at most
// what nobody has the token of.
func (s *siteSessions) signIn(ctx context.Context, claims authjs.Claims, received *authjs.Received, agent string) ([]authjs.Cookie, error) {
	made, err := s.issue(ctx, claims)
	if err != nil {
		return nil, err
	}
	cookies, err := s.cookiesOf(made.token, &claims, received)
	if err != nil {
		return nil, err
	}
	e := s.entryOf(s.newSession(claims))
	e.handle, e.agent = made.handle, agent
	if err := s.record(ctx, &e); err != nil {
		return nil, err
	}
	if err := s.endIfRevoked(ctx, &e); err != nil {
		return nil, err
	}
	return cookies, nil
}

// signOut ends the session, and on demand every other one of its user too, and
// returns how many ended. This one comes last: an error on the way leaves the
// person signed in, to try again.
func (s *siteSessions) signOut(ctx context.Context, live *session, everywhere bool) (ended int, err error) {
	if everywhere {
		if ended, err = s.endAll(ctx, live.userID, live.claims.SID); err != nil {
			return ended, err
		}
	}
	if err := s.end(ctx, s.entryOf(live)); err != nil {
		return ended, err
	}
	return ended + 1, nil
}

func (s *siteSessions) issue(ctx context.Context, claims authjs.Claims) (issued, error) {
	ctx, done := patiently(ctx)
	defer done()
	return s.strategy.issue(ctx, s, claims) //nolint:wrapcheck // it says what was being done
}

// cookiesOf are the cookies that carry a token.
func (s *siteSessions) cookiesOf(token string, claims *authjs.Claims, received *authjs.Received) ([]authjs.Cookie, error) {
	cookies, err := s.names.SessionCookies(token, authjs.Cookie{Domain: s.domain, Expires: s.cookieEnds(claims, time.Now())}, received)
	if err != nil {
		return nil, fmt.Errorf("the session of %s: %w", userID(claims), err)
	}
	return cookies, nil
}

// clearSession are the cookies that make a browser forget the session cookies
// received. Where they have a Domain, those that were set without one go too:
// browsers send both, and the older first.
func (s *siteSessions) clearSession(received *authjs.Received) []authjs.Cookie {
	cleared := s.names.ClearSession(authjs.Cookie{Domain: s.domain}, received)
	if s.domain != "" {
		cleared = append(cleared, s.names.ClearSession(authjs.Cookie{}, received)...)
	}
	return cleared
}
