package session

import (
	"net/url"
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// endReason is why a live session is over without anybody having ended it: because
// of what the configuration, or a users' file, says now. It is a line of the log.
type endReason string

const (
	stillValid    endReason = ""
	endedProvider endReason = "a session has ended: its provider is no longer configured"
	endedUser     endReason = "a session has ended: its user is no longer configured"
	endedPassword endReason = "a session has ended: its user's password was changed"
	endedForeign  endReason = "a session has ended: NextAuth issued it, and the realm no longer shares a secret or tables with NextAuth"
	endedRules    endReason = "a session has ended: allow and deny no longer let its user in"
)

// credential tells in a session which password it began with, to nobody but the
// gateway: it is empty where the provider doesn't keep passwords.
func (s *Site) credential(keys *keys.Ring, provider string, account *providers.Account) string {
	if account.Credential == "" {
		return ""
	}
	return keys.Credentials.Sum(s.Key, provider, account.ID, account.Credential)
}

// TakeUser makes the claims those of a stored user: NextAuth's sub, name and
// image. The address stays the one that this sign-in attests, for the rules and
// the upstream go by it; where there is none, the stored one is shown, unverified.
// An application that shares the tables may write any account into them; one of
// a provider that checks passwords is nobody's, for those are never stored.
func (m *Manager) TakeUser(claims *authjs.Claims, user *sessionstore.User) {
	claims.Subject = user.Row
	if user.First != (sessionstore.AccountKey{}) && !m.checksPasswords(user.First.Provider) {
		claims.User = user.First.Provider + ":" + user.First.ID
	}
	if user.Name != "" {
		claims.Name = authjs.TextOf(user.Name)
	}
	if isPicture(user.Image) {
		claims.Picture = authjs.TextOf(user.Image)
	}
	if claims.Email.String() == "" && user.Email != "" {
		claims.Email, claims.EmailVerified = authjs.TextOf(user.Email), false
	}
}

func (m *Manager) checksPasswords(id string) bool {
	provider := m.Providers[id]
	return provider != nil && provider.Info().Type == providers.TypeCredentials
}

// maxPicture is the longest address of a picture that goes into a session, in
// bytes: other programs write it, and a cookie has 4 KB.
const maxPicture = 2048

// isPicture takes web addresses only, as the providers do: pages show pictures, and
// an address of another scheme may run a script or hold the picture itself.
func isPicture(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(address) <= maxPicture
}

// loggedEndings are the sessions of which the log has been told, since browsers send
// the cookie of one that is over again and again.
type loggedEndings struct {
	mu   sync.Mutex
	sids map[string]struct{}
}

// maxEndingsTold bounds what is remembered. Beyond it a line may come again.
const maxEndingsTold = 1024

// first reports whether a session is new here.
func (e *loggedEndings) first(sid string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, told := e.sids[sid]; told {
		return false
	}
	if e.sids == nil || len(e.sids) >= maxEndingsTold {
		e.sids = make(map[string]struct{})
	}
	e.sids[sid] = struct{}{}
	return true
}

// logEnding tells the operator, once, why a session is over.
func (m *Manager) logEnding(why endReason, claims *authjs.Claims) {
	if !m.endings.first(claims.SID) {
		return
	}
	fields := []zap.Field{zap.String("user", UserID(claims)), zap.String("realm", m.Realm)}
	if why == endedRules {
		fields = append(fields, zap.String("why", string(m.Evaluate(m.NewSession(*claims), nil))))
	}
	m.Sampled.Info(string(why), fields...)
}
