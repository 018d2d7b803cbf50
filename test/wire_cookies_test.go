package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A site over TLS with an internal certificate.
const secureSite = `
https://localhost:{$HTTPS} {
	tls {$CERT} {$KEY}
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin /app/*
	reverse_proxy {$ECHO}
}
`

// On https every cookie is Secure and its name has a prefix.
func TestCookiesOnHTTPS(t *testing.T) {
	g := start(t, secureSite)
	b := g.secureBrowser()
	expectAnswer(t, b.get("/api/auth/csrf"), b.origin, `200
		<json>
		<no-cache>
		Set-Cookie: __Host-next-auth.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly; Secure; SameSite=Lax
		Set-Cookie: __Secure-next-auth.callback-url={O%}; Path=/; HttpOnly; Secure; SameSite=Lax

		{"csrfToken":"<hex>"}`)
	expectAnswer(t, b.trySignIn("alice", password, "callbackUrl", "/dash"), b.origin, `200
		<json>
		<private>
		Set-Cookie: __Secure-next-auth.callback-url={O%}%2Fdash; Path=/; HttpOnly; Secure; SameSite=Lax
		Set-Cookie: __Secure-next-auth.session-token=<jwe>; Path=/; Expires=<in 720h>; HttpOnly; Secure; SameSite=Lax

		{"url":"{O}/dash"}`)
	expectAnswer(t, b.post("/api/auth/signout", b.form("json", "true", "callbackUrl", "/dash")), b.origin, `200
		<json>
		<private>
		Set-Cookie: __Secure-next-auth.session-token=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax

		{"url":"{O}/dash"}`)
}

// On https the names without a prefix, which a plain http page could have set,
// are ignored.
func TestUnprefixedCookiesAreIgnoredOnHTTPS(t *testing.T) {
	g := start(t, secureSite)
	b := g.secureBrowser()
	claims := g.claimsOf()
	claims.Realm = b.origin
	b.setCookie(plain.Session, seal(t, secret, claims))
	if b.signedIn() {
		t.Error("an unprefixed session cookie counts on https")
	}
	b.setCookie(secure.Session, seal(t, secret, claims))
	if !b.signedIn() {
		t.Fatal("the prefixed session cookie gives no session")
	}
	c := g.secureBrowser()
	c.setCookie(plain.CSRF, b.cookie(secure.CSRF)).setCookie(plain.CallbackURL, b.origin+"/planted")
	token, _, _ := strings.Cut(b.cookie(secure.CSRF), "%7C")
	if got := c.post("/api/auth/signout", "json=true&csrfToken="+token); !strings.Contains(got.body, "csrf=true") {
		t.Errorf("an unprefixed CSRF cookie counts on https: %s", got.body)
	}
}

// Browsers send a raw "|" or a quoted value where the cookie was set by a script.
func TestCSRFCookieSpellings(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	token := b.csrf()
	pair := strings.Replace(b.cookie(plain.CSRF), "%7C", "|", 1)
	for _, test := range []struct {
		name, value string
		verified    bool
	}{
		{"percent-encoded as it was set", strings.Replace(pair, "|", "%7C", 1), true},
		{"with a raw bar", pair, true},
		{"in quotes", `"` + pair + `"`, true},
		{"with text after a second bar", pair + "|more", true},
		{"with text behind the hash", pair + "0", false},
		{"with another hash", token + "|" + token, false},
		{"with the token alone", token, false},
		{"empty", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := g.browser().post("/api/auth/signout", "json=true&csrfToken="+token, "Cookie: "+plain.CSRF+"="+test.value)
			if verified := !strings.Contains(got.body, "csrf=true"); verified != test.verified {
				t.Errorf("verified is %t, want %t: %s", verified, test.verified, got.body)
			}
			if renewed := strings.Contains(strings.Join(got.header["Set-Cookie"], "\n"), plain.CSRF); renewed == test.verified {
				t.Errorf("a new token was given: %t, want %t", renewed, !test.verified)
			}
		})
	}
}

