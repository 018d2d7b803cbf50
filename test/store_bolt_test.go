package test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// restart stops Caddy and starts it with another Caddyfile, as if it were a new
// process: what is kept is on the disk.
func (g *gateway) restart(sites string) {
	g.t.Helper()
	if err := caddy.Stop(); err != nil {
		g.t.Fatalf("stopping Caddy: %v", err)
	}
	g.reload("", sites)
}

func TestRevocationsSurviveARestart(t *testing.T) {
	for name, site := range map[string]string{
		"with no store configured": onePasswordSite,
		"in a file of its own":     identitySite("store bolt {$DIR}/own.db"),
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, site)
			left, stayed := g.browser().signIn("alice"), g.browser().signIn("bob")
			token := left.token()
			left.signOut()
			for range 2 {
				g.restart(site)
				if c := g.browser().withToken(token); c.signedIn() || c.get("/app/").status != http.StatusUnauthorized {
					t.Error("a session that was signed out works again")
				}
				if !stayed.signedIn() || stayed.get("/app/").status != http.StatusOK {
					t.Error("a restart signed somebody out")
				}
			}
		})
	}
}

func TestRevocationsSurviveChangesOfTheStoresOptions(t *testing.T) {
	g := start(t, identitySite("store bolt {$DIR}/own.db"))
	b := g.browser().signIn("alice")
	token := b.token()
	b.signOut()
	for _, options := range []string{"own.db {\nmax_size 2MiB\n}", "./own.db", "own.db"} {
		g.reload("", identitySite("store bolt {$DIR}/"+options))
		if g.browser().withToken(token).signedIn() {
			t.Fatal("a session that was signed out works again")
		}
	}
}

func TestAFileThatAnotherCaddyHasIsToldAndTriedAgain(t *testing.T) {
	g := start(t, onePasswordSite)
	b := g.browser().signIn("alice")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(caddy.AppDataDir(), "signin", "state.db")
	other, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.reload("", onePasswordSite)
	g.waitForLog("before any request that names the file and says what to do", func(line logLine) bool {
		text, _ := line["error"].(string)
		return line["logger"] == "signin.stores.bolt" && line["level"] == "error" &&
			strings.Contains(text, path) && strings.Contains(text, "stop the other Caddy")
	})
	got := b.get("/app/")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || len(got.header.Values("Set-Cookie")) != 0 {
		t.Errorf("a gate answers %d, %v, want 503 with Retry-After and no cookie", got.status, got.header)
	}
	if got := b.get("/open"); got.status != http.StatusOK {
		t.Errorf("an open page answers %d", got.status)
	}
	expectPagesWhileTheStoreIsAway(g, b)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if b.get("/app/").status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the gate does not recover")
		}
	}
}

// As caddy validate does, in a second process that must not want the file.
func TestValidatingBesideARunningServerNeedsNoFile(t *testing.T) {
	g := start(t, onePasswordSite)
	g.browser().signIn("alice")
	path := filepath.Join(caddy.AppDataDir(), "signin", "state.db")
	if _, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 1}); !errors.Is(err, bolterrors.ErrTimeout) {
		t.Fatalf("the server does not hold its file: %v", err)
	}
	raw, err := adapt(t, string(caddyfile.Format([]byte("{"+alwaysGlobal+"}\n"+onePasswordSite))), "Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, raw); err != nil {
		t.Errorf("validating: %v", err)
	}
}

// What people see of it leads on, and to the log.
func expectPagesWhileTheStoreIsAway(g *gateway, b *browser) {
	g.t.Helper()
	const lost = "What you sent was not saved."
	form := append([]string{"Content-Type: application/x-www-form-urlencoded"}, navigation...)
	signingIn := "csrfToken=" + b.csrf() + "&username=bob&password=" + password
	for _, test := range []struct {
		method, path, body, again string
		posted                    bool
	}{
		{http.MethodGet, "/app/", "", "", false},
		{http.MethodPost, "/app/", "a=b", "", true},
		{http.MethodPost, "/api/auth/callback/credentials", signingIn, g.origin + "/api/auth/signin", false},
		{http.MethodPost, "/api/auth/signout", "csrfToken=" + b.csrf(), g.origin + "/api/auth/signout", false},
	} {
		got := b.do(test.method, test.path, test.body, form...)
		if got.status != http.StatusServiceUnavailable || strings.Contains(got.body, lost) != test.posted ||
			!strings.Contains(got.body, `<a class="button primary" href="`+test.again+`">`) {
			g.t.Errorf("%s %s: %d\n%s", test.method, test.path, got.status, got.body)
		}
		if line := g.logged(b.reference(got)); line["level"] != "error" || line["error"] == "" {
			g.t.Errorf("%s %s: under the page's reference the log has %v", test.method, test.path, line)
		}
	}
}
