package test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// forgedIn returns where a request that reached the upstream holds what a
// client forged.
func forgedIn(seen received) string {
	for _, header := range []http.Header{seen.Header, seen.Trailer} {
		for name, values := range header {
			if strings.Contains(strings.Join(values, ","), "forged") {
				return name
			}
		}
	}
	return ""
}

// Requirements F1 to F3: no spelling of an identity header reaches the upstream,
// and no list makes the proxy drop the real one.
func TestForgedIdentityHeaders(t *testing.T) {
	g := start(t, identitySite(`identity_headers remote {
				X-Auth-User {http.auth.user.id}
			}`))
	cookie := "Cookie: next-auth.session-token=" + seal(t, secret, g.claimsOf())
	for _, lines := range [][]string{
		{"Remote-User: forged"},
		{"remote-user: forged", "REMOTE-USER: forged", "Remote-user: forged"},
		{"Remote_User: forged"},
		{"Remote.User: forged"},
		{"rEmOtE!uSeR: forged"},
		{"Remote~User: forged"},
		{"X-Auth-User: forged"},
		{"X_Auth_User: forged"},
		{"X.Auth.User: forged"},
		{"X-Auth.User: forged"},
		{"Remote-Email: forged", "Remote-Groups: forged", "Remote-Name: forged"},
		{"X-Signin-Assertion: forged"},
		{"X_Signin_Assertion: forged"},
		{"Connection: Remote-User", "Remote-User: forged"},
		{"Connection: keep-alive, remote-user , X-App", "X-App: 1"},
		{"Connection: x-auth-user", "Connection: Remote-Email, Remote.User, Remote_Groups"},
		{"Proxy-Connection: Remote-User"},
		{"Keep-Alive: Remote-User"},
		{"TE: Remote-User"},
		{"Connection: TE, Remote-User", "TE: trailers, Remote-User"},
		{"Trailer: Remote-User", "Remote-User: forged"},
	} {
		t.Run(strings.Join(lines, " / "), func(t *testing.T) {
			for _, path := range []string{"/open", "/app/"} {
				c := g.dial()
				c.send(slices.Concat([]string{"GET " + path + " HTTP/1.1", "Host: " + g.host(), cookie}, lines, []string{""})...)
				if got := c.answer(); got.status != http.StatusOK {
					t.Fatalf("%s: status %d", path, got.status)
				}
				seen := g.echo.one(t)
				if name := forgedIn(seen); name != "" {
					t.Errorf("%s: %s reached the upstream", path, name)
				}
				told := identity(seen.Header)
				if path == "/open" && len(told) > 0 {
					t.Errorf("%s: the upstream is told %v", path, told)
				}
				if path == "/app/" && (!slices.Equal(told["Remote-User"], []string{"alice"}) ||
					!slices.Equal(told["X-Auth-User"], []string{"credentials:1"}) || len(told) != 5) {
					t.Errorf("%s: the upstream is told %v", path, told)
				}
			}
		})
	}
}

// Requirement F4: trailers, announced or not, in any spelling.
func TestForgedTrailers(t *testing.T) {
	g := start(t, onePasswordSite)
	cookie := "Cookie: next-auth.session-token=" + seal(t, secret, g.claimsOf())
	for _, test := range []struct{ name, announced, trailer string }{
		{"announced", "Remote-User", "Remote-User: forged"},
		{"announced with another", "X-Checksum, Remote-User", "X-Checksum: 1\r\nRemote-User: forged"},
		{"not announced", "X-Checksum", "X-Checksum: 1\r\nRemote-User: forged"},
		{"announced in another spelling", "Remote.User", "Remote.User: forged"},
		{"with an underscore", "X-Checksum", "X-Checksum: 1\r\nRemote_User: forged"},
		{"without any announcement", "", "Remote-User: forged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/open", "/app/"} {
				c := g.dial()
				lines := []string{"POST " + path + " HTTP/1.1", "Host: " + g.host(), cookie, "Transfer-Encoding: chunked"}
				if test.announced != "" {
					lines = append(lines, "Trailer: "+test.announced)
				}
				c.send(append(lines, "", "4", "body", "0", test.trailer, "")...)
				if got := c.answer(); got.status != http.StatusOK {
					t.Fatalf("%s: status %d", path, got.status)
				}
				seen := g.echo.one(t)
				if name := forgedIn(seen); name != "" || seen.Body != "body" {
					t.Errorf("%s: the upstream got the body %q and %q in the trailers %v", path, seen.Body, name, seen.Trailer)
				}
				if strings.Contains(test.announced, "X-Checksum") && seen.Trailer.Get("X-Checksum") != "1" {
					t.Errorf("%s: the application's own trailer is lost: %v", path, seen.Trailer)
				}
			}
		})
	}
}

