package signin

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// What passes means the same to every reader: decoded and cleaned, with or
// without parameters, it stays where the gate's matcher saw it.
func FuzzTargetsThatPassMeanOneThing(f *testing.F) {
	for _, target := range []string{
		"/app/", "/a/%2e%2e/app/", "/a/..%2fapp/", "/a/..;/app/", "/%00", "/\\app", "/%5capp", "/a%2Fb", "/x/./y", "/.;a/b", "/%2e%2e;x/app",
	} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		r := &http.Request{Method: http.MethodGet, URL: u, RequestURI: target}
		if badTarget(r) != "" {
			return
		}
		if !utf8.ValidString(u.Path) || strings.ContainsAny(u.Path, "\x00\\") {
			t.Fatalf("%q passes", target)
		}
		// As a servlet container reads it: parameters go first, then dot segments.
		var plain []string
		for segment := range strings.SplitSeq(u.Path, "/") {
			name, _, _ := strings.Cut(segment, ";")
			plain = append(plain, name)
		}
		raw, _, _ := strings.Cut(target, "?")
		shown := countDotSegments(raw)
		if got := countDotSegments(strings.Join(plain, "/")); got > shown {
			t.Fatalf("%q hides %d dot segments", target, got-shown)
		}
	})
}

// Requirement G11: what Caddy's cleaning puts under the base path is ours.
func FuzzNothingUnderTheBasePathSlipsBy(f *testing.F) {
	for _, target := range []string{"/api/auth", "/api/auth/csrf", "//api/auth/csrf", "/api//auth/", "/x/../api/auth/csrf", "/api/auth/../app", "/api/authx", "/API/auth"} {
		f.Add(target)
	}
	realm := &Realm{BasePath: defaultBasePath}
	f.Fuzz(func(t *testing.T, requested string) {
		if !strings.HasPrefix(requested, "/") {
			return
		}
		action, ours := realm.actionPath(requested)
		cleaned := path.Clean(caddyhttp.CleanPath(requested, true))
		under := cleaned == defaultBasePath || strings.HasPrefix(cleaned, defaultBasePath+"/")
		if ours != under {
			t.Fatalf("%q, which is %q, is ours: %t (%q)", requested, cleaned, ours, action)
		}
	})
}
