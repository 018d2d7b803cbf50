package test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// A gate protects every request of its block, guarded or not, with no signin.

// globalRealm is the realm default of the tests as a global option.
const globalRealm = `
	signin {
		url http://localhost:{$HTTP}
		secret {$SECRET}
		{$USERS}
	}
`

// blocks are forms in which a gate guards /g and leaves /open as it is.
var blocks = map[string]string{
	"a path":                     "require_signin /g/*\nreverse_proxy {$ECHO}",
	"an exact path":              "require_signin /g/y\nreverse_proxy {$ECHO}",
	"a named matcher":            "@g {\npath /g /g/*\n}\nrequire_signin @g\nreverse_proxy {$ECHO}",
	"an expression":              "@g expression path('/g', '/g/*')\nrequire_signin @g\nreverse_proxy {$ECHO}",
	"not":                        "@g not path /open /open/*\nrequire_signin @g\nreverse_proxy {$ECHO}",
	"the realm by its name":      "require_signin /g/* default\nreverse_proxy {$ECHO}",
	"an optional gate beside it": "require_signin /open/* {\noptional\n}\nrequire_signin /g/*\nreverse_proxy {$ECHO}",
	"in a handle":                "handle {\nrequire_signin /g/*\nreverse_proxy {$ECHO}\n}",
	"in a route":                 "route {\nrequire_signin /g/*\nreverse_proxy {$ECHO}\n}",
	"in a named route":           "invoke guarded",
	"handles behind it":          "require_signin /g/*\nhandle /g/* {\nreverse_proxy {$ECHO}\n}\nhandle {\nreverse_proxy {$ECHO}\n}",
	"in handle_errors":           "error 404\nhandle_errors {\nrequire_signin /g/*\nreverse_proxy {$ECHO}\n}",
}

func TestAGateWithoutSignInChecksTargets(t *testing.T) {
	for name, block := range blocks {
		t.Run(name, func(t *testing.T) {
			g := startGlobal(t, globalRealm, "&(guarded) {\nrequire_signin /g/*\nreverse_proxy {$ECHO}\n}\nhttp://:{$HTTP} {\n"+block+"\n}\n")
			g.echo.take() // what start asked
			for _, target := range []string{"/;x/g/y", "/g%00", "/open%00", "/g/%2e%2e/x", "/open/..%5cg/y", "/open/%2e%2e/g/y", "/open/..;/g/y", "/%ff"} {
				if got := g.raw("GET " + target + " HTTP/1.1"); got.status != http.StatusBadRequest {
					t.Errorf("%s: status %d, want 400", target, got.status)
				}
				g.echo.none(t)
			}
			for path, want := range map[string]int{"/g/y": 401, "/open": 200} {
				if got := g.raw("GET " + path + " HTTP/1.1"); name != "in handle_errors" && got.status != want {
					t.Errorf("%s: status %d, want %d", path, got.status, want)
				}
				if n := len(g.echo.take()); n > 0 != (want == http.StatusOK) {
					t.Errorf("%s: %d requests reached the upstream", path, n)
				}
			}
		})
	}
}

func TestAGateWithoutSignInCleansOpenRequests(t *testing.T) {
	for name, block := range blocks {
		t.Run(name, func(t *testing.T) {
			g := startGlobal(t, globalRealm, "&(guarded) {\nrequire_signin /g/*\nreverse_proxy {$ECHO}\n}\nhttp://:{$HTTP} {\n"+block+"\n}\n")
			g.echo.take() // what start asked
			g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Set-Cookie", "next-auth.session-token=stolen; Path=/")
			})
			for _, lines := range [][]string{
				{"Remote-User: forged"},
				{"Remote.User: forged"},
				{"X-Signin-Assertion: forged"},
				{"Connection: Remote-User, Remote.Email"},
				{"Cookie: next-auth.session-token=forged"},
				{"Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: forged"},
			} {
				got := g.raw(append([]string{"GET /open/x HTTP/1.1"}, lines...)...)
				seen := g.echo.one(t)
				if name := forgedIn(seen); name != "" || strings.Contains(seen.Header.Get("Connection"), "emote") || seen.Header.Get("Upgrade") != "" {
					t.Errorf("%v: the upstream gets %v", lines, seen.Header)
				}
				if len(got.header["Set-Cookie"]) > 0 {
					t.Errorf("the upstream sets %q", got.header["Set-Cookie"])
				}
			}
			c := g.dial()
			c.send("POST /open HTTP/1.1", "Host: "+g.host(), "Transfer-Encoding: chunked", "Trailer: X-Sum", "", "4", "body", "0", "X-Sum: 1\r\nRemote-User: forged", "")
			c.answer()
			if seen := g.echo.one(t); forgedIn(seen) != "" || seen.Trailer.Get("X-Sum") != "1" {
				t.Errorf("the trailers are %v", seen.Trailer)
			}
		})
	}
}

