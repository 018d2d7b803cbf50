package flows

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var (
	csrfCookie    = regexp.MustCompile(`^next-auth\.csrf-token=[0-9a-f]{64}%7C[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax$`)
	sessionCookie = regexp.MustCompile(`^next-auth\.session-token=eyJ[\w.-]+; Path=/; Expires=\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT; HttpOnly; SameSite=Lax$`)
)

func TestTheReadEndpointsAnswerAsNextAuthDoes(t *testing.T) {
	g := start(t, site)
	b := g.browser()

	csrf := b.get("/api/auth/csrf")
	csrf.want(t, 200, "Cache-Control", "private, no-cache, no-store")
	csrf.want(t, 200, "Content-Type", "application/json; charset=utf-8")
	if !regexp.MustCompile(`^\{"csrfToken":"[0-9a-f]{64}"\}$`).MatchString(csrf.body) {
		t.Errorf("csrf: %s", csrf.body)
	}
	cookies := csrf.Header["Set-Cookie"]
	if len(cookies) != 2 || !csrfCookie.MatchString(cookies[0]) ||
		cookies[1] != "next-auth.callback-url=http%3A%2F%2Flocalhost%3A"+g.port+"; Path=/; HttpOnly; SameSite=Lax" {
		t.Errorf("csrf sets %q", cookies)
	}

	session := b.get("/api/auth/session")
	session.want(t, 200, "Pragma", "no-cache")
	if session.body != "{}" || len(session.Header["Set-Cookie"]) != 0 {
		t.Errorf("anonymous session: %s, %q", session.body, session.Header["Set-Cookie"])
	}

	list := g.browser().get("/api/auth/providers")
	base := g.origin + "/api/auth"
	want := `{"credentials":{"id":"credentials","name":"Credentials","type":"credentials","signinUrl":"` +
		base + `/signin/credentials","callbackUrl":"` + base + `/callback/credentials"}}`
	if list.body != want || len(list.Header["Set-Cookie"]) != 0 {
		t.Errorf("providers: %s, %q", list.body, list.Header["Set-Cookie"])
	}
}

func TestWhatTheTableDoesNotHoldIs400(t *testing.T) {
	g := start(t, site)
	for _, request := range []string{
		"PUT /api/auth/csrf", "HEAD /api/auth/session", "OPTIONS /api/auth/signin", "POST /api/auth/providers",
		"GET /api/auth/_log", "GET /api/auth/nothing", "GET /api/auth", "GET /api/auth/callback/nobody",
		"HEAD /api/auth/callback/credentials", "DELETE /api/auth/session", "POST /api/auth/error",
	} {
		method, path, _ := strings.Cut(request, " ")
		got := g.browser().send(method, path, "")
		if got.StatusCode != 400 || len(got.Header["Set-Cookie"]) != 0 || got.Header.Get("Content-Type") != "" {
			t.Errorf("%s: %d %v", request, got.StatusCode, got.Header)
		}
		if want := "Error: This action with HTTP " + method + " is not supported by NextAuth.js"; method != "HEAD" && got.body != want {
			t.Errorf("%s: %q", request, got.body)
		}
	}
	if seen := g.echo.take(); len(seen) != 0 {
		t.Errorf("%d of them reached the upstream", len(seen))
	}
}

