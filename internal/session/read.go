package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/access"
	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Session is a live session: its strategy vouches for it, its times and its
// person are fine, its provider is configured, and it has not been revoked.
type Session struct {
	Claims   authjs.Claims
	UserID   string // <provider>:<account id>, of the first account
	Username string
	Email    string // only when verified
	Due      bool   // to be renewed: old enough, sealed with an old secret, or about the user as it was
	changed  bool   // the claims are not as they were read
	token    string // of a session in the store
	handle   string // see Issued
}

// Person is what rules look at.
func (s *Session) Person() access.Person {
	return access.Person{Email: s.Email, Groups: s.Claims.Groups, Provider: s.Claims.Provider}
}

// ReadSession reads the session that a request's cookies carry into live, and
// returns that, or nil when there is none. What a stranger may have written
// there is anonymous, never an error; an error means that the store or the
// secret can't be asked.
func (s *Site) ReadSession(ctx context.Context, cookies []string, live *Session) (*Session, error) {
	received := s.CookieNames.ReadSession(cookies)
	if received.Empty() {
		return nil, nil // no session is an answer
	}
	var candidates [8]string
	now := time.Now()
	for _, token := range received.AppendTokens(candidates[:0]) {
		found, err := s.Strategy.Open(ctx, s, token, now, live)
		if err != nil {
			return nil, err
		}
		if found {
			return live, nil
		}
	}
	return nil, nil // no session is an answer
}

// Open unseals a token, and asks the store for a revocation of its session.
func (JWT) Open(ctx context.Context, s *Site, token string, now time.Time, live *Session) (bool, error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return false, err
	}
	payload, stale, err := keys.Session[s.CookieNames.Session].Open(token)
	if err != nil {
		return false, nil // what doesn't open is no session
	}
	read, err := authjs.ParseToken(payload, keys.Claims)
	if err != nil || (!read.Ours && !s.acceptForeign(&read)) {
		return false, nil // nor is what isn't a session's token
	}
	if !s.validate(read.Claims, keys, now, live) {
		return false, nil
	}
	live.Due = live.Due || stale || read.Stale || live.changed
	revoked, err := s.isRevoked(ctx, live.Claims.SID)
	return !revoked && err == nil, err
}

func (s *Site) keys(ctx context.Context) (*keys.Ring, error) { return s.Secret.Ring(ctx) }

// validate makes live the session of claims that a strategy vouches for, as their
// user is now, unless they are out of time, another realm's, or of someone who
// may not come in.
func (s *Site) validate(claims authjs.Claims, keys *keys.Ring, now time.Time, live *Session) bool {
	if claims.Realm != s.Key || claims.SID == "" || claims.Subject == "" || claims.CheckTime(now) != nil {
		return false
	}
	if !s.Limits.inTime(&claims, now) {
		return false
	}
	changed, over := s.refreshUser(&claims, keys)
	if over == stillValid {
		s.populate(live, claims)
		live.changed, live.Due = changed, s.Limits.isDue(&claims, now)
		if s.Admits(live) {
			return true
		}
		over = endedRules
	}
	s.logEnding(over, &claims)
	return false
}

// inTime checks the limits that a re-issue can't move: the absolute one counts
// from sign-in, the idle one from the last re-issue.
func (l *Limits) inTime(claims *authjs.Claims, now time.Time) bool {
	if !now.Before(claims.AuthTime.Add(l.AbsoluteMaxAge)) {
		return false
	}
	idle := l.IdleTimeout
	return idle == 0 || now.Before(claims.IssuedAt.Add(idle))
}

// isDue reports whether a session is old enough to be renewed.
func (l *Limits) isDue(claims *authjs.Claims, now time.Time) bool {
	return now.Sub(claims.IssuedAt) >= l.RenewAge
}

// refreshUser makes the claims of a session those of who its user is now, where
// the provider can say so at once. Where the session is over, because its provider
// or its user is gone or the user has another password since, it says why.
func (s *Site) refreshUser(claims *authjs.Claims, keys *keys.Ring) (changed bool, over endReason) {
	if claims.Provider == ForeignProvider {
		if !s.SecretConfigured && !s.sharesSessions() {
			return false, endedForeign
		}
		return false, stillValid
	}
	provider := s.Providers[claims.Provider]
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
		same, stale = keys.Credentials.Verify(claims.Credential, s.Key, claims.Provider, account.ID, account.Credential)
	}
	if !same {
		return false, endedPassword
	}
	if stale {
		claims.Credential = s.credential(keys, claims.Provider, account)
	}
	return applyAccount(claims, account) || stale, stillValid
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

