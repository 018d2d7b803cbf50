package test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a guarded upstream's answer becomes.
func TestCachingOfGuardedAnswers(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("alice")
	for _, test := range []struct {
		name     string
		upstream http.Header
		want     string
	}{
		{"a page without caching headers", http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "private, no-store"},
		{"a page whose type is written large", http.Header{"Content-Type": {"Text/HTML"}}, "private, no-store"},
		{"a page of XHTML", http.Header{"Content-Type": {"application/xhtml+xml"}}, "private, no-store"},
		{"an answer of no type", http.Header{"Content-Type": nil}, "private, no-store"},
		{"data without caching headers", http.Header{"Content-Type": {"application/json"}}, "private"},
		{"a page that may be kept", http.Header{"Content-Type": {"text/html"}, "Cache-Control": {"private, max-age=60"}}, "private, max-age=60"},
		{"a page with Expires alone", http.Header{"Content-Type": {"text/html"}, "Expires": {"0"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), test.upstream)
				_, _ = w.Write([]byte("x"))
			})
			got := b.get("/app/")
			if cache := got.header.Get("Cache-Control"); cache != test.want {
				t.Errorf("Cache-Control is %q, want %q", cache, test.want)
			}
			if !slices.Contains(got.header["Vary"], "Cookie") {
				t.Errorf("Vary is %q", got.header["Vary"])
			}
			if open := b.get("/open"); open.header.Get("Cache-Control") != test.upstream.Get("Cache-Control") || open.header.Get("Vary") != "" {
				t.Errorf("an open path's headers were changed: %v", open.header)
			}
		})
	}
}

// Pages of a guarded folder are not shown again by Back after signing out.
func TestGuardedFiles(t *testing.T) {
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin /members/*
	root {$DIR}
	file_server
}
`)
	root := os.Getenv("DIR")
	for _, name := range []string{"index.html", "members/index.html", "members/data.json"} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stranger, b := g.browser(), g.browser().signIn("alice")
	for path, want := range map[string]string{"/members/": "private, no-store", "/members/data.json": "private"} {
		if got := stranger.get(path); got.status != http.StatusUnauthorized {
			t.Errorf("a stranger gets %s: %d", path, got.status)
		}
		got := b.get(path)
		if got.status != http.StatusOK || got.header.Get("Cache-Control") != want || !slices.Contains(got.header["Vary"], "Cookie") {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
	// What the browser has kept stays as it is when it asks anew.
	kept := b.get("/members/data.json")
	again := b.get("/members/data.json", "If-None-Match: "+kept.header.Get("Etag"))
	if again.status != http.StatusNotModified || again.header.Get("Cache-Control") != kept.header.Get("Cache-Control") {
		t.Errorf("asked anew: %d %v", again.status, again.header)
	}
	if got := stranger.get("/"); got.status != http.StatusOK || got.header.Get("Cache-Control") != "" {
		t.Errorf("an open file: %d %v", got.status, got.header)
	}
	if got := b.get("/members"); got.status/100 != 3 {
		t.Errorf("/members: %d", got.status)
	}
}

// A page view renews a token that is older than update_age (24 h), or a quarter
// of idle_timeout; nothing else does, and no shared cache may keep the answer.
func TestRenewalByPageViews(t *testing.T) {
	for _, test := range []struct {
		name, options string
		age           time.Duration
		lines         []string
		renewed       bool
	}{
		{"a page view with a token of 25 hours", "", 25 * time.Hour, navigation, true},
		{"a page view with a token of 23 hours", "", 23 * time.Hour, navigation, false},
		{"a fetch with a token of 25 hours", "", 25 * time.Hour, nil, false},
		{"a page view that a service worker fetches", "", 25 * time.Hour, []string{acceptHTML, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty"}, true},
		{"a download with a token of 25 hours", "", 25 * time.Hour, []string{"Accept: */*", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty"}, false},
		{"a shorter update_age", "session {\nupdate_age 1h\n}", 2 * time.Hour, navigation, true},
		{"a quarter of idle_timeout", "session {\nidle_timeout 8h\n}", 130 * time.Minute, navigation, true},
		{"less than a quarter of idle_timeout", "session {\nidle_timeout 8h\n}", 110 * time.Minute, navigation, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := start(t, identitySite(test.options))
			g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Cache-Control", "public, max-age=60, s-maxage=600")
				w.Header().Set("CDN-Cache-Control", "max-age=600")
				w.Header().Set("Surrogate-Control", "max-age=600")
			})
			claims := g.claimsOf()
			claims.AuthTime = time.Now().Add(-26 * time.Hour).Truncate(time.Second)
			claims.IssuedAt = time.Now().Add(-test.age)
			b := g.browser().withToken(seal(t, secret, claims))
			got := b.get("/app/", test.lines...)
			if got.status != http.StatusOK {
				t.Fatalf("status %d", got.status)
			}
			want := "200\nContent-Type: text/html\nVary: Cookie\nVia: 1.1 Caddy\n"
			if !test.renewed {
				expectAnswer(t, got, g.origin, want+"Cache-Control: public, max-age=60, s-maxage=600\n"+
					"Cdn-Cache-Control: max-age=600\nSurrogate-Control: max-age=600")
				return
			}
			expectAnswer(t, got, g.origin, want+"Cache-Control: private, max-age=60\n"+
				"Set-Cookie: next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax")
			renewed := open(t, secret, b.token())
			if renewed.SID != claims.SID || renewed.ID == claims.ID || !renewed.AuthTime.Equal(claims.AuthTime) {
				t.Errorf("the renewed token is %+v, of %+v", renewed, claims)
			}
		})
	}
}

