//go:build services

package nodes

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

// rounds is how often the way of a sign-out to the other node is measured.
const rounds = 200

// A sign-out on one node is known on the other: measured from its answer to the
// first refusal, of a session that the other node has in memory.
func TestSignOutTravels(t *testing.T) {
	onEveryStore(t, func(t *testing.T, p *pair) {
		took := make([]time.Duration, rounds)
		late := 0 // refused at the second try or later
		for i := range took {
			here := p.a.browser()
			here.signIn(t, "alice")
			there, copied := here.and(p.b), here.at(p.a)
			for range 2 { // asked of the store, and remembered
				if !copied.passes(t, "credentials:alice") {
					t.Fatal("the session does not hold")
				}
			}
			there.signOut(t)
			began, tries := time.Now(), 0
			soon(t, "a session that has ended on one node goes on on the other", func() bool {
				tries++
				return copied.refused(t)
			})
			took[i] = time.Since(began)
			if tries > 1 {
				late++
			}
			here.client.CloseIdleConnections()
			copied.client.CloseIdleConnections()
		}
		slices.Sort(took)
		t.Logf("the other node refuses the session after %v at p50, %v at p99, %v at most of %d; it let %d more requests in",
			took[rounds/2], took[rounds*99/100], took[rounds-1], rounds, late)
	})
}

// Without a secret in the configuration nodes with one storage make one, also
// when both need it first at the same time.
func TestNodesShareTheGeneratedSecret(t *testing.T) {
	redis, upstream := servers.StartRedis(t), echo(t)
	site := strings.NewReplacer("secret SECRET\n", "", "STRATEGY", "jwt").Replace(oneSite)
	site = strings.Replace(site, "signin {", "signin {\n\t\turl http://localhost:8080\n\t\tstore redis "+redis.URL(), 1)
	storage := "storage file_system " + t.TempDir()
	a, b := start(t, upstream, site, "GLOBALS", storage), start(t, upstream, site, "GLOBALS", storage)
	asked := make(chan answer, 2)
	for _, n := range []*node{a, b} {
		go func() {
			got, err := n.browser().send(t.Context(), http.MethodGet, "/api/auth/csrf", nil)
			if err != nil {
				t.Error(err)
			}
			asked <- got
		}()
	}
	for range 2 {
		var token struct{ CSRFToken string }
		if got := <-asked; json.Unmarshal([]byte(got.body), &token) != nil || token.CSRFToken == "" {
			t.Errorf("the first request is answered %d %s", got.status, got.body)
		}
	}
	alice := a.browser().signIn(t, "alice")
	if !alice.and(b).passes(t, "alice") {
		t.Fatal("the other node can't open what one has sealed")
	}
	alice.and(b).signOut(t)
	if !alice.refused(t) {
		t.Error("signing out on the other node leaves the session")
	}
	other := start(t, upstream, site)
	if bob := a.browser().signIn(t, "bob"); bob.and(other).passes(t, "bob") {
		t.Error("a node with a storage of its own has the same secret")
	}
}
