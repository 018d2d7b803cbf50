package nodes

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const oneSite = `
http://localhost:PORT {
	signin {
		secret SECRET
		session {
			strategy STRATEGY
		}
		USERS
	}
	require_signin /app/*
	reverse_proxy UPSTREAM
}
`

type listed struct {
	ID        string    `json:"id"`
	Realm     string    `json:"realm"`
	User      string    `json:"user"`
	Provider  string    `json:"provider"`
	Started   time.Time `json:"started"`
	Expires   time.Time `json:"expires"`
	UserAgent string    `json:"user_agent"`
}

// list is what caddy signin sessions list --json says.
func (n *node) list(args ...string) (found []listed) {
	n.t.Helper()
	code, out, errs := n.run(append([]string{"signin", "sessions", "list", "--json", "--address", n.admin}, args...)...)
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != 0 || found == nil {
		n.t.Fatalf("listing ends with %d %s %s: %v", code, out, errs, err)
	}
	return found
}

// What an operator does, with both strategies.
func TestSessionsByCommand(t *testing.T) {
	for _, strategy := range []string{"jwt", "database"} {
		t.Run(strategy, func(t *testing.T) {
			n := start(t, echo(t), oneSite, "STRATEGY", strategy)
			if found := n.list(); len(found) != 0 {
				t.Fatalf("before anyone signs in there are %v", found)
			}
			alice, phone, bob := n.browser("laptop").signIn(t, "alice"), n.browser("phone").signIn(t, "alice"), n.browser("tablet").signIn(t, "bob")
			all := n.list()
			if len(all) != 3 || len(n.list("--user", "credentials:alice")) != 2 || len(n.list("--realm", n.origin)) != 3 || len(n.list("--realm", "https://other.example")) != 0 {
				t.Fatalf("the sessions are %v", all)
			}
			first := all[slices.IndexFunc(all, func(one listed) bool { return one.UserAgent == "laptop" })]
			if first.Realm != n.origin || first.User != "credentials:alice" || first.Provider != "credentials" || len(first.ID) != 32 ||
				time.Since(first.Started) > time.Hour || time.Until(first.Expires) < 89*24*time.Hour {
				t.Errorf("the first session is %+v", first)
			}
			code, out, _ := n.run("signin", "sessions", "list", "--address", n.admin)
			if lines := strings.Split(strings.TrimSpace(out), "\n"); code != 0 || len(lines) != 4 || !strings.Contains(out, first.ID) || !strings.HasPrefix(lines[0], "SESSION") {
				t.Errorf("the table ends with %d:\n%s", code, out)
			}
			code, out, errs := n.run("signin", "sessions", "revoke", first.ID, "--address", n.admin)
			if code != 0 || out != "sessions revoked: 1\n" {
				t.Errorf("revoking ends with %d %s %s", code, out, errs)
			}
			if alice.passes(t, "alice") || !phone.passes(t, "alice") || !bob.passes(t, "bob") {
				t.Error("revoking one session did not end that one alone")
			}
			alice.signIn(t, "alice")
			if code, out, _ := n.run("signin", "sessions", "revoke", "--json", "--user", "credentials:alice", "--address", n.admin); code != 0 || out != `{"revoked":2}`+"\n" {
				t.Errorf("revoking those of a user ends with %d %s", code, out)
			}
			if alice.passes(t, "alice") || phone.passes(t, "alice") || !bob.passes(t, "bob") {
				t.Error("revoking a user's sessions did not end those alone")
			}
			if got := alice.get(t, "/api/auth/session"); got.body != "{}" {
				t.Errorf("GET session gives %s", got.body)
			}
			if found := n.list(); len(found) != 1 || found[0].User != "credentials:bob" {
				t.Errorf("what is left is %v", found)
			}
		})
	}
}