// Requirements G4 and G5: no header of a client's opens a gate.
func TestHeadersThatMightOpenAGate(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, line := range []string{
		"X-Original-URL: /open", "X-Rewrite-URL: /open", "X-Forwarded-Uri: /open", "X-Forwarded-Path: /open", "X-Forwarded-Prefix: /open",
		"X-Forwarded-Method: OPTIONS", "X-HTTP-Method-Override: OPTIONS", "X-Original-Method: OPTIONS",
		"User-Agent: kube-probe/1.30", "User-Agent: ELB-HealthChecker/2.0", "User-Agent: Googlebot/2.1", "Referer: http://localhost/app/",
		"X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "True-Client-IP: 127.0.0.1", "Forwarded: for=127.0.0.1;host=localhost;proto=https",
		"Authorization: Basic YWxpY2U6eA==", "Authorization: Bearer x", "Remote-User: alice", "X-Forwarded-User: alice",
		"Origin: null", "Sec-Fetch-Site: same-origin", "Purpose: prefetch", "Sec-Purpose: prefetch", "Range: bytes=0-0",
		"Cookie: next-auth.session-token=", "Cookie: __Secure-next-auth.session-token=x", "Expect: 100-continue",
	} {
		if got := g.raw("GET /app/ HTTP/1.1", line); got.status != http.StatusUnauthorized {
			t.Errorf("%s: status %d", line, got.status)
		}
		if seen := g.echo.take(); len(seen) > 0 {
			t.Errorf("%s: the upstream was reached", line)
		}
	}
}

// Requirement H1: forwarding headers of a peer that nobody trusts change no
// address, no cookie's name and no Secure flag.
func TestForwardingHeadersOfStrangers(t *testing.T) {
	g := start(t, onePasswordSite)
	for _, lines := range [][]string{
		{"X-Forwarded-Host: evil.example"},
		{"X-Forwarded-Proto: https"},
		{"X-Forwarded-Port: 1234"},
		{"X-Forwarded-Prefix: /evil"},
		{"Forwarded: host=evil.example;proto=https"},
		{"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443"},
		{"X-Url-Scheme: https", "Front-End-Https: on", "X-Forwarded-Ssl: on"},
		{"X-Host: evil.example", "X-Original-Host: evil.example"},
	} {
		expectAnswer(t, g.browser().get("/api/auth/csrf", lines...), g.origin, `200
			<json>
			<no-cache>
			Set-Cookie: next-auth.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly; SameSite=Lax
			Set-Cookie: next-auth.callback-url={O%}; Path=/; HttpOnly; SameSite=Lax

			{"csrfToken":"<hex>"}`)
		gate := g.browser().visit("/app/", lines...)
		if want := "{O}/api/auth/signin?callbackUrl={O%}%2Fapp%2F"; nameVariables(gate.header.Get("Location"), g.origin) != want {
			t.Errorf("%v: the gate leads to %s", lines, gate.header.Get("Location"))
		}
	}
}

