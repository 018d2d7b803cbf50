package test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// plainV5 are the cookie names of dialect authjs on http.
var plainV5 = authjs.AuthJS.Names(false)

// inV5 is a Caddyfile of the tests whose realm speaks to next-auth 5.
func inV5(sites string) string {
	return strings.Replace(sites, "secret ", "dialect authjs\n\t\tsecret ", 1)
}

// browserV5 is one of a site that speaks to next-auth 5.
func (g *gateway) browserV5() *browser {
	g.t.Helper()
	b := g.browser()
	b.names = plainV5
	return b
}

const inJSON = "X-Auth-Return-Redirect: 1"

// signInV5 signs in as alice, as next-auth 5's client does.
func (b *browser) signInV5() *browser {
	b.t.Helper()
	got := b.post("/api/auth/callback/credentials", b.form("username", "alice", "password", password), inJSON)
	if got.status != http.StatusOK || b.session() == "null" {
		b.t.Fatalf("signing in: status %d, %s", got.status, got.body)
	}
	return b
}

// What is read, in the words of next-auth 5.
func TestAuthJSReadEndpoints(t *testing.T) {
	op := providertest.New(t)
	g := start(t, inV5(corpSite(op, "{$USERS}")))
	b := g.browserV5()
	expectAnswer(t, b.get("/api/auth/csrf"), g.origin, `200
		<no-cache>
		<json-v5>
		Set-Cookie: authjs.csrf-token=<hex>%7C<hex>; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: authjs.callback-url={O%}; Path=/; HttpOnly; SameSite=Lax

		{"csrfToken":"<hex>"}`)
	expectAnswer(t, b.get("/api/auth/session/"), g.origin, `200
		<no-cache>
		<json-v5>

		null`)
	expectAnswer(t, b.get("/api/auth/providers"), g.origin, `200
		<private>
		<json-v5>

		{"corp":{"id":"corp","name":"corp","type":"oidc","signinUrl":"{O}/api/auth/signin/corp","callbackUrl":"{O}/api/auth/callback/corp"},`+
		`"other":{"id":"other","name":"other","type":"oidc","signinUrl":"{O}/api/auth/signin/other","callbackUrl":"{O}/api/auth/callback/other"},`+
		`"credentials":{"id":"credentials","name":"Credentials","type":"credentials","signinUrl":"{O}/api/auth/signin/credentials","callbackUrl":"{O}/api/auth/callback/credentials"}}`)
	expectAnswer(t, b.signInV5().get("/api/auth/session"), g.origin, `200
		<no-cache>
		<json-v5>
		Set-Cookie: authjs.session-token=<jwe-v5>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax

		{"user":{"name":"Alice Example","email":"alice@example.com","image":"https://img.example/alice.png"},"expires":"<in 720h>"}`)
}

// Credentials, sign-out and CSRF of next-auth 5, with and without the header that
// asks for JSON.
func TestAuthJSPosts(t *testing.T) {
	g := start(t, inV5(onePasswordSite))
	const callback = "/api/auth/callback/credentials"
	for _, e := range []struct {
		name, path, fields string
		lines              []string
		want               string
	}{
		{"the right password for the client", callback, goodPassword + "&callbackUrl=/dash", []string{inJSON}, `200
			<json-v5>
			<private>
			Location: {O}/dash
			Set-Cookie: authjs.callback-url={O%}%2Fdash; Path=/; HttpOnly; SameSite=Lax
			Set-Cookie: authjs.session-token=<jwe-v5>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax

			{"url":"{O}/dash"}`},
		{"any value of the header", callback, "username=alice&password=x", []string{"X-Auth-Return-Redirect: "}, `200
			<json-v5>
			<private>
			Location: {O}/api/auth/signin?error=CredentialsSignin&code=credentials

			{"url":"{O}/api/auth/signin?error=CredentialsSignin&code=credentials"}`},
		{"a field json", callback, goodPassword + "&json=true", nil, `302
			<private>
			Location: {O}
			Set-Cookie: authjs.session-token=<jwe-v5>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax`},
		{"an error sets no callback-url", callback, "username=alice&password=x&callbackUrl=/dash", nil, `302
			<private>
			Location: {O}/api/auth/signin?error=CredentialsSignin&code=credentials
			Set-Cookie: authjs.state.note=<jwe-v5>; Max-Age=60; Path=/; HttpOnly; SameSite=Lax`},
		{"a wrong token", callback, goodPassword + "&csrfToken=x&callbackUrl=/dash", []string{inJSON}, `200
			<json-v5>
			<private>
			Location: {O}/api/auth/signin?error=MissingCSRF

			{"url":"{O}/api/auth/signin?error=MissingCSRF"}`},
		{"a wrong token at signout", "/api/auth/signout", "csrfToken=x", nil, `302
			<private>
			Location: {O}/api/auth/signin?error=MissingCSRF`},
		{"an unknown provider", "/api/auth/signin/nobody", "", []string{inJSON}, `200
			<json-v5>
			<private>
			Location: {O}/api/auth/error?error=Configuration
			Set-Cookie: authjs.state.note=<jwe-v5>; Max-Age=60; Path=/; HttpOnly; SameSite=Lax

			{"url":"{O}/api/auth/error?error=Configuration"}`},
		{"no provider, for the client", "/api/auth/signin", "", []string{inJSON}, `200
			<json-v5>
			<private>
			Location: {O}/api/auth/signin

			{"url":"{O}/api/auth/signin"}`},
		{"an unknown provider and a wrong token", "/api/auth/signin/nobody", "csrfToken=x", nil, `302
			<private>
			Location: {O}/api/auth/error?error=Configuration
			Set-Cookie: authjs.state.note=<jwe-v5>; Max-Age=60; Path=/; HttpOnly; SameSite=Lax`},
		{"no provider and a wrong token", "/api/auth/signin", "csrfToken=x", nil, `302
			<private>
			Location: {O}/api/auth/signin?error=MissingCSRF`},
		{"a malformed form", "/api/auth/signout", "a=%zz", nil, `400
			<private>
			<json-v5>

			"Bad request."`},
		{"signout", "/api/auth/signout", "callbackUrl=/bye", []string{inJSON}, `200
			<json-v5>
			<private>
			Location: {O}/bye
			Set-Cookie: authjs.callback-url={O%}%2Fbye; Path=/; HttpOnly; SameSite=Lax

			{"url":"{O}/bye"}`},
	} {
		t.Run(e.name, func(t *testing.T) {
			b := g.browserV5()
			expectAnswer(t, b.post(e.path, "csrfToken="+b.csrf()+"&"+e.fields, e.lines...), g.origin, e.want)
		})
	}
}

