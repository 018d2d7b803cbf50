//go:build services

package test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// sharing is a gateway that shares its sessions with an Auth.js application.
type sharing struct {
	*peopleRig
	app *servers.AuthjsAdapter
}

type object = map[string]any

func TestSessionsSharedWithAuthjs(t *testing.T) {
	server := servers.StartPostgres(t)
	t.Setenv("DATABASE", server.DSN())
	op, schemas := providertest.New(t), 0
	for name, test := range map[string]func(t *testing.T, s *sharing){
		"the application reads the gateway's sessions": applicationReads,
		"the gateway reads the application's sessions": gatewayReads,
		"each ends the other's sessions":               eitherEnds,
		"a session that the application made lives on": applicationsAreExtended,
		"a password's session is the gateway's alone":  passwordsAreNotShared,
		"without the option they are no sessions":      withoutSharing,
	} {
		t.Run(name, func(t *testing.T) {
			schemas++
			schema := fmt.Sprint("shared", schemas)
			site := strings.Replace(peopleSite(op, schema, "database", ""), "schema "+schema, "schema "+schema+"\ninsecure_authjs_sessions", 1)
			s := &sharing{peopleRig: &peopleRig{gateway: start(t, site), server: server, op: op, schema: schema, site: site}}
			s.browser().comesBack(op, "corp", as("sub", "first", "email", "first@x.example")) // makes the tables
			s.app = servers.StartAuthjsAdapter(t, server, schema)
			test(t, s)
		})
	}
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func applicationReads(t *testing.T, s *sharing) {
	b := s.browser()
	b.comesBack(s.op, "corp", as())
	if !uuidPattern.MatchString(b.token()) {
		t.Errorf("the token is %q", b.token())
	}
	_, row := b.who(s.gateway)
	both := s.app.Call("getSessionAndUser", b.token())
	if both == nil || fmt.Sprint(both["user"].(object)["id"]) != row {
		t.Errorf("the application reads the session as %v, the gateway says row %s", both, row)
	}
	// The application's view of the person shows at once.
	s.app.Call("updateUser", object{"id": row, "name": "Alice Renamed"})
	if shown := b.session(); !strings.Contains(shown, `"name":"Alice Renamed"`) || !strings.Contains(shown, `"provider":"corp"`) {
		t.Errorf("the session shows %s", shown)
	}
}

// madeByApp makes a user with an account, and a session, as the application does.
func (s *sharing) madeByApp(t *testing.T, name string, left time.Duration) (token, row string) {
	t.Helper()
	made := s.app.Call("createUser", object{"name": name, "email": name + "@app.example", "emailVerified": time.Now()})
	s.app.Call("linkAccount", object{"userId": made["id"], "type": "oauth", "provider": "github", "providerAccountId": name})
	token = "token-of-" + name
	s.app.Call("createSession", object{"sessionToken": token, "userId": made["id"], "expires": time.Now().Add(left)})
	return token, fmt.Sprint(made["id"])
}

func gatewayReads(t *testing.T, s *sharing) {
	token, row := s.madeByApp(t, "zoe", 29*24*time.Hour)
	b := s.browser().withToken(token)
	if id, told := b.who(s.gateway); id != "github:zoe" || told != row {
		t.Errorf("the application's session is %s, row %s, want row %s", id, told, row)
	}
	if shown := b.session(); !strings.Contains(shown, `"name":"zoe"`) || !strings.Contains(shown, `"email":"zoe@app.example"`) || !strings.Contains(shown, `"provider":"nextauth"`) {
		t.Errorf("the session shows %s", shown)
	}
	stranger := s.app.Call("createUser", object{"email": "s@x.example"})
	s.app.Call("createSession", object{"sessionToken": "strangers", "userId": stranger["id"], "expires": time.Now().Add(time.Hour)})
	if id, _ := s.browser().withToken("strangers").who(s.gateway); id != fmt.Sprint("nextauth:", stranger["id"]) {
		t.Errorf("the session of a user without accounts is %s", id)
	}
	for _, token := range []string{"zoe", token + "x", "' or true --", strings.Repeat("x", 300)} {
		if got := s.browser().withToken(token).get("/app/"); got.status != http.StatusUnauthorized {
			t.Errorf("a session that isn't there, %.20s, is answered %d", token, got.status)
		}
	}
	// The application stores addresses as its provider wrote them.
	capital := s.app.Call("createUser", object{"email": "Mallory@Contractor.Example", "emailVerified": time.Now()})
	s.app.Call("createSession", object{"sessionToken": "capitals", "userId": capital["id"], "expires": time.Now().Add(time.Hour)})
	for rule, want := range map[string]int{"allow": http.StatusOK, "deny": http.StatusUnauthorized} {
		s.reload("", strings.Replace(s.site, "session {", rule+" email *@contractor.example\nsession {", 1))
		if got := s.browser().withToken("capitals").get("/app/"); got.status != want {
			t.Errorf("a stored address with capitals under %s is answered %d", rule, got.status)
		}
	}
	s.reload("", strings.Replace(s.site, "session {", "allow provider corp\nsession {", 1))
	if got := b.get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a session of no known provider passes a rule about providers: %d", got.status)
	}
}