// From a peer in trusted_proxies X-Forwarded-Proto counts, and nothing else does.
func TestForwardingHeadersOfTrustedProxies(t *testing.T) {
	g := startGlobal(t, `
	servers 127.0.0.1:{$HTTP} {
		trusted_proxies static 127.0.0.1/32
	}
`, onePasswordSite)
	for _, test := range []struct {
		proto  string
		scheme string
	}{
		{"https", "https"}, {"HTTPS", "https"}, {"http", "http"}, {"https,http", "https"}, {"https, http", "https"}, {"http, https", "http"}, {"wss", "http"}, {"", "http"},
	} {
		host := g.host()
		got := g.raw("GET /api/auth/csrf HTTP/1.1", "X-Forwarded-Proto: "+test.proto, "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 443", "X-Forwarded-Prefix: /x")
		prefix, flag := "", ""
		if test.scheme == "https" {
			prefix, flag = "__Host-", " Secure;"
		}
		cookies := nameVariables(strings.Join(got.header["Set-Cookie"], "\n"), test.scheme+"://"+host)
		want := prefix + "next-auth.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly;" + flag + " SameSite=Lax\n" +
			strings.Replace(prefix, "Host", "Secure", 1) + "next-auth.callback-url={O%}; Path=/; HttpOnly;" + flag + " SameSite=Lax"
		if cookies != want {
			t.Errorf("%q: the cookies are\n%s\nwant\n%s", test.proto, cookies, want)
		}
	}
	two := g.raw("GET /api/auth/csrf HTTP/1.1", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http")
	if strings.Contains(strings.Join(two.header["Set-Cookie"], "\n"), "Secure") {
		t.Error("two X-Forwarded-Proto lines make an https origin")
	}
}

// A connection on which a client speaks HTTP/2 or TLS with the upstream would lead
// past every gate and every header that is removed.
func TestNoTunnelToTheUpstream(t *testing.T) {
	g := start(t, onePasswordSite)
	cookie := "Cookie: next-auth.session-token=" + seal(t, secret, g.claimsOf())
	for _, protocol := range []string{"h2c", "H2C", "websocket, h2c", "h2", "HTTP/2.0", "TLS/1.0"} {
		for _, path := range []string{"/open", "/app/"} {
			c := g.dial()
			c.send("GET "+path+" HTTP/1.1", "Host: "+g.host(), cookie, "Connection: Upgrade", "Upgrade: "+protocol, "HTTP2-Settings: AAMAAABkAAQAAP__", "")
			c.answer()
			seen := g.echo.one(t)
			for _, name := range []string{"Upgrade", "Http2-Settings"} {
				if values := seen.Header[name]; len(values) > 0 {
					t.Errorf("%s to %s: the upstream gets %s: %q", protocol, path, name, values)
				}
			}
		}
	}
}

// A refused request doesn't go upstream after all, through handle_errors, whose
// routes have no gate and whose requests nobody cleaned (requirements F1 and G8).
func TestWhatIsRefusedIsNoErrorToHandle(t *testing.T) {
	const errors = "reverse_proxy {$ECHO}\nhandle_errors {\nreverse_proxy {$ECHO}\n}"
	g := start(t, strings.Replace(onePasswordSite, "reverse_proxy {$ECHO}", errors, 1)+`
http://no-realm.localhost:{$HTTP} {
	require_signin
	`+errors+`
}
`)
	for target, want := range map[string]int{
		"/%2e%2e/x": 400, "/x/..%2fapp/": 400, "/%00": 400, "/%ff": 400, "/;x/app/": 400, "/app/": 401,
		"http://no-realm.localhost/x": 500, "http://evil.example/app/": 421,
	} {
		c := g.dial()
		c.send("GET "+target+" HTTP/1.1", "Host: "+g.host(), "Remote-User: forged", "")
		got := c.answer()
		if got.status != want || !strings.Contains(got.header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: status %d, want %d, with Cache-Control %q", target, got.status, want, got.header.Get("Cache-Control"))
		}
		g.echo.none(t)
	}
}