// In next-auth 5 a session is renewed by POST with the token only.
func TestAuthJSUpdate(t *testing.T) {
	g := start(t, inV5(onePasswordSite))
	b := g.browserV5().signInV5()
	expectAnswer(t, b.do(http.MethodPost, "/api/auth/session", `{"data":{"name":"x"}}`, jsonType), g.origin, `400
		<private>
		<json-v5>

		null`)
	got := b.do(http.MethodPost, "/api/auth/session", `{"csrfToken":"`+b.csrf()+`","data":{"name":"x"}}`, jsonType)
	if got.status != http.StatusOK || !strings.Contains(got.body, "Alice Example") {
		t.Errorf("with the token: %d %s", got.status, got.body)
	}
}

// What next-auth 5 doesn't have is answered as it does.
func TestAuthJSBadRequests(t *testing.T) {
	g := start(t, inV5(onePasswordSite))
	b := g.browserV5()
	for _, asked := range []string{
		"GET /api/auth/nothing", "PUT /api/auth/csrf", "DELETE /api/auth/session", "OPTIONS /api/auth/session",
		"GET /api/auth/csrf/x", "GET /api/auth/error/AccessDenied", "GET /api/auth/signin/credentials/x",
		"POST /api/auth/_log", "GET /api/auth", "POST /api/auth/csrf",
	} {
		method, path, _ := strings.Cut(asked, " ")
		t.Run(asked, func(t *testing.T) {
			expectAnswer(t, b.do(method, path, ""), g.origin, `400
				<private>
				<json-v5>

				"Bad request."`)
		})
	}
	for _, path := range []string{"/api/auth/signin/credentials", "/api/auth/callback/nobody", "/api/auth/callback/credentials"} {
		wantLocation(t, b.get(path), g.origin+"/api/auth/error?error=Configuration")
	}
	for code, status := range map[string]int{
		"Configuration": 500, "AccessDenied": 403, "Verification": 403, "OAuthCallbackError": 200, "OAuthSignin": 200, "CredentialsSignin": 200,
	} {
		if got := b.get("/api/auth/error?error=" + code); got.status != status || got.header.Get("Location") != "" {
			t.Errorf("the error page of %s is %d to %q", code, got.status, got.header.Get("Location"))
		}
	}
}

// A custom page about a mailed link is told which provider mailed it, as
// @auth/core 0.41 does; whatever else the address holds stays behind.
func TestAuthJSVerifyRequestPage(t *testing.T) {
	pages := "pages {\n\t\t\tverify_request /check-mail?a=b\n\t\t}\n\t\tsecret "
	sites := strings.Replace(onePasswordSite, "secret ", pages, 1)
	g := start(t, inV5(sites))
	for query, want := range map[string]string{
		"": "", "?provider=email&type=email": "&provider=email&type=email", "?provider=%26x&type=email&token=t": "&type=email",
	} {
		wantLocation(t, g.browserV5().get("/api/auth/verify-request"+query), "/check-mail?a=b"+want)
	}
	g = start(t, sites)
	wantLocation(t, g.browser().get("/api/auth/verify-request?provider=email&type=email"), "/check-mail?a=b")
}

