package nodes

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// reloads is how often the configuration is loaded anew under load.
const reloads = 100

// reloadSite differs from one ROUND to the next, so that Caddy takes it for
// new. Idle connections to upstreams would outlive each configuration.
const reloadSite = `
http://localhost:PORT {
	SIGNIN
	header X-Round ROUND
	reverse_proxy UPSTREAM {
		stream_close_delay 10m
		transport http {
			keepalive off
		}
	}
}
`

// changingStore has other options in each round.
const changingStore = `store bolt {
			max_size SIZEMiB
		}`

const reloadRealm = `signin {
		secret SECRET
		STORE
		session {
			strategy STRATEGY
		}
		oidc corp ISSUER CLIENT CREDENTIAL
		USERS
	}
	require_signin /app/*`

// usage is what a process holds.
type usage struct{ goroutines, descriptors, heap int }

var (
	goroutineTotal = regexp.MustCompile(`goroutine profile: total (\d+)`)
	heapAlloc      = regexp.MustCompile(`# HeapAlloc = (\d+)`)
)

// usage counts what the process holds once it is at rest.
func (n *node) usage() usage {
	n.t.Helper()
	number := func(path string, pattern *regexp.Regexp) int {
		_, body := n.ask(http.MethodGet, path, "", "")
		found := pattern.FindStringSubmatch(body)
		if found == nil {
			n.t.Fatalf("%s says\n%s", path, body)
		}
		value, err := strconv.Atoi(found[1])
		if err != nil {
			n.t.Fatal(err)
		}
		return value
	}
	descriptors, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(n.process.ID()), "fd"))
	if err != nil {
		n.t.Fatal(err)
	}
	return usage{
		goroutines:  number("/debug/pprof/goroutine?debug=1", goroutineTotal),
		descriptors: len(descriptors),
		heap:        number("/debug/pprof/heap?gc=1&debug=1", heapAlloc),
	}
}

func (u usage) minus(before usage) usage {
	return usage{u.goroutines - before.goroutines, u.descriptors - before.descriptors, u.heap - before.heap}
}

// atRest counts what the process holds once that is fine: connections idle
// away. If it never is, that is the last count.
func (n *node) atRest(fine func(usage) bool) usage {
	n.t.Helper()
	now := n.usage()
	for deadline := time.Now().Add(20 * time.Second); !fine(now) && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		now = n.usage()
	}
	return now
}

func site(signin string, round int) string {
	signin = strings.ReplaceAll(signin, "SIZE", strconv.Itoa(64+round))
	return strings.NewReplacer("SIGNIN", signin, "ROUND", fmt.Sprint("r", round)).Replace(reloadSite)
}

// reloadUnderLoad reloads a node a hundred times while it is asked, with a
// WebSocket open, and returns what it holds more of afterwards.
func (n *node) reloadUnderLoad(signin string, begin func() *load, fine func(grown usage) bool) usage {
	n.t.Helper()
	begin().finish(n, signin, 5) // what is made once is made now
	before := n.usage()
	begin().finish(n, signin, reloads)
	return n.atRest(func(now usage) bool { return fine(now.minus(before)) }).minus(before)
}

// finish reloads the node so often, and then ends the load.
func (l *load) finish(n *node, signin string, rounds int) {
	l.t.Helper()
	say, hangUp := n.browser().signInIf(l.t, signin != "").socket(l.t, "/app/socket")
	defer hangUp()
	for range rounds {
		n.round++
		n.reload(site(signin, n.round))
		l.more(30)
		if err := say(fmt.Sprint("round ", n.round)); err != nil {
			l.t.Fatalf("the WebSocket after %d reloads: %v", n.round, err)
		}
	}
	l.end(int64(rounds))
}

// A hundred reloads under load give no wrong answer, sign nobody out, keep a
// WebSocket open, and leave nothing behind that they don't leave in a Caddy
// without this module's directives.
func TestReloadsUnderLoad(t *testing.T) {
	op := providertest.New(t)
	upstream := echo(t)
	without := start(t, upstream, site("", 0))
	plain := without.reloadUnderLoad("", without.plainLoad, func(usage) bool { return true })
	t.Logf("%d reloads of plain Caddy leave %+v behind", reloads, plain)
	most := usage{goroutines: max(plain.goroutines, 0) + 10, descriptors: max(plain.descriptors, 0) + 10, heap: max(plain.heap, 0) + 8<<20}
	fits := func(grown usage) bool {
		return grown.goroutines <= most.goroutines && grown.descriptors <= most.descriptors && grown.heap <= most.heap
	}
	for _, strategy := range []string{"jwt", "database"} {
		t.Run(strategy, func(t *testing.T) {
			signin := strings.NewReplacer("STRATEGY", strategy, "STORE", changingStore).Replace(reloadRealm)
			n := start(t, upstream, site(signin, 0), "ISSUER", op.URL, "CLIENT", op.ClientID, "CREDENTIAL", op.ClientSecret)
			idle := n.browser().signIn(t, "alice")
			grown := n.reloadUnderLoad(signin, func() *load { return n.steadyLoad(op) }, fits)
			t.Logf("%d reloads leave %+v behind", reloads, grown)
			if !fits(grown) {
				t.Errorf("%d reloads leave %+v behind, of plain Caddy %+v", reloads, grown, plain)
			}
			if !idle.passes(t, "alice") {
				t.Error("who did nothing meanwhile was signed out")
			}
		})
	}
}

// taken is a port that somebody else listens on.
func taken(t *testing.T) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// A configuration that is refused leaves the running one as it was, wherever it
// is refused.
func TestABadConfigurationLeavesTheOldOneServing(t *testing.T) {
	n := start(t, echo(t), oneSite, "STRATEGY", "database")
	alice := n.browser().signIn(t, "alice")
	say, _ := alice.socket(t, "/app/socket")
	for name, bad := range map[string]string{
		"a mistake in the Caddyfile":      strings.Replace(oneSite, "strategy", "stratgy", 1),
		"a secret that isn't there":       strings.Replace(oneSite, "SECRET", "{env.NO_SUCH_SECRET}", 1),
		"a realm after one that is right": oneSite + "\nhttp://other.localhost:PORT {\n\tsignin {\n\t\tsecret {env.NO_SUCH_SECRET}\n\t\tUSERS\n\t}\n}",
		"an address that is taken":        oneSite + "\nhttp://localhost:" + taken(t) + " {\n\trespond ok\n}",
	} {
		if status, answer := n.ask(http.MethodPost, "/load", "text/caddyfile", strings.Replace(n.caddyfile(bad), "STRATEGY", "database", 1)); status == http.StatusOK {
			t.Fatalf("%s is loaded: %s", name, answer)
		}
		if !alice.passes(t, "alice") || n.browser().passes(t, "") {
			t.Errorf("%s disturbs the running configuration", name)
		}
		if err := say(name); err != nil {
			t.Errorf("%s ends a WebSocket: %v", name, err)
		}
		if len(n.list()) != 1 {
			t.Errorf("%s changes the list of sessions", name)
		}
	}
	n.browser().signIn(t, "bob")
}
