package flows

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestAVisitorWithoutASessionIsAnsweredInTheFormThatItCanUse(t *testing.T) {
	g := start(t, site)
	signIn := g.origin + "/api/auth/signin"
	back := signIn + "?callbackUrl=http%3A%2F%2Flocalhost%3A" + g.port + "%2Fapp%2Fx%3Fy%3D1"
	for name, tc := range map[string]struct {
		method   string
		headers  []string
		status   int
		location string
	}{
		"a page view":                   {"GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 302, back},
		"an old browser's page view":    {"GET", []string{"Accept", "text/html"}, 302, back},
		"a script's request":            {"GET", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "text/html"}, 401, ""},
		"an old script's request":       {"GET", []string{"Accept", "text/html", "X-Requested-With", "XMLHttpRequest"}, 401, ""},
		"an htmx request":               {"GET", []string{"Accept", "text/html", "HX-Request", "true"}, 401, ""},
		"a client that isn't a browser": {"GET", nil, 401, ""},
		"an upload":                     {"PUT", nil, 401, ""},
		"a frame":                       {"GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 401, ""},
		"a form":                        {"POST", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 401, ""},
	} {
		got := g.browser().send(tc.method, "/app/x?y=1", "", tc.headers...)
		if got.StatusCode != tc.status || got.Header.Get("Location") != tc.location ||
			!strings.Contains(got.Header.Get("Cache-Control"), "no-store") || got.Header.Get("Www-Authenticate") != "" {
			t.Errorf("%s: %d %v", name, got.StatusCode, got.Header)
		}
		if tc.status == 401 && !strings.Contains(got.body, signIn) {
			t.Errorf("%s is not told where to sign in: %s", name, got.body)
		}
	}
	if seen := g.echo.take(); len(seen) != 0 {
		t.Errorf("%d of them reached the upstream", len(seen))
	}
}

func TestTheUpstreamIsToldWhoTheUserIs(t *testing.T) {
	g := start(t, site)
	b := g.browser()
	b.signIn("alice")
	b.cookies["theme"] = "dark"
	b.get("/app/", "Remote-User", "mallory").want(t, 200, "", "")
	r := g.echo.take()[0]
	for name, want := range map[string]string{
		"Remote-User": "alice", "Remote-Email": "alice@example.com",
		"Remote-Name": "Alice Example", "Remote-Groups": "admins,a%2Cb", "Cookie": "theme=dark",
	} {
		if got := r.Header[name]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}

	b = g.browser()
	b.signIn("bob")
	b.get("/app/", "Remote-Email", "alice@example.com").want(t, 200, "", "")
	r = g.echo.take()[0]
	if r.Header.Get("Remote-User") != "bob" || r.Header["Remote-Email"] != nil || r.Header["Remote-Groups"] != nil {
		t.Errorf("what bob doesn't have is sent: %v", r.Header)
	}

	b.get("/open", "Remote-User", "mallory").want(t, 200, "", "")
	if r = g.echo.take()[0]; r.Header["Remote-User"] != nil {
		t.Errorf("outside of gates Remote-User is %q", r.Header["Remote-User"])
	}
}

func TestRulesAddUpAndFailWith403(t *testing.T) {
	g := start(t, site)
	alice, bob := g.browser(), g.browser()
	alice.signIn("alice")
	bob.signIn("bob")
	alice.get("/admins/").want(t, 200, "", "")
	g.echo.take()
	bob.get("/admins/").want(t, 403, "Content-Type", "application/json; charset=utf-8")
	if got := bob.page("/admins/"); got.StatusCode != 403 || !strings.Contains(got.body, "<h1") {
		t.Errorf("page: %d", got.StatusCode)
	}
	g.browser().get("/admins/").want(t, 401, "", "")
	if seen := g.echo.take(); len(seen) != 0 {
		t.Error("a refused request reached the upstream")
	}

	g.browser().get("/maybe/", "Remote-User", "mallory").want(t, 200, "", "")
	alice.get("/maybe/").want(t, 200, "", "")
	seen := g.echo.take()
	if seen[0].Header["Remote-User"] != nil || seen[1].Header.Get("Remote-User") != "alice" {
		t.Errorf("optional: %v, %v", seen[0].Header["Remote-User"], seen[1].Header["Remote-User"])
	}
}

func TestGuardedAnswersStayOutOfCaches(t *testing.T) {
	g := start(t, site)
	b := g.browser()
	b.signIn("alice")
	for query, want := range map[string]string{
		"type=text/html":                             "private, no-store",
		"type=application/json":                      "private",
		"type=text/html&cache=public,max-age=60":     "public,max-age=60",
		"type=text/html&cache=no-cache":              "no-cache",
		"type=application/javascript&cache=no-store": "no-store",
	} {
		b.get("/app/?"+query).want(t, 200, "Cache-Control", want)
	}
	got := b.get("/open?type=text/html")
	if cookies := got.Header["Set-Cookie"]; !slices.Equal(cookies, []string{"app=1"}) {
		t.Errorf("the upstream sets %q", cookies)
	}
}

func TestTheOrderOfDirectivesLetsNothingSlipBy(t *testing.T) {
	g := start(t, `http://localhost:PORT {
	root {$PWD}
	signin {
		secret SECRET
		credentials {
			alice HASH
		}
	}
	require_signin /guarded/*
	try_files {path} /gate_test.go
	rewrite /guarded/x /open
	uri strip_prefix /guarded
	file_server
}
`)
	g.browser().get("/guarded/x").want(t, 401, "", "")
	g.browser().get("/guarded").want(t, 401, "", "")
	g.browser().get("/guarded;x").want(t, 401, "", "")
	g.browser().get("/api/auth/session").want(t, 200, "Content-Type", "application/json; charset=utf-8")
}

func TestWhichRealmAGateAsks(t *testing.T) {
	g := start(t, `{
	signin {
		secret SECRET
		url http://localhost:PORT
		credentials {
			alice HASH
		}
	}
	signin staff {
		secret SECRET
		url http://localhost:PORT
		credentials {
			bob HASH
		}
	}
}
http://localhost:PORT {
	handle /staff/* {
		require_signin staff
		respond "staff {http.auth.user.id}"
	}
	handle {
		signin
		require_signin /app/*
		respond "{http.auth.user.id}"
	}
}
`)
	b := g.browser()
	b.signIn("alice")
	if got := b.get("/app/"); got.body != "credentials:alice" {
		t.Errorf("default realm: %d %q", got.StatusCode, got.body)
	}
	if got := b.get("/open"); got.body != "credentials:alice" {
		t.Errorf("placeholder on an open route: %q", got.body)
	}
	// One secret, two realms: the session does not cross.
	b.get("/staff/").want(t, 401, "", "")
}

func TestAGateWithoutARealmPassesNothingOn(t *testing.T) {
	g := start(t, "http://localhost:PORT {\n\trequire_signin\n\treverse_proxy ECHO\n}\n")
	g.browser().get("/").want(t, http.StatusInternalServerError, "", "")
	if len(g.echo.take()) != 0 {
		t.Error("the request reached the upstream")
	}
}

func TestAnUnknownHostIsRefusedByEndpointsAndGatesOnly(t *testing.T) {
	g := start(t, strings.Replace(site, "http://localhost:PORT", "http://:PORT", 1))
	for path, want := range map[string]int{"/api/auth/csrf": 421, "/app/": 421, "/open": 200} {
		r, _ := http.NewRequest("GET", "http://127.0.0.1:"+g.port+path, nil)
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "localhost:"+g.port)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, response.StatusCode, want)
		}
	}
}

func TestPlaceholdersAndIdentityHeadersOfOnesOwn(t *testing.T) {
	g := start(t, strings.Replace(site, "secret SECRET", `secret SECRET
		upstream_cookies pass
		username id
		identity_headers {
			X-Who {http.auth.user.username}
			X-Since "since {http.auth.session.auth_time} by {http.auth.user.claims.provider}"
		}`, 1))
	b := g.browser()
	b.signIn("alice")
	b.get("/app/", "X_Who", "mallory", "Remote-User", "mallory").want(t, 200, "", "")
	h := g.echo.take()[0].Header
	if h.Get("X-Who") != "credentials:alice" || !strings.HasPrefix(h.Get("X-Since"), "since 20") || !strings.HasSuffix(h.Get("X-Since"), " by credentials") {
		t.Errorf("headers: %v", h)
	}
	if h["Remote-User"] != nil || !strings.HasPrefix(h.Get("Cookie"), "next-auth.session-token=") || strings.Contains(h.Get("Cookie"), "csrf") {
		t.Errorf("headers: %v", h)
	}
}
