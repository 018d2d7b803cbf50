package signin

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/providers/credentials"
)

// What a configuration took, it gives back, loaded or not.
func TestAConfigurationGivesBackWhatItTook(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	users := `[{"provider":"credentials","users":[{"username":"alice","password":"` + credentials.DemoPasswordHash + `"}]}]`
	for name, test := range map[string]struct {
		module, config string
		loads          bool
	}{
		"a realm of a site":              {"http.handlers.signin", `{"config":{"url":"http://localhost:1234","providers":` + users + `}}`, true},
		"one that fails half-way":        {"http.handlers.signin", `{"config":{"url":"http://localhost:1234","providers":` + users + `,"secrets":["{env.NO_SUCH_SECRET}"]}}`, false},
		"one that fails early":           {"http.handlers.signin", `{"config":{"url":"no such"}}`, false},
		"realms of the global options":   {"signin", `{"realms":{"one":{"providers":` + users + `},"two":{"providers":` + users + `}}}`, true},
		"one of them that fails":         {"signin", `{"realms":{"one":{"providers":` + users + `},"two":{"providers":[]}}}`, false},
		"a realm that nobody configured": {"signin", `{"realms":{"one":null}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, err := caddy.ProvisionContext(&caddy.Config{})
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := ctx.LoadModuleByID(test.module, json.RawMessage(test.config))
			if (err == nil) != test.loads {
				t.Fatal(err)
			}
			if cleaner, ok := loaded.(caddy.CleanerUpper); ok && test.loads {
				if err := cleaner.Cleanup(); err != nil {
					t.Error(err)
				}
			}
			for _, key := range []string{"http://localhost:1234", "one", "two"} {
				if count, held := streamPool.References(key); held {
					t.Errorf("%d references to the streams of %s are left", count, key)
				}
			}
		})
	}
}