// A provider's errors lead where those of next-auth 5 do. Every callback still ends
// its flow.
func TestAuthJSCallbacks(t *testing.T) {
	op := providertest.New(t)
	g := start(t, inV5(corpSite(op, "")))
	begin := func(b *browser) string {
		var target struct{ URL string }
		b.decode(b.post("/api/auth/signin/corp", b.form("callbackUrl", "/app/"), inJSON), &target)
		return target.URL
	}
	b := g.browserV5()
	callback := approve(t, op, begin(b))
	expectAnswer(t, b.get(callback), g.origin, `302
		<private>
		Location: {O}/app/
		Set-Cookie: authjs.state.<id>=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: authjs.session-token=<jwe-v5>; Path=/; Expires=<in 720h>; HttpOnly; SameSite=Lax`)
	wantLocation(t, b.get(callback), g.origin+"/api/auth/error?error=Configuration")
	if b.session() == "null" {
		t.Error("a replayed callback ended the session")
	}
	b = g.browserV5()
	_, state, _ := strings.Cut(begin(b), "state=")
	state, _, _ = strings.Cut(state, "&")
	expectAnswer(t, b.get("/api/auth/callback/corp?error=access_denied&state="+state), g.origin, `302
		<private>
		Location: {O}/api/auth/signin?error=OAuthCallbackError
		Set-Cookie: authjs.state.<id>=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax
		Set-Cookie: authjs.state.note=<jwe-v5>; Max-Age=60; Path=/; HttpOnly; SameSite=Lax`)
	page := b.get("/api/auth/signin?error=OAuthCallbackError").body
	if !strings.Contains(page, `role="alert"`) {
		t.Errorf("the sign-in page tells no error: %s", page)
	}
}

// sealV5 makes a session token of Auth.js's own under a secret.
func sealV5(t *testing.T, secret, payload string) string {
	t.Helper()
	keys, err := plainV5.SessionKeyring(secret)
	if err != nil {
		t.Fatal(err)
	}
	return keys.Seal([]byte(payload))
}

// foreignClaims are those of a token that Auth.js itself issues.
func foreignClaims() string {
	return fmt.Sprintf(`{"name":"Nora Next","email":"nora@example.com","sub":"42","iat":%s,"exp":%s,"jti":"a"}`, unix(0), unix(3600))
}