// A long session comes in parts of 3933 characters, as in NextAuth.js, and nothing
// stale stays behind.
func TestLongSessionsAreChunked(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("big")
	names := b.cookieNames(plain.Session)
	slices.Sort(names)
	if len(names) < 2 || slices.Contains(names, plain.Session) {
		t.Fatalf("the session of someone with many groups is in the cookies %v", names)
	}
	for i, name := range names {
		if name != fmt.Sprintf("%s.%d", plain.Session, i) {
			t.Errorf("part %d is called %s", i, name)
		}
		if value := b.cookie(name); i < len(names)-1 && len(value) != 3933 {
			t.Errorf("part %d has %d characters, want 3933", i, len(value))
		}
	}
	if claims := open(t, secret, b.token()); len(claims.Groups) != 400 {
		t.Errorf("the parts joined hold %d groups, want 400", len(claims.Groups))
	}
	if got := b.get("/app/"); got.status != 200 {
		t.Errorf("a gate answers %d to a chunked session", got.status)
	}
	if seen := g.echo.one(t); len(seen.Header["Cookie"]) > 0 {
		t.Errorf("parts reached the upstream: %q", seen.Header["Cookie"])
	}
	b.signIn("alice")
	if names := b.cookieNames(plain.Session); len(names) != 1 || names[0] != plain.Session {
		t.Errorf("after a short session followed a long one the cookies are %v", names)
	}
	b.signIn("big")
	if names := b.cookieNames(plain.Session); slices.Contains(names, plain.Session) {
		t.Errorf("after a long session followed a short one the cookies are %v", names)
	}
	b.signOut()
	if names := b.cookieNames(plain.Session); len(names) > 0 {
		t.Errorf("after signing out there are still %v", names)
	}
}

// Requirement E11: no half a session, and a reason in the log.
func TestSessionTooLongForCookiesIsRefused(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser()
	got := b.trySignIn("huge", password)
	if names := b.cookieNames(plain.Session); len(names) > 0 || !strings.Contains(got.body, "/api/auth/error?error=Configuration") {
		t.Errorf("answered %d %s with the session cookies %v", got.status, got.body, names)
	}
	g.waitForLog("with the reason", func(line logLine) bool {
		reason, _ := line["error"].(string)
		return strings.Contains(reason, "16 KiB")
	})
}

// Requirements E10 and E12: what a sibling host plants makes nobody a session and
// takes nobody's.
func TestPlantedSessionCookies(t *testing.T) {
	g := start(t, onePasswordSite)
	good := seal(t, secret, g.claimsOf())
	long := g.browser().signIn("big").token()
	parts := func(token string) string {
		var b strings.Builder
		for i := 0; len(token) > 0; i++ {
			n := min(3933, len(token))
			fmt.Fprintf(&b, "%s.%d=%s; ", plain.Session, i, token[:n])
			token = token[n:]
		}
		return strings.TrimSuffix(b.String(), "; ")
	}
	for _, test := range []struct {
		name, cookie string
		signedIn     bool
	}{
		{"a good token", plain.Session + "=" + good, true},
		{"a good token behind a bad one of the same name", plain.Session + "=bad; " + plain.Session + "=" + good, true},
		{"a good token before a bad one of the same name", plain.Session + "=" + good + "; " + plain.Session + "=bad", true},
		{"a good token beside a name that merely begins alike", plain.Session + "-x=1; " + plain.Session + "=" + good, true},
		{"a good token beside a stale part", plain.Session + ".1=stale; " + plain.Session + "=" + good, true},
		{"all parts", parts(long), true},
		{"all parts beside an unrelated number", parts(long) + "; " + plain.Session + ".99=x", true},
		{"all parts but the first", parts(long)[strings.Index(parts(long), "; ")+2:], false},
		{"a part numbered with a leading zero", plain.Session + ".00=" + good, false},
		{"a token with a byte changed", plain.Session + "=" + good[:len(good)-1] + flip(good[len(good)-1]), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := g.browser().get("/api/auth/session", "Cookie: "+test.cookie)
			if got.status != 200 || (got.body != "{}") != test.signedIn {
				t.Errorf("status %d, signed in %t, want %t", got.status, got.body != "{}", test.signedIn)
			}
		})
	}
}

// Caddy itself answers 431 over 16 KiB unless it is told to take more.
func TestFloodsOfCookies(t *testing.T) {
	g := startGlobal(t, `
	servers 127.0.0.1:{$HTTP} {
		max_header_size 1MiB
	}
`, onePasswordSite)
	for name, cookie := range map[string]string{
		"1500 cookies of the name": strings.Repeat(plain.Session+"=x; ", 1500),
		"many cookies":             strings.Repeat("a=b; ", 12000),
		"one cookie of 500 KB":     plain.Session + "=" + strings.Repeat("x", 500<<10),
		"parts of 500 KB together": strings.Repeat(plain.Session+".0="+strings.Repeat("x", 50<<10)+"; ", 10),
	} {
		if got := g.browser().get("/api/auth/session", "Cookie: "+cookie); got.status != 200 || got.body != "{}" {
			t.Errorf("%s: status %d, %s", name, got.status, got.body)
		}
		if got := g.browser().get("/app/", "Cookie: "+cookie); got.status != 401 {
			t.Errorf("%s: a gate answers %d", name, got.status)
		}
	}
}

// flip returns another character of base64url with other leading bits.
func flip(c byte) string {
	if c >= 'a' && c <= 'z' {
		return "A"
	}
	return "z"
}
