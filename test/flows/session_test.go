package flows

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

const sessionName = "next-auth.session-token"

func keyring(t *testing.T, secrets ...string) *authjs.Keyring {
	t.Helper()
	ring, err := authjs.NextAuth.Names(false).SessionKeyring(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// with returns a browser with this session token.
func (g *gateway) with(token string) *browser {
	b := g.browser()
	b.cookies[sessionName] = token
	return b
}

func (b *browser) claims(t *testing.T) authjs.Claims {
	t.Helper()
	payload, _, err := keyring(t, secret).Open(b.cookies[sessionName])
	if err != nil {
		t.Fatal(err)
	}
	claims, err := authjs.ParseClaims(payload)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestSigningOutEndsEveryCopy(t *testing.T) {
	g := start(t, site)
	b := g.browser()
	b.signIn("alice")
	older := b.copy()
	b.get("/api/auth/session")
	newer := b.copy()
	b.post("/api/auth/signout").want(t, 302, "Location", g.origin)
	if b.cookies[sessionName] != "" {
		t.Error("the cookie is kept")
	}
	for name, copied := range map[string]*browser{"older": older, "newer": newer} {
		copied.get("/app/").want(t, 401, "", "")
		if copied.signedIn() {
			t.Errorf("the %s copy lives on", name)
		}
	}
	g.load(site)
	newer.get("/app/").want(t, 401, "", "")
}

func TestEverySignInIsANewSessionAndEndsTheOldOne(t *testing.T) {
	g := start(t, site)
	b := g.browser()
	b.signIn("bob")
	old, first := b.copy(), b.claims(t)
	b.signIn("alice")
	if second := b.claims(t); second.SID == first.SID || second.Subject != "alice" {
		t.Errorf("second session: %+v", second)
	}
	if old.signedIn() || !b.signedIn() {
		t.Error("the session that was replaced lives on")
	}
}

func TestASessionEndsWithItsUserAndItsProvider(t *testing.T) {
	g := start(t, site)
	b := g.browser()
	b.signIn("bob")
	g.load(strings.Replace(site, "bob HASH", "carol HASH", 1))
	b.copy().get("/app/").want(t, 401, "", "")
	g.load(strings.Replace(site, "alice HASH", "id other\n\t\t\talice HASH", 1))
	b.copy().get("/app/").want(t, 401, "", "")
	g.load(strings.Replace(site, "secret SECRET", "secret SECRET\n\t\tdeny provider credentials", 1))
	b.copy().get("/app/").want(t, 401, "", "")
	g.load(site)
	b.get("/app/").want(t, 200, "", "")
}

func TestWhichTokensAreSessions(t *testing.T) {
	g := start(t, strings.Replace(site, "secret SECRET", "secret SECRET\n\t\tsession {\n\t\t\tidle_timeout 1h\n\t\t}", 1))
	now := time.Now()
	good := authjs.Claims{
		Name: authjs.TextOf("Alice"), Subject: "alice", SID: "0123456789abcdef0123456789abcdef", Realm: g.origin,
		Provider: "credentials", AuthTime: now, IssuedAt: now, Expires: now.Add(time.Hour), ID: "1",
	}
	for name, tc := range map[string]struct {
		change func(*authjs.Claims)
		lives  bool
	}{
		"a good one":                    {func(*authjs.Claims) {}, true},
		"another realm's":               {func(c *authjs.Claims) { c.Realm = "https://other.example" }, false},
		"another provider's":            {func(c *authjs.Claims) { c.Provider = "github" }, false},
		"an unknown user's":             {func(c *authjs.Claims) { c.Subject = "nobody" }, false},
		"one that expired":              {func(c *authjs.Claims) { c.Expires = now.Add(-time.Minute) }, false},
		"one that is not valid yet":     {func(c *authjs.Claims) { c.NotBefore = now.Add(time.Minute) }, false},
		"one within the leeway":         {func(c *authjs.Claims) { c.Expires = now.Add(-5 * time.Second) }, true},
		"one that was idle":             {func(c *authjs.Claims) { c.IssuedAt = now.Add(-2 * time.Hour) }, false},
		"one past the absolute limit":   {func(c *authjs.Claims) { c.AuthTime = now.Add(-91 * 24 * time.Hour) }, false},
		"one without a sid":             {func(c *authjs.Claims) { c.SID = "" }, false},
		"one that claims to be foreign": {func(c *authjs.Claims) { c.Provider = "nextauth"; c.Subject = "x" }, true},
	} {
		claims := good
		tc.change(&claims)
		token := keyring(t, secret).Seal(claims.Append(nil))
		if got := g.with(token).get("/app/").StatusCode == 200; got != tc.lives {
			t.Errorf("%s: %v", name, got)
		}
	}
	token := keyring(t, "another secret, of more than 32 bytes as well").Seal(good.Append(nil))
	g.with(token).get("/app/").want(t, 401, "", "")
}

func TestATokenNeverOutlivesTheAbsoluteLimit(t *testing.T) {
	g := start(t, site)
	now := time.Now().Truncate(time.Second)
	claims := authjs.Claims{
		Subject: "alice", SID: "0123456789abcdef0123456789abcdef", Realm: g.origin, Provider: "credentials",
		AuthTime: now.Add(-89 * 24 * time.Hour), IssuedAt: now.Add(-48 * time.Hour), Expires: now.Add(time.Hour), ID: "1",
	}
	b := g.with(keyring(t, secret).Seal(claims.Append(nil)))
	got := b.page("/app/?cache=public,max-age=60")
	got.want(t, 200, "Cache-Control", "private, max-age=60")
	renewed := b.claims(t)
	if want := now.Add(24 * time.Hour); !renewed.Expires.Equal(want) || renewed.SID != claims.SID {
		t.Errorf("renewed until %v, want %v", renewed.Expires, want)
	}
	if again := b.page("/app/"); len(again.Header["Set-Cookie"]) != 1 { // the upstream's own
		t.Errorf("a fresh token is renewed: %q", again.Header["Set-Cookie"])
	}
}

func TestTokensThatNextAuthIssued(t *testing.T) {
	payload := `{"name":"Zoe","email":"zoe@example.com","sub":"42","groups":["admins"],"iat":` +
		strconv.FormatInt(time.Now().Unix(), 10) + `,"exp":` + strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10) + `,"jti":"7"}`
	token := keyring(t, secret).Seal([]byte(payload))

	g := start(t, site)
	b := g.with(token)
	b.get("/app/").want(t, 200, "", "")
	h := g.echo.take()[0].Header
	if h.Get("Remote-User") != "nextauth:42" || h["Remote-Email"] != nil || h["Remote-Groups"] != nil {
		t.Errorf("identity: %v", h)
	}
	b.get("/admins/").want(t, 403, "", "")
	b.get("/api/auth/session")
	b.post("/api/auth/signout")
	if g.with(token).signedIn() {
		t.Error("signing out spares the token that NextAuth issued")
	}

	g.load(strings.Replace(site, "secret SECRET", "", 1))
	g.with(token).get("/app/").want(t, 401, "", "")
}

func TestSecretsRotateAndAGeneratedOneStays(t *testing.T) {
	g := start(t, site)
	b := g.browser()
	b.signIn("alice")
	const next = `"the secret that comes next, also over 32 bytes"`
	g.load(strings.Replace(site, "secret SECRET", "secret "+next+" SECRET", 1))
	b.page("/app/").want(t, 200, "", "")
	g.load(strings.Replace(site, "secret SECRET", "secret "+next, 1))
	b.get("/app/").want(t, 200, "", "") // the page view sealed it anew

	g.load(strings.Replace(site, "secret SECRET", "", 1))
	b = g.browser()
	b.signIn("alice")
	g.load(strings.Replace(site, "secret SECRET", "", 1))
	b.get("/app/").want(t, 200, "", "")
}

func TestALongSessionTakesSeveralCookies(t *testing.T) {
	long := strings.Replace(site, `groups admins "a,b"`, "groups admins "+strings.Repeat("group-with-a-long-name ", 200), 1)
	g := start(t, long)
	b := g.browser()
	b.signIn("alice")
	if b.cookies[sessionName] != "" || b.cookies[sessionName+".0"] == "" || b.cookies[sessionName+".1"] == "" {
		t.Errorf("cookies: %v", b.cookies)
	}
	b.get("/app/").want(t, 200, "", "")
	torn := b.copy()
	delete(torn.cookies, sessionName+".0")
	torn.get("/app/").want(t, 401, "", "")
	b.signIn("bob")
	if b.cookies[sessionName] == "" || b.cookies[sessionName+".0"] != "" {
		t.Errorf("stale parts are kept: %v", b.cookies)
	}
}
