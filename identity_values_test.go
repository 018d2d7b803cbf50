package signin

import (
	"strings"
	"testing"
)

func TestIdentityHeadersTakeEveryPlaceholder(t *testing.T) {
	names := []string{"user.claims", "user.claims.org.id"}
	for name := range userValues {
		names = append(names, "user."+name)
	}
	for name := range sessionValues {
		names = append(names, "session."+name)
	}
	for _, name := range names {
		if err := checkPlaceholders("Bearer {http.auth." + name + "}"); err != nil {
			t.Error(err)
		}
		unknown := strings.Replace(name, ".", ".x", 1)
		if err := checkPlaceholders("{http.auth." + unknown + "}"); err == nil {
			t.Errorf("{http.auth.%s} is taken", unknown)
		}
	}
}