func TestSigningInWithAPassword(t *testing.T) {
	g := start(t, site)
	right := []string{"username", "alice", "password", password, "callbackUrl", "/dash?x=1#y"}
	wrong := []string{"username", "alice", "password", "wrong"}
	const path = "/api/auth/callback/credentials"

	b := g.browser()
	got := b.post(path, append(right, "json", "true")...)
	got.want(t, 200, "Content-Type", "application/json; charset=utf-8")
	if got.body != `{"url":"`+g.origin+`/dash?x=1#y"}` {
		t.Errorf("right password: %s", got.body)
	}
	if last := got.Header["Set-Cookie"][len(got.Header["Set-Cookie"])-1]; !sessionCookie.MatchString(last) {
		t.Errorf("session cookie %q", last)
	}
	session := b.get("/api/auth/session").body
	if !regexp.MustCompile(`^\{"user":\{"name":"Alice Example","email":"alice@example.com"\},"expires":"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z"\}$`).MatchString(session) {
		t.Errorf("session: %s", session)
	}

	g.browser().post(path, right...).want(t, 302, "Location", g.origin+"/dash?x=1#y")

	failed := b.post(path, append(wrong, "json", "true")...)
	if failed.StatusCode != 401 || failed.body != `{"url":"`+g.origin+`/api/auth/error?error=CredentialsSignin&provider=credentials"}` {
		t.Errorf("wrong password: %d %s", failed.StatusCode, failed.body)
	}
	if !b.signedIn() {
		t.Error("a failed attempt ended the session")
	}
	g.browser().post(path, wrong...).want(t, 302, "Location", g.origin+"/api/auth/error?error=CredentialsSignin&provider=credentials")
	g.browser().send("POST", path, "username=alice&password=correct+horse", "Content-Type", "application/x-www-form-urlencoded").
		want(t, 302, "Location", g.origin+"/api/auth/signin?csrf=true")
	g.browser().get(path).want(t, 400, "", "")
}

func TestForgedAndMalformedPostsChangeNothing(t *testing.T) {
	g := start(t, site)
	form := "application/x-www-form-urlencoded"
	for name, request := range map[string]func(b *browser, token string) answer{
		"a token in the query": func(b *browser, token string) answer {
			return b.send("POST", "/api/auth/signout?csrfToken="+token, "", "Content-Type", form)
		},
		"a token given twice": func(b *browser, token string) answer {
			return b.send("POST", "/api/auth/signout", "csrfToken="+token+"&csrfToken="+token, "Content-Type", form)
		},
		"another type of body": func(b *browser, token string) answer {
			return b.send("POST", "/api/auth/signout", "csrfToken="+token, "Content-Type", "text/plain")
		},
		"another site's form": func(b *browser, token string) answer {
			return b.send("POST", "/api/auth/signout", "csrfToken="+token, "Content-Type", form, "Sec-Fetch-Site", "same-site")
		},
		"another site's origin": func(b *browser, token string) answer {
			return b.send("POST", "/api/auth/signout", "csrfToken="+token, "Content-Type", form, "Origin", "https://evil.example")
		},
		"a self-made pair": func(b *browser, _ string) answer {
			b.cookies["next-auth.csrf-token"] = strings.Repeat("a", 64) + "%7C" + strings.Repeat("b", 64)
			return b.send("POST", "/api/auth/signout", "csrfToken="+strings.Repeat("a", 64), "Content-Type", form)
		},
		"a body over the limit": func(b *browser, token string) answer {
			return b.send("POST", "/api/auth/signout", "csrfToken="+token+"&x="+strings.Repeat("y", 64<<10), "Content-Type", form)
		},
		"JSON that is nested too deeply": func(b *browser, token string) answer {
			return b.send("POST", "/api/auth/signout", `{"csrfToken":"`+token+`","x":`+strings.Repeat("[", 20)+strings.Repeat("]", 20)+"}", "Content-Type", "application/json")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := g.browser()
			b.signIn("bob")
			kept := b.copy()
			got := request(b, b.csrf())
			if got.StatusCode >= 500 {
				t.Errorf("%d %s", got.StatusCode, got.body)
			}
			if !kept.signedIn() {
				t.Errorf("it signed out: %d %s", got.StatusCode, got.body)
			}
		})
	}
}

