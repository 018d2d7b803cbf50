// Package held tests the gateway over a store that a test can bring to a halt.
// The store is its own; of the rest it sees what a browser and an upstream see.
package held

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-signin/caddy-signin"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/memory"
)

// heldModule is a memory store that holds what is written about mails to an
// address, until goOn is closed.
type heldModule struct{ memory.Memory }

func init() { caddy.RegisterModule(new(heldModule)) }

func (*heldModule) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: sessionstore.Namespace + ".held", New: func() caddy.Module { return new(heldModule) }}
}

func (m *heldModule) Open(realm string) (sessionstore.Store, error) {
	store, err := m.Memory.Open(realm)
	return heldStore{store}, err
}

type heldStore struct{ sessionstore.Store }

var goOn = make(chan struct{})

func (s heldStore) Update(ctx context.Context, key string, change sessionstore.Change) error {
	if strings.Contains(key, "|mail-to|") {
		<-goOn
	}
	return s.Store.Update(ctx, key, change)
}

// start runs a site with links by e-mail until the test ends.
func start(t *testing.T, mailServer string) (origin string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(fmt.Appendf(nil, `{
	admin off
	persist_config off
	default_bind 127.0.0.1
	grace_period 1ns
}

http://:%d {
	signin {
		secret "a secret of the tests, 40 bytes long ...."
		store held
		email {
			from no-reply@example.com
			smtp %s {
				tls off
			}
		}
	}
}
`, port, mailServer), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return fmt.Sprintf("http://localhost:%d", port)
}

func read(t *testing.T, response *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Whether an address is over its limit is found out after the answer: a write
// that only happens for some would tell by its time.
func TestTheAnswerDoesNotWaitForTheLimitOfAnAddress(t *testing.T) {
	server := providertest.NewMailServer(t, providertest.MailOptions{})
	origin := start(t, server.Address)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 30 * time.Second} // only an answer that waits ever meets it
	response, err := client.Get(origin + "/api/auth/csrf")
	token := strings.Trim(strings.TrimPrefix(read(t, response, err), `{"csrfToken":`), `"}`)
	response, err = client.PostForm(origin+"/api/auth/signin/email", url.Values{
		"csrfToken": {token}, "email": {"zoe@mail.example.com"}, "json": {"true"},
	})
	if got := read(t, response, err); got != `{"url":"`+origin+`/api/auth/verify-request?provider=email&type=email"}` {
		t.Errorf("the answer is %s", got)
	}
	if len(server.Mails()) != 0 {
		t.Error("the mail went out before the limit was asked")
	}
	close(goOn)
	server.Wait(t)
}

var (
	_ sessionstore.Module = (*heldModule)(nil)
	_ sessionstore.Store  = heldStore{}
)