// To a method matcher post is not POST, and to FastCGI it is.
func TestMethodsInLowerCaseDoNotPassAGate(t *testing.T) {
	g := startGlobal(t, globalRealm, "http://:{$HTTP} {\n@g {\npath /g /g/*\nmethod POST\n}\nrequire_signin @g\nreverse_proxy {$ECHO}\n}\n")
	g.echo.take()
	for line, want := range map[string]int{
		"POST /g/x": 401, "post /g/x": 400, "Post /g/x": 400, "GET /g/x": 200, "PROPFIND /g/x": 200,
	} {
		if got := g.raw(line+" HTTP/1.1", "Content-Length: 0"); got.status != want {
			t.Errorf("%s: status %d, want %d", line, got.status, want)
		}
		if n := len(g.echo.take()); n > 0 != (want == http.StatusOK) {
			t.Errorf("%s: %d requests reached the upstream", line, n)
		}
	}
}

// With an empty path the home page is asked for, which matchers of paths don't know.
func TestAnEmptyPathIsTheHomePage(t *testing.T) {
	g := startGlobal(t, globalRealm, "http://:{$HTTP} {\nrequire_signin /*\nreverse_proxy {$ECHO}\n}\n")
	if got := g.raw("GET http://localhost HTTP/1.1", "Host: "+g.host()); got.status != http.StatusUnauthorized && got.status != http.StatusMisdirectedRequest {
		t.Errorf("status %d", got.status)
	}
	g.echo.none(t)
}

// A gate that finds no realm refuses what it guards, and cleans what it doesn't.
func TestAGateWithoutARealmCleansOpenRequests(t *testing.T) {
	g := start(t, "http://:{$HTTP} {\nrequire_signin /g/*\nreverse_proxy {$ECHO}\n}\n")
	g.echo.take()
	for target, want := range map[string]int{"/g/x": 500, "/open": 200, "/open%00": 400} {
		got := g.raw("GET "+target+" HTTP/1.1", "Remote-User: forged", "Connection: Upgrade", "Upgrade: h2c")
		if got.status != want {
			t.Errorf("%s: status %d, want %d", target, got.status, want)
		}
		for _, seen := range g.echo.take() {
			if want != http.StatusOK || forgedIn(seen) != "" || seen.Header.Get("Upgrade") != "" {
				t.Errorf("%s: the upstream gets %v", target, seen.Header)
			}
		}
	}
}

// Whether the request is guarded can't be known: it goes nowhere, not to the
// routes of handle_errors either.
func TestAMatcherThatFailsShutsTheGate(t *testing.T) {
	g := startGlobal(t, globalRealm, `
http://:{$HTTP} {
	@g expression {http.request.header.X-Level} > 5
	require_signin @g
	reverse_proxy {$ECHO}
	handle_errors {
		reverse_proxy {$ECHO}
	}
}
`)
	if got := g.raw("GET /x HTTP/1.1", "X-Level: high"); got.status != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", got.status)
	}
	g.echo.none(t)
	g.waitForLog("of the matcher", func(line logLine) bool {
		message, _ := line["msg"].(string)
		return strings.HasPrefix(message, "a gate stays shut because a matcher")
	})
}

// The realm that let somebody pass stays the request's, whatever gates of other
// realms stand around that don't guard it.
func TestAGateLeavesRequestsOfOthersAlone(t *testing.T) {
	g := startGlobal(t, globalRealm+"signin staff {\nurl http://localhost:{$HTTP}\nsecret {$SECRET}\nidentity_headers {\nX-Staff {http.auth.user.id}\n}\n{$USERS}\n}\n", `
http://:{$HTTP} {
	require_signin /first/* staff
	require_signin /me/*
	require_signin /staff/* staff
	header {
		X-Id "{http.auth.user.id}"
		defer
	}
	reverse_proxy {$ECHO}
}
`)
	g.echo.take()
	token := func(realm string) string {
		claims := g.claimsOf()
		claims.Realm = realm
		return seal(t, secret, claims)
	}
	for path, realm := range map[string]string{"/me/": "default", "/staff/": "staff", "/first/": "staff"} {
		got := g.browser().withToken(token(realm)).get(path, "X-Staff: forged", "Remote-User: forged")
		if got.status != http.StatusOK || got.header.Get("X-Id") != "credentials:1" {
			t.Errorf("%s: status %d as %q", path, got.status, got.header.Get("X-Id"))
			continue
		}
		seen := g.echo.one(t)
		user, staff := seen.Header["Remote-User"], seen.Header["X-Staff"]
		if realm == "default" && (!slices.Equal(user, []string{"alice"}) || len(staff) > 0) ||
			realm == "staff" && (len(user) > 0 || !slices.Equal(staff, []string{"credentials:1"})) {
			t.Errorf("%s: the upstream is told %q and %q", path, user, staff)
		}
		if len(seen.Header["Cookie"]) > 0 || got.header.Get("Cache-Control") != "private" {
			t.Errorf("%s: the upstream gets %q, the answer has %v", path, seen.Header["Cookie"], got.header)
		}
	}
}

