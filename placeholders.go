package signin

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/nearest"
)

// userValues are the placeholders {http.auth.user.<name>}. A session gives each
// of them a value, empty where there is none, so that expressions only see null
// for visitors who are not signed in.
var userValues = map[string]func(*session) any{
	"id":       func(s *session) any { return s.userID },
	"username": func(s *session) any { return s.username },
	"email":    func(s *session) any { return s.email },
	"name":     func(s *session) any { return s.claims.Name.String() },
	"image":    func(s *session) any { return s.claims.Picture.String() },
	"groups":   func(s *session) any { return groupList(s.claims.Groups) },
	"provider": func(s *session) any { return s.claims.Provider },
}

// sessionValues are the placeholders {http.auth.session.<name>}.
var sessionValues = map[string]func(*visit, *session) any{
	"id":           func(_ *visit, s *session) any { return s.claims.SID },
	"provider":     func(_ *visit, s *session) any { return s.claims.Provider },
	"auth_time":    func(_ *visit, s *session) any { return s.claims.AuthTime.UTC().Format(time.RFC3339) },
	"expires":      func(_ *visit, s *session) any { return s.claims.Expires.UTC().Format(time.RFC3339) },
	"access_token": func(v *visit, s *session) any { return v.accessToken(s) },
}

var identityPlaceholder = regexp.MustCompile(`\{http\.auth\.(user|session)\.([^{}.]+)[^{}]*\}`)

// checkPlaceholders refuses placeholders of a person or a session that don't
// exist: they would be empty for everybody.
func checkPlaceholders(template string) error {
	known := map[string][]string{
		"user":    append(slices.Sorted(maps.Keys(userValues)), "claims"),
		"session": slices.Sorted(maps.Keys(sessionValues)),
	}
	for _, found := range identityPlaceholder.FindAllStringSubmatch(template, -1) {
		of, name := found[1], found[2]
		if slices.Contains(known[of], name) {
			continue
		}
		near := nearest.Names(name, known[of])
		if len(near) == 0 {
			near = known[of]
		}
		return fmt.Errorf("unknown placeholder %s: after http.auth.%s. write %s", found[0], of, strings.Join(near, " or "))
	}
	return nil
}

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
		return v.answer(func(s *session) any { return value(v, s) })
	}
	name, ok := strings.CutPrefix(key, "http.auth.user.")
	if !ok {
		return nil, false
	}
	if path, ok := strings.CutPrefix(name, "claims"); ok && (path == "" || path[0] == '.') {
		return v.answer(func(s *session) any { return s.claim(strings.TrimPrefix(path, ".")) })
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

// claim returns a claim of the session token by its dotted path, or nil.
func (s *session) claim(path string) any {
	all, err := s.claims.Map()
	if err != nil {
		return nil
	}
	var value any = all
	for path != "" {
		members, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		// A name may hold dots itself (https://example.com/roles): try it whole first.
		if whole, ok := members[path]; ok {
			return whole
		}
		var name string
		name, path, _ = strings.Cut(path, ".")
		value = members[name]
	}
	return value
}
