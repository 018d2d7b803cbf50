package signin

import (
	"path"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/realm"
)

// What Caddy's cleaning puts under the base path is answered here.
func FuzzNothingUnderTheBasePathSlipsBy(f *testing.F) {
	for _, target := range []string{"/api/auth", "/api/auth/csrf", "//api/auth/csrf", "/api//auth/", "/x/../api/auth/csrf", "/api/auth/../app", "/api/authx", "/API/auth"} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, requested string) {
		if !strings.HasPrefix(requested, "/") {
			return
		}
		action, ours := realm.ActionPath(requested, defaultBasePath)
		cleaned := path.Clean(caddyhttp.CleanPath(requested, true))
		under := cleaned == defaultBasePath || strings.HasPrefix(cleaned, defaultBasePath+"/")
		if ours != under {
			t.Fatalf("%q, which is %q, is ours: %t (%q)", requested, cleaned, ours, action)
		}
	})
}
