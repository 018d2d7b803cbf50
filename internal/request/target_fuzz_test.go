package request

import (
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// What passes is one path to all: either Caddy's matcher and every upstream see
// it below a guarded prefix, or none does.
func FuzzTargetsThatPassMeanOneThing(f *testing.F) {
	for target := range targets {
		f.Add(target)
	}
	for _, form := range []string{
		"x:http://h/admin/x", "http://h/admin", "http://h", "http:///admin", "http:/admin", "*", "//x/admin", "/x//admin", "/%2Fx/admin",
		"/x/../admin", "/admin/../x", "/admin/%2e%2E/x", "/x/..%2fadmin", "/x/..;/admin", "/;x/admin", "/admin;x/y", "/ADMIN", "/Adm%69n/",
		"/x/.%09./admin", `/x\..\admin`, "/x:80/admin", "/admin:80", "/admin:80/x", "/admin?x:1", "/x?/admin", "/admin#", "/%61dmin%2fx",
		"/admin%3b/x", "/admin%3f/x", "/admin%23/x", `/a"/..%2fadmin`, "/x`%2f%2e/admin", "/adm\u0130n", "/\u212a", "/x%252f..%252fadmin",
	} {
		f.Add(form)
	}
	// The paths that require_signin /admin/* guards.
	guarded := caddyhttp.MatchPath{"/admin", "/admin/*", "/admin;*"}
	f.Fuzz(func(t *testing.T, target string) {
		r, err := readTarget(target)
		if err != nil {
			return
		}
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
		if BadTarget(r) != "" {
			return
		}
		gated, err := guarded.MatchWithError(r)
		if err != nil {
			t.Fatal(err)
		}
		sent := sentOn(r.URL)
		for name, parse := range urlParsers {
			read, ok := parse(sent)
			if !ok {
				continue
			}
			if !strings.HasPrefix(read, "/") {
				t.Errorf("%q passes, and %s reads %q as %q", target, name, sent, read)
			}
			for what, meant := range meanings(read) {
				if below(meant) && !gated {
					t.Errorf("%q passes the gate, and %s reads %q as %q (%s)", target, name, sent, meant, what)
				}
			}
			if gated != below(meanings(read)["normal"]) {
				t.Errorf("%q is guarded: %t, but %s reads %q as %q", target, gated, name, sent, read)
			}
		}
	})
}

// sentOn is the target that reverse_proxy sends: it clears scheme and host, and
// sets those of the upstream.
func sentOn(asked *url.URL) string {
	sent := *asked
	sent.Scheme, sent.Host = "http", "upstream:80"
	return sent.RequestURI()
}

// meanings are the paths that applications make of the one that a URL parser
// gives them.
func meanings(read string) map[string]string {
	decoded, err := url.PathUnescape(read)
	if err != nil {
		decoded = read
	}
	meant := map[string]string{"as it stands": read, "decoded": decoded}
	for _, what := range []string{"as it stands", "decoded"} {
		meant[what+", cleaned"] = path.Clean(meant[what])
		meant[what+", without parameters"] = path.Clean(withoutParameters(meant[what]))
		// To whoever decodes a path, question mark and number sign in it are data.
		again, ok := nodePath(strings.NewReplacer("?", "%3F", "#", "%23").Replace(meant[what]))
		if ok {
			meant[what+", parsed again"] = again
		}
	}
	meant["normal"] = meant["decoded, without parameters"]
	return meant
}

// withoutParameters drops them from each segment, as servlet containers do.
func withoutParameters(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}

func below(path string) bool {
	path = strings.ToLower(path)
	return path == "/admin" || strings.HasPrefix(path, "/admin/")
}
