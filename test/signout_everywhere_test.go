package test

import (
	"net/http"
	"strings"
	"testing"
)

// Sign out everywhere: every session of the person, of both strategies, and
// nobody else's.
func TestSignOutEverywhere(t *testing.T) {
	for _, lines := range []string{"strategy jwt", "strategy database"} {
		t.Run(lines, func(t *testing.T) {
			g := start(t, sessionSite(lines))
			here, phone, laptop, bob := g.browser().signIn("alice"), g.browser().signIn("alice"), g.browser().signIn("alice"), g.browser().signIn("bob")
			copied := here.token()
			if got := here.post("/api/auth/signout", "everywhere=true&json=true"); !strings.Contains(got.body, "csrf=true") || !phone.signedIn() {
				t.Fatalf("without the CSRF token it is answered %s", got.body)
			}
			for _, value := range []string{"1", "TRUE", "yes", ""} {
				other := g.browser().signIn("alice")
				other.post("/api/auth/signout", other.form("everywhere", value))
				if other.signedIn() || !phone.signedIn() {
					t.Fatalf("everywhere=%s: the session itself lives: %t, others live: %t", value, other.signedIn(), phone.signedIn())
				}
			}
			got := here.post("/api/auth/signout", here.form("everywhere", "true", "json", "true", "callbackUrl", "/bye"))
			if want := `{"url":"` + g.origin + `/bye"}`; got.status != http.StatusOK || got.body != want {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			for name, b := range map[string]*browser{"this browser": here, "a copy": g.browser().withToken(copied), "the phone": phone, "the laptop": laptop} {
				if b.get("/app/").status != http.StatusUnauthorized || b.signedIn() {
					t.Errorf("%s is still signed in", name)
				}
			}
			if !bob.signedIn() {
				t.Error("bob was signed out too")
			}
			if !here.signIn("alice").signedIn() {
				t.Error("signing in again does not work")
			}
		})
	}
}

// The page offers both, without a script.
func TestSignOutEverywhereFromThePage(t *testing.T) {
	g := start(t, onePasswordSite)
	b, other := g.browser().signIn("alice"), g.browser().signIn("alice")
	page := b.visit("/api/auth/signout")
	if !strings.Contains(page.body, `name="everywhere" value="true"`) {
		t.Fatalf("no such button on\n%s", page.body)
	}
	if got := b.post("/api/auth/signout", b.form("callbackUrl", "/", "everywhere", "true"), "Origin: null", "Sec-Fetch-Site: same-origin"); got.status != http.StatusFound {
		t.Errorf("status %d", got.status)
	}
	if other.signedIn() {
		t.Error("the other session lives on")
	}
}
