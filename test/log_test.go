package test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

var documentedLog = regexp.MustCompile("(?s)\n\tlog \\{\n(.*?)\n\t\\}\n")

// documentedFilter is the access log that docs/security.md tells to use, into a
// file of the test's.
func documentedFilter(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	found := documentedLog.FindStringSubmatch(string(content))
	if found == nil {
		t.Fatal("docs/security.md shows no log block")
	}
	return "log {\noutput file {$DIR}/access.json\n" + found[1] + "\n}\n"
}

// secrets are values that no log may hold, by what they are.
type secrets map[string]string

func (s secrets) add(what, value string) {
	if len(value) < 8 {
		value = "" // too short to be looked for: caught below
	}
	s[what] = value
}

func (s secrets) wantNoneIn(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) < 1000 {
		t.Fatalf("%s holds only %d bytes", file, len(content))
	}
	for what, value := range s {
		if value == "" {
			t.Errorf("the run has no %s", what)
			continue
		}
		for _, spelling := range []string{value, url.QueryEscape(value), url.QueryEscape(url.QueryEscape(value))} {
			if at := strings.Index(string(content), spelling); at >= 0 {
				line := string(content[strings.LastIndex(string(content[:at]), "\n")+1:])
				line, _, _ = strings.Cut(line, "\n")
				t.Errorf("%s holds the %s:\n%.600s", filepath.Base(file), what, line)
				break
			}
		}
	}
}

// Requirement K6, over a whole run at debug level, with the filter that the
// documentation gives for Caddy's access log.
func TestLogsHoldNoSecrets(t *testing.T) {
	op := providertest.New(t)
	t.Setenv("REALM_SECRET", secret)
	t.Setenv("CLIENT_SECRET", op.ClientSecret)
	g := start(t, strings.NewReplacer(
		"require_signin", documentedFilter(t)+"\trequire_signin",
		"{$SECRET}", "{env.REALM_SECRET}", `"`+op.ClientSecret+`"`, "{env.CLIENT_SECRET}",
	).Replace(corpSite(op, "{$USERS}")))
	dir := os.Getenv("DIR")
	known := secrets{"secret": secret, "client secret": op.ClientSecret, "password": password}
	known.add("basic authorization of the client", base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(op.ClientID)+":"+url.QueryEscape(op.ClientSecret))))

	b := g.browser()
	known.add("CSRF token", b.csrf())
	known.add("CSRF cookie", b.cookie(b.names.CSRF))
	known["wrong password"] = "wrong-password-of-a-run"
	b.trySignIn("alice", known["wrong password"])
	known["password in a query"] = "a-password-in-a-query"
	b.get("/api/auth/callback/credentials?username=alice&password=" + known["password in a query"])
	b.signIn("alice")
	known.add("session token", b.token())
	b.get("/app/", "Authorization: Bearer a-bearer-token-of-a-client")
	known["bearer token"] = "a-bearer-token-of-a-client"
	b.signOut()

	known.collect(t, op, b)
	b.get("/api/auth/callback/corp?error=access_denied&error_description=" + url.QueryEscape("not you") + "&state=" + known["state"])
	b.post("/api/auth/signout", "csrfToken=forged-token-of-an-attacker")
	b.withToken("garbage-that-is-no-token").get("/app/")
	b.post("/api/auth/_log", "level=error&code=CLIENT_FETCH_ERROR&message=x%0d%0ay")

	g.waitForLog("of a sign-in", func(line logLine) bool { return line["msg"] == "signed in" && line["user"] == "corp:alice-1" })
	known.wantNoneIn(t, g.logFile)
	known.wantNoneIn(t, filepath.Join(dir, "access.json"))
}

// collect signs in with the provider, replays the callback, and adds everything
// secret that passed.
func (s secrets) collect(t *testing.T, op *providertest.Server, b *browser) {
	t.Helper()
	form := b.form("callbackUrl", "/app/")
	target := b.post("/api/auth/signin/corp", form).header.Get("Location") // as a redirect, which access logs hold
	asked, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		s.add(name, asked.Query().Get(name))
	}
	s.add("pending cookie", b.cookie(b.pending()[0]))
	callback := approve(t, op, target)
	if got := b.get(callback); got.status != http.StatusFound || !b.signedIn() {
		t.Fatalf("the callback is answered %d", got.status)
	}
	s.add("session token of the provider's", b.token())
	b.get(callback)
	exchange := op.Requests(providertest.TokenPath)
	if len(exchange) != 1 {
		t.Fatalf("%d token requests", len(exchange))
	}
	s.add("authorization code", "code="+exchange[0].Form.Get("code"))
	s.add("code verifier", exchange[0].Form.Get("code_verifier"))
	if userinfo := op.Requests(providertest.UserinfoPath); len(userinfo) > 0 {
		s.add("access token", strings.TrimPrefix(userinfo[0].Header.Get("Authorization"), "Bearer "))
	}
}
