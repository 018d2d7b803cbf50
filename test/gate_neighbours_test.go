package test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Caddy's other directives around a gate.

// What was made with a look at the session must not be shown to somebody else:
// caches are told that it depends on the cookie.
func TestAnswersThatDependOnTheSessionVary(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	@somebody expression {http.auth.user.id} != null
	require_signin /optional/* {
		optional
	}
	require_signin /admins/* {
		group admins
		optional
	}
	handle /text/* {
		respond "hello {http.auth.user.name}"
	}
	handle /expression/* {
		respond @somebody "in"
		respond "out"
	}
	handle {
		reverse_proxy {$ECHO}
	}
}
`)
	g.echo.answerWith(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/varies") {
			w.Header().Set("Vary", "Accept, cookie")
		}
		w.Header().Set("Cache-Control", "public, max-age=60")
	})
	for user, b := range map[string]*browser{"alice": g.browser().signIn("alice"), "bob": g.browser().signIn("bob"), "nobody": g.browser()} {
		for path, want := range map[string][]string{
			"/optional/": {"Cookie"}, "/optional/varies": {"Accept, cookie"}, "/admins/": {"Cookie"},
			"/text/": {"Cookie"}, "/expression/": {"Cookie"}, "/open": nil,
		} {
			if got := b.get(path); !slices.Equal(got.header["Vary"], want) {
				t.Errorf("%s asks for %s: Vary is %q, want %q", user, path, got.header["Vary"], want)
			}
		}
	}
}

// A page of handle_errors stands for a guarded one and may name the person.
func TestErrorPagesOfGuardedRequests(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin /app/*
	handle /app/down {
		reverse_proxy 127.0.0.1:1
	}
	handle {
		error 404
	}
	handle_errors {
		respond "no page for {http.auth.user.name}"
	}
}
`)
	b := g.browser().signIn("alice")
	for path, status := range map[string]int{"/app/x": http.StatusNotFound, "/app/down": http.StatusBadGateway} {
		got := b.get(path)
		if got.status != status || got.body != "no page for Alice Example" {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
		if got.header.Get("Cache-Control") != "private, no-store" || !slices.Equal(got.header["Vary"], []string{"Cookie"}) {
			t.Errorf("%s: the headers are %v", path, got.header)
		}
	}
	if got := b.get("/open"); got.header.Get("Cache-Control") != "" || got.header.Get("Vary") != "" || got.body != "no page for " {
		t.Errorf("an open path: %q %v", got.body, got.header)
	}
}

// Routes of handle_errors may have a gate of their own, and are cleaned by it.
func TestGateInHandleErrors(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	handle /app/* {
		signin {
			secret {$SECRET}
			{$USERS}
		}
		require_signin
		error 404
	}
	handle {
		error 404
	}
	handle_errors {
		signin {
			secret {$SECRET}
			{$USERS}
		}
		require_signin /app/*
		reverse_proxy {$ECHO}
	}
}
`)
	g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "next-auth.session-token=stolen")
		w.Header().Set("Content-Type", "text/html")
	})
	claims := g.claimsOf()
	b := g.browser().withToken(seal(t, secret, claims))
	got := b.get("/app/x", "Remote-User: forged")
	if user := g.echo.one(t).Header["Remote-User"]; !slices.Equal(user, []string{"alice"}) {
		t.Errorf("a guarded error page: the upstream is told %q", user)
	}
	if len(got.header["Set-Cookie"]) > 0 || got.header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("a guarded error page: the headers are %v", got.header)
	}
	b.get("/open", "Remote-User: forged")
	if user := g.echo.one(t).Header["Remote-User"]; len(user) > 0 {
		t.Errorf("an open error page: the upstream is told %q", user)
	}
}

// Requirement F10 holds for what comes before the answer as well.
func TestEarlyHintsSetNoCookieOfOurs(t *testing.T) {
	g := start(t, onePasswordSite)
	g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</app.css>; rel=preload; as=style")
		w.Header()["Set-Cookie"] = []string{"next-auth.session-token=stolen; Path=/", "app=1"}
		w.WriteHeader(http.StatusEarlyHints)
	})
	for _, path := range []string{"/app/", "/open"} {
		var hints textproto.MIMEHeader
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(_ int, header textproto.MIMEHeader) error { hints = header; return nil },
		})
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.origin+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: plain.Session, Value: seal(t, secret, g.claimsOf())})
		resp, err := g.browser().client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // empty
		resp.Body.Close()
		if hints.Get("Link") == "" || !slices.Equal(hints["Set-Cookie"], []string{"app=1"}) {
			t.Errorf("%s: the hints are %v", path, hints)
		}
	}
}

// All directives of a named route count, wherever it is invoked.
func TestGateInANamedRoute(t *testing.T) {
	const guarded = "\nhttp://localhost:{$HTTP} {\n\tinvoke guarded\n\treverse_proxy {$ECHO}\n}\n"
	const realm = "signin {\nsecret {$SECRET}\n{$USERS}\n}\n"
	for name, route := range map[string]string{
		"signin and a gate":          realm + "require_signin",
		"and something before":       "header X-Named yes\n" + realm + "require_signin",
		"and the upstream":           realm + "require_signin\nreverse_proxy {$ECHO}",
		"and a gate with a matcher":  realm + "require_signin /app/*",
		"and a gate with rules":      realm + "require_signin {\ngroup staff\n}",
		"in a route of its own":      "route {\n" + realm + "require_signin\n}",
		"behind a handle of its own": "handle {\n" + realm + "require_signin\nreverse_proxy {$ECHO}\n}",
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, "&(guarded) {\n"+route+"\n}\n"+guarded)
			if got := g.browser().get("/app/"); got.status != http.StatusUnauthorized {
				t.Errorf("a stranger gets %d %q", got.status, got.body)
			}
			g.echo.none(t)
			if got := g.browser().signIn("alice").get("/app/"); got.status != http.StatusOK || got.body != "upstream" {
				t.Errorf("alice gets %d %q", got.status, got.body)
			}
		})
	}
}

// As documented: httpInclude of a template asks with the headers that an
// upstream would get, so a guarded part needs upstream_cookies pass.
func TestTemplatesThatIncludeGuardedParts(t *testing.T) {
	for options, status := range map[string]int{"": http.StatusInternalServerError, "upstream_cookies pass": http.StatusOK} {
		t.Run(options, func(t *testing.T) {
			g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
		`+options+`
	}
	require_signin /app/*
	root {$DIR}
	templates
	file_server
}
`)
			for name, text := range map[string]string{
				"page.html": `page with {{httpInclude "/app/part.html"}}`, "app/part.html": `{{placeholder "http.auth.user.username"}}'s part`,
			} {
				file := filepath.Join(os.Getenv("DIR"), name)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := g.browser().signIn("alice").get("/page.html")
			if got.status != status || (status == http.StatusOK && got.body != "page with alice's part") {
				t.Errorf("%d %q", got.status, got.body)
			}
		})
	}
}

// Directives before a gate may pass on writers of any kind, some by value.
func TestGatesBehindWrappedWriters(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	intercept {
		@lost status 404
		handle_response @lost {
			respond "own 404" 404
		}
	}
	push
	handle /app/* {
		require_signin
		reverse_proxy {$ECHO}
	}
	handle {
		require_signin /members/*
		respond "home"
	}
}
`)
	stranger, alice := g.browser(), g.browser().signIn("alice")
	for path, want := range map[string]int{"/app/": http.StatusUnauthorized, "/members/x": http.StatusUnauthorized, "/open": http.StatusOK} {
		if got := stranger.get(path); got.status != want {
			t.Errorf("a stranger gets %s: %d %s", path, got.status, got.body)
		}
		if got := alice.get(path); got.status != http.StatusOK {
			t.Errorf("alice gets %s: %d %s", path, got.status, got.body)
		}
	}
}
