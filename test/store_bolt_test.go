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