func eitherEnds(t *testing.T, s *sharing) {
	s.echo.stream(t)
	b := s.browser()
	b.comesBack(s.op, "corp", as())
	say, ended := b.socket()
	if err := say("hello"); err != nil {
		t.Fatal(err)
	}
	s.app.Call("deleteSession", b.token())
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("a stream goes on after the application ended its session")
	}
	if got := b.get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a session that the application ended is answered %d", got.status)
	}
	s.echo.answerWith(nil)
	one, other := s.browser(), s.browser()
	one.comesBack(s.op, "corp", as())
	other.comesBack(s.op, "corp", as())
	tokens := []string{one.token(), other.token()}
	one.post("/api/auth/signout", one.form("everywhere", "true"))
	for _, token := range tokens {
		if both := s.app.Call("getSessionAndUser", token); both != nil {
			t.Errorf("after signing out everywhere the application reads %v", both)
		}
	}
	theirs, _ := s.madeByApp(t, "zoe", time.Hour)
	s.browser().withToken(theirs).signOut()
	if both := s.app.Call("getSessionAndUser", theirs); both != nil {
		t.Errorf("after signing out the application reads its own session as %v", both)
	}
	if n := s.query(t, `select count(*)::text from SCHEMA.signin_kv where convert_from(key, 'UTF8') like '%authjs:%'`); n != "1" { // the first person's
		t.Errorf("%s records are left beside sessions", n)
	}
}

func applicationsAreExtended(t *testing.T, s *sharing) {
	token, _ := s.madeByApp(t, "zoe", 5*24*time.Hour) // so it was extended 25 days ago
	b := s.browser().withToken(token)
	b.who(s.gateway)
	left := `select extract(day from expires - now())::text from SCHEMA.sessions where "sessionToken" = $1`
	if days := s.query(t, left, token); days != "29" {
		t.Errorf("the session has %s days left", days)
	}
	execSQL(t, s.server, strings.ReplaceAll(`update SCHEMA.sessions set expires = now() - interval '1 minute'`, "SCHEMA", s.schema))
	if got := b.get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a session that has expired is answered %d", got.status)
	}
}

func passwordsAreNotShared(t *testing.T, s *sharing) {
	b := s.browser().signIn("alice")
	if id, _ := b.who(s.gateway); id != "credentials:1" {
		t.Errorf("by a password they are %s", id)
	}
	if both := s.app.Call("getSessionAndUser", b.token()); both != nil || len(b.token()) != 43 {
		t.Errorf("the application reads a password's session as %v, token %q", both, b.token())
	}
	token := b.token()
	b.signOut()
	if s.browser().withToken(token).signedIn() {
		t.Error("a copy works after sign-out")
	}
}

func withoutSharing(t *testing.T, s *sharing) {
	b := s.browser()
	b.comesBack(s.op, "corp", as())
	token, _ := s.madeByApp(t, "zoe", time.Hour)
	s.reload("", strings.Replace(s.site, "insecure_authjs_sessions", "", 1))
	for _, one := range []*browser{b, s.browser().withToken(token)} {
		if got := one.get("/app/"); got.status != http.StatusUnauthorized {
			t.Errorf("a shared session is answered %d", got.status)
		}
	}
	err := s.load("", strings.Replace(s.site, "strategy database", "strategy jwt", 1))
	if err == nil || !strings.Contains(err.Error(), "write strategy database") {
		t.Errorf("sharing sessions that are in cookies gives %v", err)
	}
}
