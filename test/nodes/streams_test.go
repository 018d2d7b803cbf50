//go:build services

package nodes

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

// A stream is watched by the configuration that it began under, whose store is
// shared with the next one. A store that had gone with it would end the stream
// after five seconds.
const beyondGrace = 7 * time.Second

func TestStreamsOutliveAReloadAndEndWithTheirSession(t *testing.T) {
	t.Parallel()
	redis, postgres, upstream := servers.StartRedis(t), servers.StartPostgres(t), echo(t)
	for name, store := range map[string]string{
		"bolt":               "store bolt",
		"memory":             "store memory",
		"redis":              "store redis " + redis.URL(),
		"postgres":           "store postgres " + postgres.DSN(),
		"shared with Authjs": "store postgres " + postgres.DSN() + " {\n\t\t\tschema shared\n\t\t\tinsecure_authjs_sessions\n\t\t}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signin := strings.NewReplacer("oidc corp ISSUER CLIENT CREDENTIAL", "", "STORE", store).Replace(reloadRealm)
			n := start(t, upstream, site(signin, 0), "STRATEGY", "database")
			alice := n.browser().signIn(t, "alice")
			say, _ := alice.socket(t, "/app/socket")
			for round := 1; round <= 2; round++ {
				n.reload(site(signin, round))
			}
			for began, i := time.Now(), 0; time.Since(began) < beyondGrace; i++ {
				if err := say(fmt.Sprint("still here ", i)); err != nil {
					t.Fatalf("%v after a reload: %v", time.Since(began), err)
				}
				if i%100 == 0 && !alice.passes(t, "alice") {
					t.Fatal("the session is over")
				}
				time.Sleep(5 * time.Millisecond) // eased: the machine has others to serve
			}
			alice.signOut(t)
			soon(t, "the stream outlives its session", func() bool { return say("still here") != nil })
		})
	}
}
