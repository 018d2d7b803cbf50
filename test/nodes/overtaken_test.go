package nodes

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// askingSite signs in by a back end, which may take its time.
const askingSite = `
http://localhost:PORT {
	signin {
		secret SECRET
		session {
			strategy STRATEGY
		}
		credentials {
			http BACKEND
		}
	}
	require_signin /app/*
	reverse_proxy UPSTREAM
}
`

// A sign-in that is under way when all sessions of its user end ends with them:
// it isn't on the list yet, and its password may be what was just changed.
func TestASignInIsOvertaken(t *testing.T) {
	for _, strategy := range []string{"jwt", "database"} {
		t.Run(strategy, func(t *testing.T) {
			checking, goOn := make(chan struct{}), make(chan struct{})
			backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				checking <- struct{}{}
				<-goOn
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"id":"1"}`)
			}))
			t.Cleanup(backend.Close)
			n := start(t, echo(t), askingSite, "STRATEGY", strategy, "BACKEND", backend.URL)
			begin := func(b *browser) <-chan answer {
				ended := make(chan answer, 1)
				go func() {
					got, err := b.post(t.Context(), "/api/auth/callback/credentials", "username", "alice", "password", password)
					if err != nil {
						t.Error(err)
					}
					ended <- got
				}()
				<-checking
				return ended
			}
			let := func(ended <-chan answer) int { goOn <- struct{}{}; return (<-ended).status }

			here, thief := n.browser(), n.browser()
			if got := let(begin(here)); got != http.StatusOK {
				t.Fatalf("signing in is answered %d", got)
			}
			for how, end := range map[string]func(){
				"signing out everywhere": func() {
					if got, err := here.post(t.Context(), "/api/auth/signout", "everywhere", "true"); err != nil || got.status != http.StatusOK {
						t.Errorf("signing out is answered %d, %v", got.status, err)
					}
				},
				"revoking by command": func() {
					if code, out, errs := n.run("signin", "sessions", "revoke", "--user", "credentials:1", "--address", n.admin); code != 0 {
						t.Errorf("revoking ends with %d %s %s", code, out, errs)
					}
				},
			} {
				pending := begin(thief)
				end()
				if got := let(pending); got != http.StatusServiceUnavailable || thief.passes(t, "credentials:1") {
					t.Errorf("%s: a sign-in under way is answered %d", how, got)
				}
				if found := n.list(); len(found) > 0 {
					t.Errorf("%s leaves %v", how, found)
				}
				if got := let(begin(here)); got != http.StatusOK || !here.passes(t, "credentials:1") {
					t.Errorf("%s: signing in afterwards is answered %d", how, got)
				}
			}
		})
	}
}