// A token of Auth.js under the same secret is adopted; one of the other dialect,
// of another secret or in the other's cookie is not.
func TestAuthJSTokensAreAdopted(t *testing.T) {
	g := start(t, inV5(onePasswordSite))
	for name, c := range map[string]struct {
		cookie string
		in     bool
	}{
		"v5":                {plainV5.Session + "=" + sealV5(t, secret, foreignClaims()), true},
		"another secret":    {plainV5.Session + "=" + sealV5(t, otherSecret, foreignClaims()), false},
		"v4's format":       {plainV5.Session + "=" + sealJSON(t, secret, foreignClaims()), false},
		"in v4's cookie":    {plain.Session + "=" + sealV5(t, secret, foreignClaims()), false},
		"v4 in v4's cookie": {plain.Session + "=" + sealJSON(t, secret, foreignClaims()), false},
	} {
		got := g.browserV5().get("/api/auth/session", "Cookie: "+c.cookie)
		if in := strings.Contains(got.body, "Nora Next"); in != c.in || (!in && got.body != "null") {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	g.browserV5().get("/app/", "Cookie: "+plainV5.Session+"="+sealV5(t, secret, foreignClaims()))
	if user := g.echo.one(t).Header.Get("Remote-User"); user != "nextauth:42" {
		t.Errorf("the upstream is told %q", user)
	}
}

// Requirement E8, as for v4.
func TestAuthJSSecretRotation(t *testing.T) {
	t.Setenv("OTHER", strconv.Quote(otherSecret))
	with := func(secrets string) string { return inV5(strings.Replace(onePasswordSite, "{$SECRET}", secrets, 1)) }
	g := start(t, with("{$SECRET}"))
	b, idle := g.browserV5().signInV5(), g.browserV5().signInV5()
	g.reload("", with("{$OTHER} {$SECRET}"))
	if b.session() == "null" {
		t.Fatal("with the old secret in second place GET session is anonymous")
	}
	g.reload("", with("{$OTHER}"))
	if b.session() == "null" {
		t.Error("a session that was sealed anew ended with the old secret")
	}
	if idle.session() != "null" {
		t.Error("a session that was not sealed anew outlives its secret")
	}
}

// The cookies of both dialects stay here, whichever the realm speaks; pass lets
// the realm's own session through.
func TestCookiesOfBothDialectsAreKeptFromUpstreams(t *testing.T) {
	for dialect, kept := range map[string]string{"next-auth": "next-auth.session-token=y", "authjs": "authjs.session-token.0=x"} {
		for mode, want := range map[string]string{"strip": "app=1", "pass": "app=1; " + kept} {
			t.Run(dialect+" "+mode, func(t *testing.T) {
				g := start(t, strings.Replace(onePasswordSite, "secret ", "dialect "+dialect+"\nupstream_cookies "+mode+"\nsecret ", 1))
				g.echo.answerWith(func(w http.ResponseWriter, _ *http.Request) {
					w.Header()["Set-Cookie"] = []string{"app=1", "authjs.session-token=stolen", "next-auth.csrf-token=x", "__Secure-authjs.callback-url=x"}
				})
				got := g.browser().get("/open", "Cookie: app=1; authjs.session-token.0=x; next-auth.session-token=y; authjs.csrf-token=z; next-auth.callback-url=u; authjs.state.12345678=s")
				if sent := strings.Join(g.echo.one(t).Header["Cookie"], "; "); sent != want {
					t.Errorf("the upstream got %q, want %q", sent, want)
				}
				if set := got.header["Set-Cookie"]; len(set) != 1 || set[0] != "app=1" {
					t.Errorf("the upstream set %q", set)
				}
			})
		}
	}
}

// A client of the other generation: the log says once which line to write.
func TestTheOtherGenerationsClientIsNoticed(t *testing.T) {
	for dialect, c := range map[string]struct{ ours, theirs, fields, line string }{
		"next-auth": {"json=true", inJSON, "", "dialect authjs"},
		"authjs":    {"", "X-Other: 1", "json=true", "dialect next-auth"},
	} {
		t.Run(dialect, func(t *testing.T) {
			g := start(t, strings.Replace(onePasswordSite, "secret ", "dialect "+dialect+"\nsecret ", 1))
			b := g.browser()
			wrong := "csrfToken=" + b.csrf() + "&username=alice&password=x&"
			b.post("/api/auth/callback/credentials", wrong+"json=true", inJSON) // our own client
			if lines := g.hints(); len(lines) != 0 {
				t.Errorf("the gateway's own client is taken for another: %v", lines)
			}
			got := b.post("/api/auth/callback/credentials", wrong+c.fields, c.theirs)
			if json := strings.HasPrefix(got.body, `{"url":`); json != (dialect == "next-auth") {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			b.post("/api/auth/callback/credentials", wrong+c.fields, c.theirs)
			if lines := g.hints(); len(lines) != 1 || !strings.Contains(lines[0], "write `"+c.line+"`") {
				t.Errorf("the log says %q", lines)
			}
		})
	}
}

// hints are the log's lines on the dialect, once all that was asked is in it.
func (g *gateway) hints() []string {
	g.t.Helper()
	var lines []string
	for _, line := range g.logs() {
		if text, _ := line["msg"].(string); strings.Contains(text, "a client of next-auth") {
			lines = append(lines, text)
		}
	}
	return lines
}

// While the secret can't be had, a client is told so in JSON.
func TestAuthJSWithoutASecretIsUnavailable(t *testing.T) {
	g := start(t, strings.Replace(inV5(onePasswordSite), "secret {$SECRET}", "", 1))
	folder := filepath.Join(os.Getenv("STORAGE"), "signin")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "secrets"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/auth/signin/nobody", "/api/auth/callback/credentials"} {
		got := g.browserV5().post(path, "csrfToken=x", inJSON)
		want := `{"url":"` + g.origin + `/api/auth/signin?error=Unavailable"}`
		if got.status != http.StatusServiceUnavailable || got.body != want || got.header.Get("Retry-After") == "" {
			t.Errorf("%s is answered %d %s", path, got.status, got.body)
		}
	}
}

// A custom sign-in page is told the code as well.
func TestAuthJSCustomSignInPage(t *testing.T) {
	g := start(t, strings.Replace(inV5(onePasswordSite), "{$USERS}", "{$USERS}\npages {\nsignin /login\n}", 1))
	got := g.browserV5().get("/api/auth/signin?error=CredentialsSignin&code=CodeRequired")
	wantLocation(t, got, "/login?callbackUrl="+url.QueryEscape(g.origin)+"&error=CredentialsSignin&code=CodeRequired")
	got = g.browserV5().get("/api/auth/signin?error=CredentialsSignin&code=%3Cscript%3E")
	wantLocation(t, got, "/login?callbackUrl="+url.QueryEscape(g.origin)+"&error=CredentialsSignin")
}
