package identity

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/nearest"
	"github.com/caddy-signin/caddy-signin/internal/session"
)

// userValues are the placeholders {http.auth.user.<name>}. A session gives each
// of them a value, empty where there is none, so that expressions only see null
// for visitors who are not signed in.
var userValues = map[string]func(*session.Session) any{
	"id":       func(s *session.Session) any { return s.UserID },
	"username": func(s *session.Session) any { return s.Username },
	"email":    func(s *session.Session) any { return s.Email },
	"name":     func(s *session.Session) any { return s.Claims.Name.String() },
	"image":    func(s *session.Session) any { return s.Claims.Picture.String() },
	"groups":   func(s *session.Session) any { return groupList(s.Claims.Groups) },
	"provider": func(s *session.Session) any { return s.Claims.Provider },
}

// sessionValues are the placeholders {http.auth.session.<name>}.
// accessToken asks for the access token that the provider gave last.
var sessionValues = map[string]func(s *session.Session, accessToken func(*session.Session) string) any{
	"id":       func(s *session.Session, _ func(*session.Session) string) any { return s.Claims.SID },
	"provider": func(s *session.Session, _ func(*session.Session) string) any { return s.Claims.Provider },
	"auth_time": func(s *session.Session, _ func(*session.Session) string) any {
		return s.Claims.AuthTime.UTC().Format(time.RFC3339)
	},
	"expires": func(s *session.Session, _ func(*session.Session) string) any {
		return s.Claims.Expires.UTC().Format(time.RFC3339)
	},
	"access_token": func(s *session.Session, accessToken func(*session.Session) string) any { return accessToken(s) },
}

// UserValue returns what gives the placeholder {http.auth.user.<name>} its value, or
// nil where there is no such placeholder.
func UserValue(name string) func(*session.Session) any { return userValues[name] }

// SessionValue is UserValue for {http.auth.session.<name>}. accessToken asks for the
// access token that the provider gave last.
func SessionValue(name string, accessToken func(*session.Session) string) func(*session.Session) any {
	value, ok := sessionValues[name]
	if !ok {
		return nil
	}
	return func(s *session.Session) any { return value(s, accessToken) }
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

// Claim returns a claim of the session token by its dotted path, or nil.
func Claim(s *session.Session, path string) any {
	all, err := s.Claims.Map()
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
