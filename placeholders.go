package signin

import (
	"strings"

	"go.uber.org/zap"
)

// placeholder answers {http.auth.user.…} and {http.auth.session.…}. Where a
// documented one has no value it is null in expressions and empty in text:
// what is left as it stands would reach an upstream as if it were a name.
func (v *visit) placeholder(key string) (any, bool) {
	if v == nil {
		return nil, false
	}
	if name, ok := strings.CutPrefix(key, "http.auth.session."); ok {
		value, known := sessionValues[name]
		if !known {
			return nil, false
		}
		return v.answer(func(s *session) any { return value(s, v.accessToken) })
	}
	name, ok := strings.CutPrefix(key, "http.auth.user.")
	if !ok {
		return nil, false
	}
	if path, ok := strings.CutPrefix(name, "claims"); ok && (path == "" || path[0] == '.') {
		return v.answer(func(s *session) any { return claim(s, strings.TrimPrefix(path, ".")) })
	}
	return v.answer(userValues[name])
}

func (v *visit) answer(value func(*session) any) (any, bool) {
	if value == nil {
		return nil, false
	}
	if session := v.knownSession(); session != nil {
		return value(session), true
	}
	return nil, true
}

// knownSession looks the session up unless the request is over; then it is only
// what a gate has let through. A look-up that fails is no session: the gate is
// what fails closed.
func (v *visit) knownSession() *session {
	if v.over {
		if !v.gated {
			return nil
		}
		return v.session
	}
	session, err := v.getSession(v.request)
	if err != nil {
		return nil
	}
	return session
}

// accessToken asks the store once in a request, and never after it.
func (v *visit) accessToken(live *session) string {
	if v.over || v.tokenAsked {
		return v.token
	}
	v.tokenAsked = true
	var err error
	if v.token, err = v.site.sessions.accessToken(v.request.Context(), live); err != nil {
		v.realm.sampled.Error("a placeholder stays empty", zap.Error(err))
	}
	return v.token
}
