package signin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/pages"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// foreignProvider is the provider of sessions that NextAuth itself issued under
// the same configured secret. No configured provider can have this id.
const foreignProvider = "nextauth"

// session is a live session: its token opened, its times and its person are
// fine, its provider is configured, and it has not been revoked.
type session struct {
	claims   authjs.Claims
	userID   string // <provider>:<account id>
	username string
	email    string // only when verified
	stale    bool   // sealed with an old secret
}

func (s *session) person() person {
	return person{email: s.email, groups: s.claims.Groups, provider: s.claims.Provider}
}

func (s *session) pageUser() *pages.User {
	name := s.claims.Name.String()
	if name == "" {
		name = s.username
	}
	return &pages.User{Name: name, Email: s.claims.Email.String()}
}

// readSession returns the session that a request's cookies carry, or nil. What
// a stranger may have written there is anonymous, never an error; an error
// means that the store or the secret can't be asked.
func (s *site) readSession(ctx context.Context, cookies []string) (*session, error) {
	received := s.names.ReadSession(cookies)
	if received.Empty() {
		return nil, nil //nolint:nilnil // no session is an answer
	}
	var candidates [4]string
	tokens := received.AppendTokens(candidates[:0])
	if len(tokens) == 0 {
		return nil, nil //nolint:nilnil // no session is an answer
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, token := range tokens {
		session := s.openToken(keys, token, now)
		if session == nil {
			continue
		}
		revoked, err := s.isRevoked(ctx, session.claims.SID)
		if err != nil {
			return nil, err
		}
		if !revoked {
			return session, nil
		}
	}
	return nil, nil //nolint:nilnil // no session is an answer
}

// openToken returns the session of a token, or nil when it gives none.
func (s *site) openToken(keys *keyring, token string, now time.Time) *session {
	payload, stale, err := keys.session.Open(token)
	if err != nil {
		return nil
	}
	claims, err := authjs.ParseClaims(payload)
	if err != nil || claims.CheckTime(now) != nil {
		return nil
	}
	if claims.Realm == "" && !s.adopt(&claims) {
		return nil
	}
	if claims.Realm != s.key || claims.SID == "" || claims.Subject == "" {
		return nil
	}
	made := s.newSession(claims)
	made.stale = stale
	if !s.inTime(&claims, now) || !s.stillKnown(&claims) || !s.admits(made) {
		return nil
	}
	return made
}

// adopt makes a session of ours from the claims of a token that NextAuth itself
// issued: one that a back end with the same configured secret made. Its jti is
// its sid from now on; it has no groups and no verified address.
func (s *site) adopt(claims *authjs.Claims) bool {
	if s.realm.secrets.configured == nil || claims.IssuedAt.IsZero() {
		return false // without iat the absolute limit would never come
	}
	claims.SID = claims.ID
	if claims.SID == "" {
		claims.SID = digest("no jti", claims.Subject, claims.IssuedAt.String(), claims.Expires.String())
	}
	claims.Realm, claims.Provider = s.key, foreignProvider
	claims.AuthTime = claims.IssuedAt
	return true
}

// inTime checks the limits that a re-issue can't move: the absolute one counts
// from sign-in, the idle one from the last re-issue.
func (s *site) inTime(claims *authjs.Claims, now time.Time) bool {
	limits := &s.realm.Session
	if !now.Before(claims.AuthTime.Add(time.Duration(limits.AbsoluteMaxAge))) {
		return false
	}
	idle := time.Duration(limits.IdleTimeout)
	return idle == 0 || now.Before(claims.IssuedAt.Add(idle))
}

// stillKnown reports whether the session's provider is configured and, where
// the provider's users are configured too, knows the user.
func (s *site) stillKnown(claims *authjs.Claims) bool {
	if claims.Provider == foreignProvider {
		return s.realm.secrets.configured != nil
	}
	provider, ok := s.realm.byID[claims.Provider]
	if !ok {
		return false
	}
	roster, ok := provider.(providers.Roster)
	return !ok || roster.Knows(claims.Subject)
}

func (s *site) admits(made *session) bool {
	return s.realm.admission.admits(made.person(), made.claims.Email.String())
}

func (s *site) newSession(claims authjs.Claims) *session {
	made := &session{claims: claims, userID: claims.Provider + ":" + claims.Subject}
	if claims.EmailVerified {
		made.email = claims.Email.String()
	}
	made.username = made.userID
	switch s.realm.Username {
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
	return made
}

// signedIn returns the claims of a new session, which shares nothing with any
// session that the browser had.
func (s *site) signedIn(provider string, account providers.Account) authjs.Claims {
	return authjs.Claims{
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
	}
}

// issue seals claims anew and returns the cookies that carry them, and when
// they expire. A token never outlives the absolute limit.
func (s *site) issue(keys *keyring, claims authjs.Claims, received *authjs.Received) ([]authjs.Cookie, time.Time, error) {
	now := time.Now()
	limits := &s.realm.Session
	claims.IssuedAt = now
	claims.NotBefore = time.Time{}
	claims.Expires = now.Add(time.Duration(limits.MaxAge))
	if last := claims.AuthTime.Add(time.Duration(limits.AbsoluteMaxAge)); last.Before(claims.Expires) {
		claims.Expires = last
	}
	claims.ID = uuid.NewString()
	token := keys.session.Seal(claims.Append(nil))
	cookies, err := s.names.SessionCookies(token, authjs.Cookie{Expires: claims.Expires}, received)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("the session of %s:%s: %w", claims.Provider, claims.Subject, err)
	}
	return cookies, claims.Expires, nil
}

// Revocations. A sid stays revoked until no copy of its token can be valid.

func (s *site) revocationKey(sid string) string { return s.key + "|revoked|" + sid }

func (s *site) isRevoked(ctx context.Context, sid string) (bool, error) {
	switch _, err := s.realm.store.Get(ctx, s.revocationKey(sid)); {
	case err == nil:
		return true, nil
	case errors.Is(err, sessionstore.ErrNotFound):
		return false, nil
	default:
		return false, fmt.Errorf("asking the store for a revocation: %w", err)
	}
}

// revoke ends the session for every copy of its token, older or newer.
func (s *site) revoke(ctx context.Context, claims *authjs.Claims) error {
	until := claims.AuthTime.Add(time.Duration(s.realm.Session.AbsoluteMaxAge))
	if claims.Expires.After(until) {
		until = claims.Expires
	}
	err := s.realm.store.Put(ctx, s.revocationKey(claims.SID), []byte{1}, until.Add(authjs.Leeway))
	if err != nil {
		return fmt.Errorf("storing a revocation: %w", err)
	}
	return nil
}

// renew puts a new token into the answer when the visitor's is old enough, or
// was sealed with an old secret.
func (v *visit) renew(r *http.Request) error {
	session := v.session
	if !session.stale && time.Since(session.claims.IssuedAt) < v.realm.Session.renewAge() {
		return nil
	}
	keys, err := v.site.keys(r.Context())
	if err != nil {
		return err
	}
	received := v.site.names.ReadSession(v.cookies)
	cookies, _, err := v.site.issue(keys, session.claims, &received)
	if err != nil {
		return err
	}
	v.out.renewal = v.out.renewal[:0]
	for _, cookie := range cookies {
		v.out.renewal = append(v.out.renewal, cookie.String())
	}
	return nil
}
