package signin

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

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
// accessToken asks for the access token that the provider gave last.
var sessionValues = map[string]func(s *session, accessToken func(*session) string) any{
	"id":           func(s *session, _ func(*session) string) any { return s.claims.SID },
	"provider":     func(s *session, _ func(*session) string) any { return s.claims.Provider },
	"auth_time":    func(s *session, _ func(*session) string) any { return s.claims.AuthTime.UTC().Format(time.RFC3339) },
	"expires":      func(s *session, _ func(*session) string) any { return s.claims.Expires.UTC().Format(time.RFC3339) },
	"access_token": func(s *session, accessToken func(*session) string) any { return accessToken(s) },
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

// claim returns a claim of the session token by its dotted path, or nil.
func claim(s *session, path string) any {
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
