package realm

import (
	"strings"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/identity"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// placeholder answers {http.auth.user.…} and {http.auth.session.…}. Where a
// documented one has no value it is null in expressions and empty in text:
// what is left as it stands would reach an upstream as if it were a name.
func (rs *Request) placeholder(key string) (any, bool) {
	if rs == nil {
		return nil, false
	}
	if name, ok := strings.CutPrefix(key, "http.auth.session."); ok {
		return rs.answer(identity.SessionValue(name, rs.accessToken))
	}
	name, ok := strings.CutPrefix(key, "http.auth.user.")
	if !ok {
		return nil, false
	}
	if path, ok := strings.CutPrefix(name, "claims"); ok && (path == "" || path[0] == '.') {
		return rs.answer(func(s *session.Session) any { return identity.Claim(s, strings.TrimPrefix(path, ".")) })
	}
	return rs.answer(identity.UserValue(name))
}

func (rs *Request) answer(value func(*session.Session) any) (any, bool) {
	if value == nil {
		return nil, false
	}
	if session := rs.knownSession(); session != nil {
		return value(session), true
	}
	return nil, true
}

// knownSession looks the session up unless the request is over; then it is only
// what a gate has let through. A look-up that fails is no session: the gate is
// what fails closed.
func (rs *Request) knownSession() *session.Session {
	if rs.done {
		if !rs.admitted {
			return nil
		}
		return rs.session
	}
	session, err := rs.Session(rs.request)
	if err != nil {
		return nil
	}
	return session
}

// accessToken asks the store once in a request, and never after it.
func (rs *Request) accessToken(live *session.Session) string {
	if rs.done || rs.tokenAsked {
		return rs.token
	}
	rs.tokenAsked = true
	var err error
	if rs.token, err = rs.site.Sessions.AccessToken(rs.request.Context(), live); err != nil {
		rs.Realm.Sampled.Error("a placeholder stays empty", zap.Error(err))
	}
	return rs.token
}