// Requirement F10: nobody but the gateway sets the gateway's cookies, on any path.
func TestUpstreamSetsNoCookieOfOurs(t *testing.T) {
	g := start(t, onePasswordSite)
	g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Set-Cookie"] = []string{
			"app=1; Path=/", "next-auth.session-token=stolen; Path=/", "__Secure-next-auth.session-token.0=x; Path=/",
			"next-auth.csrf-token=x", " next-auth.callback-url=x", "=next-auth.session-token=x", "next-auth.state.12345678=x",
			"next-auth.session-token-x=the application's",
		}
	})
	want := []string{"app=1; Path=/", "next-auth.session-token-x=the application's"}
	b := g.browser().signIn("alice")
	for _, path := range []string{"/open", "/app/"} {
		if got := b.get(path); !slices.Equal(got.header["Set-Cookie"], want) {
			t.Errorf("%s sets %q", path, got.header["Set-Cookie"])
		}
	}
}

// Requirement F8: the application's own cookies reach the upstream as they were
// sent, the gateway's do not, or with upstream_cookies pass the session's only.
func TestCookiesOfTheUpstream(t *testing.T) {
	for options, keeps := range map[string]bool{"": false, "upstream_cookies strip": false, "upstream_cookies pass": true} {
		t.Run(options, func(t *testing.T) {
			g := start(t, identitySite(options))
			token := seal(t, secret, g.claimsOf())
			const theirs = `app="1"; next-auth.session-token-x=2; __Host-theirs=3`
			g.raw("GET /app/ HTTP/1.1",
				"Cookie: next-auth.csrf-token=c; app=\"1\"; next-auth.session-token="+token+"; next-auth.session-token-x=2; next-auth.state.12345678=s",
				"Cookie: next-auth.callback-url=u; next-auth.state.form=f; __Host-theirs=3; __Secure-next-auth.session-token=y")
			got := strings.Join(g.echo.one(t).Header["Cookie"], "; ")
			want := theirs
			if keeps {
				want = `app="1"; next-auth.session-token=` + token + "; next-auth.session-token-x=2; __Host-theirs=3; __Secure-next-auth.session-token=y"
			}
			if got != want {
				t.Errorf("the upstream got %q, want %q", got, want)
			}
			g.raw("GET /open HTTP/1.1", "Cookie: next-auth.csrf-token=c; next-auth.callback-url=u")
			if cookies := g.echo.one(t).Header["Cookie"]; len(cookies) > 0 {
				t.Errorf("the upstream got %q where nothing was left", cookies)
			}
		})
	}
}

// A gate passes on what the upstream needs to stream: flushes and upgrades.
func TestStreamsThroughAGate(t *testing.T) {
	g := start(t, onePasswordSite)
	second := make(chan struct{})
	g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: 1\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-second
		_, _ = w.Write([]byte("data: 2\n\n"))
	})
	c := g.dial()
	c.send("GET /app/ HTTP/1.1", "Host: "+g.host(), "Cookie: next-auth.session-token="+seal(t, secret, g.claimsOf()), "")
	var stream strings.Builder
	for !strings.Contains(stream.String(), "data: 1") {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			t.Fatalf("the first event did not arrive before the second was made: %v", err)
		}
		stream.WriteString(line)
	}
	close(second)
}
