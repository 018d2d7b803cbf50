package signin

import (
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
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
func (s *siteSessions) logEnding(why endReason, claims *authjs.Claims) {
	if !s.endings.first(claims.SID) {
		return
	}
	fields := []zap.Field{zap.String("user", userID(claims)), zap.String("realm", s.realm)}
	if why == endedRules {
		fields = append(fields, zap.String("why", string(s.evaluate(s.newSession(*claims), nil))))
	}
	s.sampled.Info(string(why), fields...)
}