func TestUpdateIsAReadThatNeedsTheToken(t *testing.T) {
	g := start(t, site)
	b := g.browser()
	b.signIn("alice")
	refused := b.send("POST", "/api/auth/session", `{"data":{"name":"X"}}`, "Content-Type", "application/json")
	if refused.StatusCode != 400 || refused.body != "{}" {
		t.Errorf("without token: %d %s", refused.StatusCode, refused.body)
	}
	body := `{"csrfToken":"` + b.csrf() + `","data":{"name":"X","sub":"bob","groups":["root"]}}`
	updated := b.send("POST", "/api/auth/session", body, "Content-Type", "application/json")
	if updated.StatusCode != 200 || !strings.Contains(updated.body, `"name":"Alice Example"`) {
		t.Errorf("with token: %d %s", updated.StatusCode, updated.body)
	}
}

func TestAForeignReturnAddressBecomesTheOrigin(t *testing.T) {
	g := start(t, site)
	for _, value := range []string{
		"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/x/../..//evil",
		g.origin + "@evil.example", g.origin + ".evil.example", "foo", " /x", "/x\ry", strings.Repeat("/a", 2000),
	} {
		got := g.browser().post("/api/auth/signout", "callbackUrl", value, "json", "true")
		if got.body != `{"url":"`+g.origin+`"}` {
			t.Errorf("%.40q leads to %s", value, got.body)
		}
	}
	b := g.browser()
	b.cookies["next-auth.callback-url"] = "https%3A%2F%2Fevil.example"
	b.post("/api/auth/signout").want(t, 302, "Location", g.origin)
}

func TestErrorsLeadWhereTheyCanBeCured(t *testing.T) {
	g := start(t, site)
	for code, want := range map[string]struct {
		status   int
		location string
	}{
		"OAuthSignin":   {302, "/api/auth/signin?error=OAuthSignin"},
		"Callback":      {302, "/api/auth/signin?error=Callback"},
		"AccessDenied":  {403, ""},
		"Verification":  {403, ""},
		"Configuration": {500, ""},
		"<script>":      {200, ""},
	} {
		got := g.browser().get("/api/auth/error?error=" + code)
		location := want.location
		if location != "" {
			location = g.origin + location
		}
		got.want(t, want.status, "Location", location)
		if strings.Contains(got.body, "<script>") {
			t.Errorf("%s is echoed", code)
		}
	}
}

func TestTheSitesOwnPagesTakeOver(t *testing.T) {
	g := start(t, strings.Replace(site, "secret SECRET", `secret SECRET
		pages {
			signin /login
			signout /bye
			error /oops
			verify_request /mail
		}`, 1))
	for path, want := range map[string]string{
		"/api/auth/signin?callbackUrl=/x&error=Callback": "/login?callbackUrl=http%3A%2F%2Flocalhost%3A" + g.port + "%2Fx&error=Callback",
		"/api/auth/signout":            "/bye",
		"/api/auth/error?error=Access": "/oops?error=Access",
		"/api/auth/error?error=a%26b":  "/oops?error=Default",
		"/api/auth/verify-request":     "/mail",
	} {
		g.browser().get(path).want(t, http.StatusFound, "Location", want)
	}
}

func TestOnHTTPSTheCookiesArePrefixedAndSecure(t *testing.T) {
	g := start(t, strings.Replace(site, "secret SECRET", "secret SECRET\n\t\turl https://app.example.com", 1))
	b := g.browser()
	cookies := strings.Join(b.get("/api/auth/csrf").Header["Set-Cookie"], "\n")
	for _, want := range []string{
		"__Host-next-auth.csrf-token=", "__Secure-next-auth.callback-url=https%3A%2F%2Fapp.example.com; Path=/; HttpOnly; Secure; SameSite=Lax",
	} {
		if !strings.Contains(cookies, want) {
			t.Errorf("%q is not in %s", want, cookies)
		}
	}
	b.signIn("alice")
	if b.cookies["__Secure-next-auth.session-token"] == "" {
		t.Errorf("cookies: %v", b.cookies)
	}
	b.cookies["next-auth.session-token"] = b.cookies["__Secure-next-auth.session-token"]
	delete(b.cookies, "__Secure-next-auth.session-token")
	if b.signedIn() {
		t.Error("an unprefixed cookie counts on https")
	}
}