func (m *Manager) populate(made *Session, claims authjs.Claims) {
	*made = Session{Claims: claims, UserID: UserID(&claims)}
	if claims.EmailVerified {
		made.Email = claims.Email.String()
	}
	made.Username = made.UserID
	switch m.Username {
	case "id":
	case "login":
		if claims.Login != "" {
			made.Username = claims.Login
		}
	case "email":
		if made.Email != "" {
			made.Username = made.Email
		}
	default:
		if claims.Login != "" {
			made.Username = claims.Login
		} else if made.Email != "" {
			made.Username = made.Email
		}
	}
}

// UserID is a person's id everywhere: the account that they came with first.
func UserID(claims *authjs.Claims) string {
	if claims.User != "" {
		return claims.User
	}
	return claims.Provider + ":" + claims.Subject
}

// Admits reports whether the rules of allow and deny let a session's user in.
func (m *Manager) Admits(live *Session) bool {
	return m.Admission == nil || m.Evaluate(live, nil) == access.Admitted
}

// Evaluate asks the rules about a session; account is given at sign-in. Where the
// deny rules are others than those of the sign-in, they can't be judged by what
// the session doesn't hold.
func (m *Manager) Evaluate(live *Session, account *providers.Account) access.Verdict {
	k := access.Subject{Groups: live.Claims.Groups, Provider: live.Claims.Provider}
	raw := live.Claims.Email.String()
	switch passed, lacks, _ := strings.Cut(live.Claims.DenyRules, "."); {
	case account != nil:
		addAccount(&k, account)
	case live.Claims.Provider == ForeignProvider: // NextAuth asks for no groups, and misses no address
		k.GroupsIncomplete, k.EmailIncomplete = true, raw == ""
	case passed != "" && passed != m.Admission.Fingerprint():
		k.EmailIncomplete, k.GroupsIncomplete = strings.Contains(lacks, lacksEmail), strings.Contains(lacks, lacksGroups)
	}
	// NextAuth and the store have addresses as somebody wrote them.
	if raw != "" && m.Admission.DeniesByEmail() {
		var ok bool
		if k.Email, ok = address.Normal(raw); !ok {
			k.EmailIncomplete = true
		}
	}
	return m.Admission.Evaluate(live.Person(), &k)
}

// addAccount takes in what the provider says at a sign-in and the session doesn't hold.
func addAccount(k *access.Subject, account *providers.Account) {
	k.OtherEmails, k.OtherGroups = account.OtherEmails, account.OtherGroups
	for _, lack := range account.Incomplete {
		k.EmailIncomplete = k.EmailIncomplete || lack.Attribute == providers.AttributeEmail
		k.GroupsIncomplete = k.GroupsIncomplete || lack.Attribute == providers.AttributeGroups
	}
}

// What a session may lack of its person, behind the fingerprint of the deny rules.
const (
	lacksEmail  = "e"
	lacksGroups = "g"
)

// denyRulesClaim is what the session of somebody whom the rules admit keeps of them: a
// fingerprint of the deny rules, and which parts of the person the session doesn't hold,
// so that it can't be judged by other deny rules. It is empty where the session
// holds all, or the provider is asked anew on every request.
func (m *Manager) denyRulesClaim(account *providers.Account) string {
	if account.Credential != "" {
		return ""
	}
	var lacks string
	k := new(access.Subject)
	addAccount(k, account)
	if account.Email == "" || len(k.OtherEmails) > 0 || k.EmailIncomplete {
		lacks += lacksEmail
	}
	if len(account.Groups) == 0 || len(k.OtherGroups) > 0 || k.GroupsIncomplete {
		lacks += lacksGroups
	}
	if lacks == "" {
		return ""
	}
	return m.Admission.Fingerprint() + "." + lacks
}

func (l List) revocationKey(sid string) string { return l.Key + "|revoked|" + sid }

func (l List) hasRevocation(ctx context.Context, sid string) (bool, error) {
	switch _, err := l.Store.Get(ctx, l.revocationKey(sid)); {
	case err == nil:
		return true, nil
	case errors.Is(err, sessionstore.ErrNotFound):
		return false, nil
	default:
		return false, fmt.Errorf("asking the store for a revocation: %w", err)
	}
}

// isRevoked asks whether a session has ended that is in its cookie. One that
// NextAuth issued ends with the session of ours whose sid its token names; not the other way
// round, for anyone may name it.
func (l List) isRevoked(ctx context.Context, sid string) (bool, error) {
	revoked, err := l.hasRevocation(ctx, sid)
	if named, foreign := strings.CutPrefix(sid, foreignPrefix); foreign && !revoked && err == nil {
		return l.hasRevocation(ctx, named)
	}
	return revoked, err
}
