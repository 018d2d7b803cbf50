package session

import (
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// Limits say how long sessions live.
type Limits struct {
	MaxAge         time.Duration // without being renewed
	AbsoluteMaxAge time.Duration // from sign-in, however often it is renewed
	RenewAge       time.Duration // from when on a page view renews a session
	IdleTimeout    time.Duration // between renewals; 0: no such limit
}

// extend sets the times of a session that begins or is renewed at now. It never
// outlives the absolute limit.
func (l *Limits) extend(claims *authjs.Claims, now time.Time) {
	claims.IssuedAt = now
	claims.NotBefore = time.Time{}
	claims.Expires = l.cookieEnds(claims, now)
}

// cookieEnds is when a cookie that is sent now expires.
func (l *Limits) cookieEnds(claims *authjs.Claims, now time.Time) time.Time {
	ends := now.Add(l.MaxAge)
	if last := claims.AuthTime.Add(l.AbsoluteMaxAge); last.Before(ends) {
		return last
	}
	return ends
}

// lastEnd is when the last token of a session is over. A token that NextAuth
// issued may outlive the absolute limit that we set.
func (l *Limits) lastEnd(claims *authjs.Claims) time.Time {
	ends := claims.AuthTime.Add(l.AbsoluteMaxAge)
	if claims.Expires.After(ends) {
		return claims.Expires
	}
	return ends
}

// recordEnds is when a session that is not renewed is over.
func (l *Limits) recordEnds(claims *authjs.Claims) time.Time {
	if idle := l.IdleTimeout; idle > 0 && claims.IssuedAt.Add(idle).Before(claims.Expires) {
		return claims.IssuedAt.Add(idle)
	}
	return claims.Expires
}

// sharedRecordEnds is when the record beside a session goes. The application may
// extend the session as it likes, and what the record says must hold as long.
func (l *Limits) sharedRecordEnds(claims *authjs.Claims) time.Time {
	return l.lastEnd(claims).Add(l.MaxAge)
}
