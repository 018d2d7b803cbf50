package test

import (
	"net/http"
	"strings"
	"testing"
)

// Which realm a gate asks: its own name's, else the one that signin set earlier
// in the request, else the global default.
func TestRealmOfAGate(t *testing.T) {
	g := startGlobal(t, `
	signin {
		url http://localhost:{$HTTP}
		secret {$SECRET}
		credentials {
			dora `+passwordHash()+`
		}
	}
	signin staff {
		url http://localhost:{$HTTP}
		secret {$SECRET}
		credentials {
			sam `+passwordHash()+`
		}
	}
`, `
http://:{$HTTP} {
	handle /default/* {
		require_signin
		respond "{http.auth.user.username}"
	}
	handle /staff/* {
		require_signin staff
		respond "{http.auth.user.username}"
	}
	handle /signin-staff/* {
		signin staff
		require_signin
		respond "{http.auth.user.username}"
	}
	handle /in-place/* {
		signin {
			secret {$SECRET}
			credentials {
				ida `+passwordHash()+`
			}
		}
		require_signin
		respond "{http.auth.user.username}"
	}
	handle /staff-behind-default/* {
		signin
		require_signin staff
		respond "{http.auth.user.username}"
	}
	handle /both/* {
		signin
		require_signin
		require_signin /both/staff* staff
		respond "{http.auth.user.username}"
	}
}
`)
	token := func(realm, user string) string {
		claims := g.claimsOf()
		claims.Realm, claims.Subject, claims.Login = realm, user, user
		return seal(t, secret, claims)
	}
	tokens := map[string]string{
		"dora": token("default", "dora"), "sam": token("staff", "sam"), "ida": token(g.origin, "ida"),
	}
	for path, admitted := range map[string]string{
		"/default/": "dora", "/staff/": "sam", "/signin-staff/": "sam", "/in-place/": "ida",
		"/staff-behind-default/": "sam", "/both/": "dora", "/both/staff": "",
	} {
		for user, token := range tokens {
			got := g.browser().withToken(token).get(path)
			passes := user == admitted
			if (got.status == http.StatusOK) != passes || (passes && got.body != user) {
				t.Errorf("%s at %s: %d %q, want to pass: %t", user, path, got.status, got.body, passes)
			}
		}
	}
}

// A gate that finds no realm stays shut, and the log says what to do.
func TestGateWithoutARealm(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	require_signin
	reverse_proxy {$ECHO}
}
`)
	if got := g.browser().get("/x"); got.status != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", got.status)
	}
	g.echo.none(t)
	g.waitForLog("with the advice", func(line logLine) bool {
		text, _ := line["error"].(string)
		message, _ := line["msg"].(string)
		return strings.Contains(text+message, "add a signin block to this site")
	})
}

// The order of directives: a gate at the top of a site sees the path that was
// asked for, whatever stands around it, and no fallback swallows the endpoints.
func TestRewritesDoNotOpenAGate(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	file_server
	try_files {path} /index.html
	uri strip_prefix /app
	rewrite /app/rewritten /open
	rewrite /open/alias /app/rewritten-to
	method /app/* GET
	root {$DIR}
	require_signin /app/*
	signin {
		secret {$SECRET}
		{$USERS}
	}
	reverse_proxy /open* {$ECHO}
	reverse_proxy /rewritten* {$ECHO}
}
`)
	b := g.browser()
	for _, path := range []string{"/app/rewritten", "/app/x", "/app/", "/app", "/app;x", "/app//x"} {
		if got := b.do(http.MethodPost, path, ""); got.status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", path, got.status)
		}
	}
	g.echo.none(t)
	if got := b.get("/api/auth/session"); got.body != "{}" {
		t.Errorf("GET session is answered %d %q: a fallback swallowed it", got.status, got.body)
	}
	b.signIn("alice")
	if got := b.get("/app/rewritten"); got.status != http.StatusOK || g.echo.one(t).URI != "/open" {
		t.Errorf("the rewrite behind the gate does not work: %d", got.status)
	}
}

// As documented: a rewrite of the operator's from an open path to a guarded one
// opens it; the gate inside the handle does not.
func TestRewriteIntoAGuardedPath(t *testing.T) {
	const site = `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	OUTSIDE
	rewrite /open /app/page
	handle /app/* {
		INSIDE
		reverse_proxy {$ECHO}
	}
}
`
	g := start(t, strings.NewReplacer("OUTSIDE", "require_signin /app/*", "INSIDE", "").Replace(site))
	if got := g.browser().get("/open"); got.status != http.StatusOK {
		t.Errorf("a gate outside: status %d, but the documentation says that the rewrite opens it", got.status)
	}
	g.reload("", strings.NewReplacer("OUTSIDE", "", "INSIDE", "require_signin").Replace(site))
	if got := g.browser().get("/open"); got.status != http.StatusUnauthorized {
		t.Errorf("a gate inside the handle: status %d, want 401", got.status)
	}
}

