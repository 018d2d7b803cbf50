package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// twoCredentials is a site with users in a file and users of the operator's own
// back end.
const twoCredentials = `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		credentials {
			name Members
			file {$USERS_FILE}
		}
		credentials {
			id staff
			name "Staff portal"
			http {$BACKEND} {
				field otp "One-time code" {
					autocomplete one-time-code
					optional
				}
				field tenant
			}
		}
	}
	handle /app/* {
		require_signin
		reverse_proxy {$ECHO}
	}
}
`

// ownBackend is an operator's login endpoint, whose state a test can change.
type ownBackend struct {
	down  atomic.Bool
	asked atomic.Int32
}

// ServeHTTP lets dora in with the tests' password, and answers to some other
// names with a reason.
func (o *ownBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	if o.down.Load() {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	var sent struct{ Username, Password, OTP, Tenant string }
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.EqualFold(sent.Username, "dora") && sent.Password == password && sent.Tenant == "north":
		_, _ = fmt.Fprintf(w, `{"id":"7","username":"dora","name":"Dora %s","email":"dora@example.com","groups":["staff"]}`, sent.OTP)
	case sent.Username == "locked":
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":"AccountLocked"}`)
	case sent.Username == "denied":
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":"AccessDenied"}`)
	case sent.Username == "odd":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"Configuration"}`)
	default:
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// startTwo runs twoCredentials with alice in the file.
func startTwo(t *testing.T) (g *gateway, own *ownBackend, usersFile string) {
	t.Helper()
	own = new(ownBackend)
	server := httptest.NewServer(own)
	t.Cleanup(server.Close)
	usersFile = filepath.Join(t.TempDir(), "users.htpasswd")
	writeUsers(t, usersFile, "alice")
	t.Setenv("USERS_FILE", usersFile)
	t.Setenv("BACKEND", server.URL+"/login")
	return start(t, twoCredentials), own, usersFile
}

// writeUsers replaces the file as careful programs do.
func writeUsers(t *testing.T, file string, names ...string) {
	t.Helper()
	var content strings.Builder
	for _, name := range names {
		content.WriteString(name + ":" + passwordHash() + "\n")
	}
	if err := os.WriteFile(file+".new", []byte(content.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// staff posts to the second provider.
func (b *browser) staff(user, password string, pairs ...string) answer {
	b.t.Helper()
	pairs = append([]string{"username", user, "password", password, "tenant", "north", "otp", "", "json", "true"}, pairs...)
	return b.post("/api/auth/callback/staff", b.form(pairs...))
}

func TestSeveralCredentialsProviders(t *testing.T) {
	g, _, _ := startTwo(t)
	page := g.browser().visit("/api/auth/signin").body
	members, staff, found := strings.Cut(page, `action="`+g.origin+`/api/auth/callback/staff"`)
	if !found || !strings.Contains(members, `action="`+g.origin+`/api/auth/callback/credentials"`) {
		t.Fatalf("the sign-in page lacks a form:\n%s", page)
	}
	for _, want := range []string{`name="username"`, `name="password"`, ">One-time code</label>", `name="otp" type="text" autocomplete="one-time-code"`, `name="tenant" type="text" required`, "Sign in with <bdi>Staff portal</bdi>"} {
		if !strings.Contains(staff, want) {
			t.Errorf("the second form lacks %s:\n%s", want, staff)
		}
	}
	if strings.Contains(members, "otp") {
		t.Error("the first form has the second one's fields")
	}

	b := g.browser().signIn("alice")
	if b.get("/app/"); g.echo.one(t).Header.Get("Remote-User") != "alice" {
		t.Error("the upstream isn't told alice")
	}
	if got := b.staff("DORA", password, "otp", "42"); got.status != http.StatusOK {
		t.Fatalf("signing in at the second: %d %s", got.status, got.body)
	}
	b.get("/app/")
	told := g.echo.one(t).Header
	if told.Get("Remote-User") != "dora" || told.Get("Remote-Name") != "Dora 42" || told.Get("Remote-Email") != "dora@example.com" || told.Get("Remote-Groups") != "staff" {
		t.Errorf("the upstream is told %v", told)
	}
	if claims := open(t, secret, b.token()); claims.Provider != "staff" || claims.Subject != "7" {
		t.Errorf("the session is of %s:%s", claims.Provider, claims.Subject)
	}
	if got := g.browser().staff("alice", password); got.status != http.StatusUnauthorized {
		t.Errorf("the first provider's user at the second: %d", got.status)
	}
	g.waitForLog("about login names of several providers", func(line logLine) bool {
		return strings.Contains(fmt.Sprint(line["msg"]), "several providers have login names") && line["providers"] == "credentials, staff"
	})
}

// Only reasons that we have words for reach the browser.
func TestReasonsOfABackEnd(t *testing.T) {
	g, own, _ := startTwo(t)
	for _, test := range []struct {
		user   string
		status int
		query  string
		words  string
	}{
		{"nobody", 401, "error=CredentialsSignin&provider=staff", "The username or the password is wrong."},
		{"odd", 401, "error=CredentialsSignin&provider=staff", "The username or the password is wrong."},
		{"locked", 401, "error=AccountLocked&provider=staff", "Your account is locked."},
		{"denied", 403, "error=AccessDenied", "This account may not sign in"},
	} {
		t.Run(test.user, func(t *testing.T) {
			b := g.browser()
			want := fmt.Sprintf(`{"url":"%s/api/auth/error?%s"}`, g.origin, test.query)
			if got := b.staff(test.user, "x"); got.status != test.status || got.body != want {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			got := b.staff(test.user, "x", "json", "")
			for range 2 {
				if location := got.header.Get("Location"); location != "" {
					got = b.visit(location)
				}
			}
			if !strings.Contains(got.body, test.words) {
				t.Errorf("the page doesn't say %q:\n%s", test.words, got.body)
			}
		})
	}
	own.asked.Store(0)
	if got := g.browser().staff("dora", password, "tenant", ""); got.status != http.StatusUnauthorized || own.asked.Load() != 0 {
		t.Errorf("without a field that is required: %d, asked %d times", got.status, own.asked.Load())
	}
}

// A back end that can't be asked is neither a wrong password nor held against
// anyone, and the client's call resolves.
func TestBackEndThatIsDown(t *testing.T) {
	g, own, _ := startTwo(t)
	own.down.Store(true)
	b := g.browser()
	for range 10 {
		got := b.staff("dora", password)
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.body != `{"url":"`+g.origin+`/api/auth/error?error=Unavailable"}` {
			t.Fatalf("for the client: %d %v %s", got.status, got.header, got.body)
		}
	}
	got := b.staff("dora", password, "json", "")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("as a form: %d %v", got.status, got.header)
	}
	page := b.visit(b.visit("/api/auth/error?error=Unavailable").header.Get("Location"))
	if !strings.Contains(page.body, "We cannot sign you in at the moment.") {
		t.Errorf("the sign-in page says\n%s", page.body)
	}
	line := g.waitForLog("about the back end", func(line logLine) bool {
		return strings.Contains(fmt.Sprint(line["error"]), "provider staff: ") && strings.Contains(fmt.Sprint(line["error"]), "status 502")
	})
	if strings.Contains(fmt.Sprint(line), password) {
		t.Errorf("the log holds the password: %v", line)
	}
	own.down.Store(false)
	if got := b.staff("dora", password); got.status != http.StatusOK {
		t.Errorf("when it is back: %d %s", got.status, got.body)
	}
}

// A user who is taken out of the file is out, and one who is put in may come in,
// without a reload.
func TestUsersFileUnderTheRunningGateway(t *testing.T) {
	g, _, file := startTwo(t)
	alice := g.browser().signIn("alice")
	passes := func() bool { return alice.get("/app/").status == http.StatusOK }
	if !passes() || g.browser().trySignIn("bob", password).status != http.StatusUnauthorized {
		t.Fatal("the file doesn't hold")
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s doesn't come true", what)
			}
		}
	}
	writeUsers(t, file, "bob")
	until("alice is out", func() bool { return !passes() })
	g.browser().signIn("bob")

	if err := os.WriteFile(file, []byte("alice:clear text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	until("a line about the broken file", func() bool {
		g.browser().get("/api/auth/session", "Cookie: next-auth.session-token="+seal(t, secret, g.claimsOf()))
		for _, line := range g.logs() {
			if strings.Contains(fmt.Sprint(line["error"]), file+`:1: user "alice"`) {
				return true
			}
		}
		return false
	})
	g.browser().signIn("bob")
	writeUsers(t, file, "alice")
	until("alice is in again", passes)
}