// A gate that guards decides about the session cookie, whatever gates of other
// realms stand before it, but for what one of them has taken out.
func TestCookiesOfGatesOfSeveralRealms(t *testing.T) {
	realm := func(name, cookies string) string {
		return "signin " + name + " {\nurl http://localhost:{$HTTP}\nsecret {$SECRET}\nupstream_cookies " + cookies + "\n{$USERS}\n}\n"
	}
	g := startGlobal(t, realm("keeps", "strip")+realm("shares", "pass"), `
http://:{$HTTP} {
	require_signin /shares/* shares
	require_signin /keeps/* keeps
	reverse_proxy {$ECHO}
}
`)
	g.echo.take()
	for name, cookies := range map[string]int{"shares": 1, "keeps": 0} {
		claims := g.claimsOf()
		claims.Realm = name
		g.browser().withToken(seal(t, secret, claims)).get("/" + name + "/")
		if got := g.echo.one(t).Header["Cookie"]; len(got) != cookies {
			t.Errorf("%s: the upstream gets %q", name, got)
		}
	}
}

// A rewrite in between makes another target, which is checked again.
func TestATargetIsCheckedAgainWhereItWasRewritten(t *testing.T) {
	g := startGlobal(t, globalRealm, `
http://:{$HTTP} {
	signin
	route {
		uri replace "__" "%5c"
		require_signin /g/*
		reverse_proxy {$ECHO}
	}
}
`)
	for target, want := range map[string]int{"/open/..__g/y": 400, "/open/x": 200, "/g/y": 401} {
		if got := g.raw("GET " + target + " HTTP/1.1"); got.status != want {
			t.Errorf("%s: status %d, want %d", target, got.status, want)
		}
	}
}

// In JSON matchers may stand in the gate, as the Caddyfile writes them, or in its
// route, which leaves the rest of the site as it is: that is told.
func TestJSONGatesThatLeaveAPartUncleanAreTold(t *testing.T) {
	g := startGlobal(t, globalRealm, "http://:{$HTTP} {\nrespond ok\n}\n")
	const match = `"match": [{"path": ["/g", "/g/*"]}]`
	for name, test := range map[string]struct {
		routes string
		told   bool
	}{
		"the gate matches":        {`{"handle": [{"handler": "require_signin", ` + match + `}]}`, false},
		"its route matches":       {`{` + match + `, "handle": [{"handler": "require_signin"}]}`, true},
		"behind a signin":         {`{"handle": [{"handler": "signin"}]}, {` + match + `, "handle": [{"handler": "require_signin"}]}`, false},
		"behind a gate that does": {`{"handle": [{"handler": "require_signin", ` + match + `}]}, {` + match + `, "handle": [{"handler": "require_signin"}]}`, false},
		"a route for all":         {`{"match": [{"path": ["/*"]}], "handle": [{"handler": "require_signin"}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(g.logs())
			config := fmt.Sprintf(`{"admin": {"disabled": true, "config": {"persist": false}}, "storage": {"module": "file_system", "root": %q},
				"logging": {"logs": {"default": {"writer": {"output": "file", "filename": %q}, "encoder": {"format": "json"}}}}, "apps": {
				"signin": {"realms": {"default": {"url": "http://localhost", "providers": [{"provider": "credentials", "users": [{"username": "alice", "password": %q}]}]}}},
				"http": {"servers": {"one": {"listen": ["127.0.0.1:%d"], "automatic_https": {"disable": true}, "routes": [%s,
					{"handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": %q}]}]}]}}}}}`,
				os.Getenv("STORAGE"), g.logFile, passwordHash(), g.port, test.routes, g.echo.address())
			if err := g.loadJSON([]byte(config)); err != nil {
				t.Fatal(err)
			}
			g.echo.take()
			told := 0
			for _, line := range g.logs()[before:] {
				if message, _ := line["msg"].(string); strings.Contains(message, "came through no signin") {
					told++
				}
			}
			if told != map[bool]int{true: 1}[test.told] {
				t.Errorf("told %d times", told)
			}
			g.raw("GET /open HTTP/1.1", "Remote-User: forged")
			for _, seen := range g.echo.take() {
				if forged := forgedIn(seen) != ""; forged != test.told {
					t.Errorf("what was forged reaches the upstream: %t", forged)
				}
			}
		})
	}
}