func TestMistakesOfTheCommand(t *testing.T) {
	n := start(t, echo(t), strings.Replace(oneSite, "signin {", "signin {\n\t\turl http://localhost:PORT", 1), "STRATEGY", "jwt")
	bob := n.browser().signIn(t, "bob")
	off := filepath.Join(t.TempDir(), "off")
	if err := os.WriteFile(off, []byte("{\n\tadmin off\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"neither a session nor a user", []string{"revoke"}, "name either one session by its id, or a user with --user"},
		{"both", []string{"revoke", "x", "--user", "y"}, "name either one session"},
		{"two sessions", []string{"revoke", "x", "y"}, "accepts at most 1 arg"},
		{"a session that isn't there", []string{"revoke", "0123456789abcdef"}, "no session"},
		{"a realm that isn't there", []string{"list", "--realm", strings.Replace(n.origin, "localhost", "localhots", 1)}, "is running: name " + n.origin + ", or the address"},
		{"a user for a list of arguments", []string{"list", "credentials:bob"}, "unknown command"},
		{"a command that isn't there", []string{"lst"}, `unknown command "lst" for "caddy signin sessions": write one of list, revoke`},
		{"an admin API that isn't there", []string{"list", "--address", "127.0.0.1:1"}, "is Caddy running"},
		{"a site instead of the admin API", []string{"list", "--address", strings.TrimPrefix(n.origin, "http://")}, "is not Caddy's admin API"},
		{"an admin API that the configuration switches off", []string{"list", "--config", off, "--adapter", "caddyfile"}, "switches Caddy's admin API off"},
	} {
		args := append([]string{"signin", "sessions"}, test.args...)
		if line := strings.Join(args, " "); !strings.Contains(line, "--address") && !strings.Contains(line, "--config") {
			args = append(args, "--address", n.admin)
		}
		code, out, errs := n.run(args...)
		if code != 1 || !strings.Contains(errs, test.says) || out != "" {
			t.Errorf("%s ends with %d and says %s%s", test.name, code, out, errs)
		}
	}
	if code, out, _ := n.run("signin", "sessions", "revoke", "--user", "nobody", "--address", n.admin); code != 0 || out != "sessions revoked: 0\n" {
		t.Errorf("revoking nobody's sessions ends with %d %s", code, out)
	}
	if !bob.passes(t, "bob") {
		t.Error("a mistake ended a session")
	}
}

func TestAdminAPI(t *testing.T) {
	n := start(t, echo(t), oneSite, "STRATEGY", "jwt")
	bob := n.browser().signIn(t, "bob")
	for _, test := range []struct {
		method, path string
		status       int
		says         string
	}{
		{http.MethodDelete, "/signin/sessions", http.StatusBadRequest, `"error":"name the user`},
		{http.MethodDelete, "/signin/sessions?user=", http.StatusBadRequest, `"error":"name the user`},
		{http.MethodDelete, "/signin/sessions/", http.StatusNotFound, `"error":"no session`},
		{http.MethodDelete, "/signin/sessions/..%2f..", http.StatusNotFound, `"error":"no session`},
		{http.MethodPost, "/signin/sessions", http.StatusMethodNotAllowed, `"error":"only GET, DELETE here"`},
		{http.MethodGet, "/signin/sessions/x", http.StatusMethodNotAllowed, `"error":"only DELETE here"`},
		{http.MethodGet, "/signin/sessions?realm=other", http.StatusNotFound, `"error":"no realm`},
		{http.MethodGet, "/signin/sessions?user=credentials:alice", http.StatusOK, "[]\n"},
	} {
		if status, body := n.ask(test.method, test.path, "", ""); status != test.status || !strings.Contains(body, test.says) {
			t.Errorf("%s %s gives %d %s", test.method, test.path, status, body)
		}
	}
	if !bob.passes(t, "bob") {
		t.Error("a mistake ended a session")
	}
	n.reload("http://localhost:PORT {\n\trespond ok\n}")
	if status, body := n.ask(http.MethodGet, "/signin/sessions", "", ""); status != http.StatusNotFound || !strings.Contains(body, "no signin") {
		t.Errorf("without a realm the answer is %d %s", status, body)
	}
}

// Two nodes behind one address, with one secret and no store between them:
// sessions hold on both, and what is revoked on one is not known on the other.
func TestTwoNodesWithASharedSecret(t *testing.T) {
	upstream := echo(t)
	site := strings.Replace(oneSite, "signin {", "signin {\n\t\turl http://localhost:ONE", 1)
	a := start(t, upstream, site, "STRATEGY", "jwt", "ONE", "8080")
	b := start(t, upstream, site, "STRATEGY", "jwt", "ONE", "8080")
	alice := a.browser().signIn(t, "alice")
	there := alice.at(b)
	if !there.passes(t, "alice") {
		t.Fatal("a session of one node does not hold on the other")
	}
	if got := there.get(t, "/api/auth/session"); !strings.Contains(got.body, `"expires"`) {
		t.Errorf("GET session on the other gives %s", got.body)
	}
	copied := alice.at(b)
	if got, err := alice.post(t.Context(), "/api/auth/signout"); err != nil || got.status != http.StatusOK {
		t.Fatal(got, err)
	}
	if alice.passes(t, "alice") {
		t.Error("the node that signed out lets the session in")
	}
	// What docs/operations.md says about this: a copy of the cookie.
	if !copied.passes(t, "alice") {
		t.Error("revocations travel: say so in docs/operations.md")
	}
}
