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

// Requirement F2: one normal form for every spelling that an upstream may fold.
func TestSpellingsOfAHeaderName(t *testing.T) {
	names := newHeaderNames("Remote-User", "X-Auth-Request-Preferred-Username")
	for name, ours := range map[string]bool{
		"Remote-User": true, "remote-user": true, "REMOTE-USER": true, "Remote_User": true, "remote.user": true,
		"Remote User": true, "Remote\x00User": true, "Remote\xffUser": true, "X_Auth_Request_Preferred_Username": true,
		"Remote-Users": false, "RemoteUser": false, "Remote--User": false, "-Remote-User": false, "": false,
		strings.Repeat("x", 200): false, "Remote-User" + strings.Repeat("-", 100): false,
	} {
		if names.has(name) != ours {
			t.Errorf("%q is ours: %t", name, names.has(name))
		}
	}
}

func FuzzIdentityHeadersAreStripped(f *testing.F) {
	f.Add("Remote-User", "Connection", "close, remote-user")
	f.Add("x", "Te", ",,Remote_User,")
	f.Add("Remote.User", "Keep-Alive", "")
	names := newHeaderNames("Remote-User", "X-Signin-Assertion")
	f.Fuzz(func(t *testing.T, name, list, value string) {
		r := &http.Request{
			Header:  http.Header{name: {"forged"}, list: {value, value}, "X-App": {"1"}},
			Trailer: http.Header{name: {"forged"}, "X-Checksum": {"1"}},
			Body:    http.NoBody,
		}
		stripIdentity(r, names)
		for _, header := range []http.Header{r.Header, r.Trailer} {
			for left := range header {
				if names.has(left) {
					t.Fatalf("%q is left", left)
				}
			}
		}
		for _, hop := range hopByHopLists {
			for _, line := range r.Header[hop] {
				if listHas(line, names) {
					t.Fatalf("%s: %q is left", hop, line)
				}
			}
		}
		if name != "X-App" && list != "X-App" && r.Header.Get("X-App") != "1" {
			t.Fatal("a header of the application's is gone")
		}
	})
}

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
