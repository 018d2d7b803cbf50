package signin

import (
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// sessionLimits say how long sessions live.
type sessionLimits struct {
	maxAge         time.Duration // without being renewed
	absoluteMaxAge time.Duration // from sign-in, however often it is renewed
	renewAge       time.Duration // from when on a page view renews a session
	idleTimeout    time.Duration // between renewals; 0: no such limit
}

// inTime checks the limits that a re-issue can't move: the absolute one counts
// from sign-in, the idle one from the last re-issue.
func (l *sessionLimits) inTime(claims *authjs.Claims, now time.Time) bool {
	if !now.Before(claims.AuthTime.Add(l.absoluteMaxAge)) {
		return false
	}
	idle := l.idleTimeout
	return idle == 0 || now.Before(claims.IssuedAt.Add(idle))
}

// extend sets the times of a session that begins or is renewed at now. It never
// outlives the absolute limit.
func (l *sessionLimits) extend(claims *authjs.Claims, now time.Time) {
	claims.IssuedAt = now
	claims.NotBefore = time.Time{}
	claims.Expires = l.cookieEnds(claims, now)
}

// cookieEnds is when a cookie that is sent now expires.
func (l *sessionLimits) cookieEnds(claims *authjs.Claims, now time.Time) time.Time {
	ends := now.Add(l.maxAge)
	if last := claims.AuthTime.Add(l.absoluteMaxAge); last.Before(ends) {
		return last
	}
	return ends
}

// needsRenewal reports whether a session is due to be renewed.
func (l *sessionLimits) needsRenewal(claims *authjs.Claims, now time.Time) bool {
	return now.Sub(claims.IssuedAt) >= l.renewAge
}

// lastEnd is when the last token of a session is over. A token that NextAuth
// issued may outlive the absolute limit that we set.
func (l *sessionLimits) lastEnd(claims *authjs.Claims) time.Time {
	ends := claims.AuthTime.Add(l.absoluteMaxAge)
	if claims.Expires.After(ends) {
		return claims.Expires
	}
	return ends
}

// recordEnds is when a session that is not renewed is over.
func (l *sessionLimits) recordEnds(claims *authjs.Claims) time.Time {
	if idle := l.idleTimeout; idle > 0 && claims.IssuedAt.Add(idle).Before(claims.Expires) {
		return claims.IssuedAt.Add(idle)
	}
	return claims.Expires
}

// sharedRecordEnds is when the record beside a session goes. The application may
// extend the session as it likes, and what the record says must hold as long.
func (l *sessionLimits) sharedRecordEnds(claims *authjs.Claims) time.Time {
	return l.lastEnd(claims).Add(l.maxAge)
}
