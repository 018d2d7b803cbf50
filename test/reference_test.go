package test

import (
	"net/http"
	"testing"
)

// The pages of answers that lead nowhere show a reference too, and the log has it.
func TestTheReferenceOfAPageThatRefuses(t *testing.T) {
	t.Setenv("BACKEND", "http://127.0.0.1:1/")
	g := start(t, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
		credentials {
			id staff
			http {$BACKEND}
		}
	}
	require_signin /admin/* {
		group admins
	}
	respond "ok"
}
`)
	bob := g.browser().signIn("bob")
	for name, refused := range map[string]struct {
		page   answer
		status int
	}{
		"a rule that refuses": {bob.visit("/admin/"), http.StatusForbidden},
		"a back end that is down": {
			bob.post("/api/auth/callback/staff", bob.form("username", "dora", "password", "x"), "Accept: text/html"),
			http.StatusServiceUnavailable,
		},
	} {
		shown := shownReference.FindStringSubmatch(refused.page.body)
		if refused.page.status != refused.status || shown == nil {
			t.Errorf("%s: %d without a reference:\n%s", name, refused.page.status, refused.page.body)
			continue
		}
		g.logged(shown[1])
	}
}