// Inside handle, handle_path and route a gate sees the path as it is there.
func TestPositionsOfAGate(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	handle_path /strip/* {
		require_signin /app/*
		reverse_proxy {$ECHO}
	}
	handle /handle/* {
		require_signin
		reverse_proxy {$ECHO}
	}
	handle /route/* {
		route {
			rewrite /route/a /route/b
			require_signin /route/b
			reverse_proxy {$ECHO}
		}
	}
	handle {
		handle /nested/* {
			handle {
				require_signin
				reverse_proxy {$ECHO}
			}
		}
		reverse_proxy {$ECHO}
	}
}
`)
	for path, status := range map[string]int{
		"/strip/app/x": 401, "/strip/app": 401, "/strip/x": 200, "/app/x": 200,
		"/handle/x": 401, "/route/a": 401, "/route/b": 401, "/route/c": 200, "/nested/x": 401, "/x": 200,
	} {
		if got := g.browser().get(path); got.status != status {
			t.Errorf("%s: status %d, want %d", path, got.status, status)
		}
		if n := len(g.echo.take()); (n == 1) != (status == 200) {
			t.Errorf("%s: %d requests reached the upstream", path, n)
		}
	}
	b := g.browser().signIn("alice")
	if got := b.get("/strip/app/x"); got.status != 200 || g.echo.one(t).URI != "/app/x" {
		t.Errorf("behind handle_path: status %d", got.status)
	}
}

// require_signin /x/* guards /x and /x;… too, in any case and with any slashes;
// what merely begins alike stays open.
func TestPrefixOfAGate(t *testing.T) {
	g := start(t, onePasswordSite)
	for path, status := range map[string]int{
		"/app": 401, "/app/": 401, "/app/x/y": 401, "/app;v=1": 401, "/app;v=1/x": 401, "/APP/x": 401, "/app//x": 401,
		"/App": 401, "/app/../app/x": 400, "//app/x": 400, "/%61pp": 401, "/app%2fx": 401,
		"/apple": 200, "/application/x": 200, "/x/app/": 200, "/": 200, "/x?/app/": 200,
	} {
		if got := g.raw("GET " + path + " HTTP/1.1"); got.status != status {
			t.Errorf("%s: status %d, want %d", path, got.status, status)
		}
	}
}

// Requirement H3: a host that no matcher of this server names is refused by
// endpoints and gates, and by nothing else.
func TestUnknownHosts(t *testing.T) {
	g := start(t, strings.ReplaceAll(onePasswordSite, "http://:{$HTTP}", "http://named.example.com:{$HTTP}, http://*.wild.example.com:{$HTTP}")+
		onePasswordSite)
	port := g.host()[len("localhost"):]
	for _, test := range []struct {
		host  string
		known bool
	}{
		{"localhost" + port, true},
		{"127.0.0.1" + port, true},
		{"sub.localhost" + port, true},
		{"named.example.com" + port, true},
		{"NAMED.example.com" + port, true},
		{"one.wild.example.com" + port, true},
		{"named.example.com", true}, // the default port
		{"evil.example" + port, false},
		{"wild.example.com" + port, false},
		{".wild.example.com" + port, false},
		{"a.b.wild.example.com" + port, false},
		{"named.example.com.evil.example" + port, false},
		{"named.example.com:1", false},
		{"named.example.com:99999", false},
		{"named.example.com:x", false},
		{"localhost.evil.example" + port, false},
		{"ho_st.wild.example.com" + port, true},
	} {
		t.Run(test.host, func(t *testing.T) {
			open := g.raw("GET /open HTTP/1.1", "Host: "+test.host)
			session := g.raw("GET /api/auth/csrf HTTP/1.1", "Host: "+test.host)
			gate := g.raw("GET /app/ HTTP/1.1", "Host: "+test.host, acceptHTML)
			wantSession, wantGate := http.StatusOK, http.StatusFound
			if !test.known {
				wantSession, wantGate = http.StatusMisdirectedRequest, http.StatusMisdirectedRequest
			}
			if strings.HasSuffix(test.host, ":99999") || strings.HasSuffix(test.host, ":x") {
				if open.status == http.StatusBadRequest { // net/http refuses it
					return
				}
			}
			if open.status != http.StatusOK || session.status != wantSession || gate.status != wantGate {
				t.Errorf("an open path answers %d, csrf %d, a gate %d; want 200, %d, %d",
					open.status, session.status, gate.status, wantSession, wantGate)
			}
			if !test.known && strings.Contains(session.body+gate.body+gate.header.Get("Location"), "evil") {
				t.Error("the host is reflected")
			}
		})
	}
	g.waitForLog("that says to set url", func(line logLine) bool {
		message, _ := line["msg"].(string)
		return strings.Contains(message, "set url in the signin block")
	})
}
