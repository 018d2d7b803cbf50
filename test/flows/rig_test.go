// Package flows tests the running gateway from outside: over HTTP, and over
// sockets where HTTP clients are too polite.
package flows

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-signin/caddy-signin"
)

const (
	secret   = "the secret of these tests, of more than 32 bytes"
	password = "correct horse"
	hash     = "$2a$04$M8sUdgdnmIyAhm4RGMv0PubGiihoXBJb9FIYyHkPKFYA3LvOVM5tK" // of password, cost 4
)

// gateway is a Caddy in this process.
type gateway struct {
	t      *testing.T
	port   string
	origin string
	echo   *echo
}

// start runs the Caddyfile, in which PORT, ECHO, SECRET and HASH are replaced.
func start(t *testing.T, caddyfile string) *gateway {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, dir)
	}
	g := &gateway{t: t, port: freePort(t), echo: newEcho(t)}
	g.origin = "http://localhost:" + g.port
	g.load(caddyfile)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// load replaces the running configuration, as caddy reload does.
func (g *gateway) load(caddyfile string) {
	g.t.Helper()
	if !strings.HasPrefix(caddyfile, "{") {
		caddyfile = "{\n}\n" + caddyfile
	}
	caddyfile = strings.Replace(caddyfile, "{\n", "{\nadmin off\npersist_config off\ngrace_period 1ns\ndefault_bind 127.0.0.1\n", 1)
	caddyfile = strings.NewReplacer("PORT", g.port, "ECHO", g.echo.address(), "SECRET", `"`+secret+`"`, "HASH", hash).Replace(caddyfile)
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		g.t.Fatal(err)
	}
	if err := caddy.Run(&config); err != nil {
		g.t.Fatal(err)
	}
	settle(g.origin)
}

// settle asks until there is an answer: at a reload Caddy's old server may still
// take one connection, and close it.
func settle(origin string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 20 {
		if response, err := client.Get(origin + "/api/auth/providers"); err == nil {
			response.Body.Close()
			return
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// echo is an upstream that remembers the requests that reached it.
type echo struct {
	*httptest.Server

	mu   sync.Mutex
	seen []*http.Request
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	e := new(echo)
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // trailers arrive behind the body
		e.mu.Lock()
		e.seen = append(e.seen, r)
		e.mu.Unlock()
		w.Header().Add("Set-Cookie", "app=1")
		w.Header().Add("Set-Cookie", "next-auth.session-token=forged; Path=/")
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		if r.URL.Query().Get("cache") != "" {
			w.Header().Set("Cache-Control", r.URL.Query().Get("cache"))
		}
		fmt.Fprint(w, "upstream")
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *echo) address() string { return strings.TrimPrefix(e.URL, "http://") }

// take returns the requests that reached the upstream since it was last asked.
func (e *echo) take() []*http.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	seen := e.seen
	e.seen = nil
	return seen
}

// browser keeps cookies and follows no redirect.
type browser struct {
	g       *gateway
	cookies map[string]string
	headers http.Header
}

func (g *gateway) browser() *browser {
	return &browser{g: g, cookies: make(map[string]string), headers: make(http.Header)}
}

// copy is another browser with the same cookies.
func (b *browser) copy() *browser {
	return &browser{g: b.g, cookies: maps.Clone(b.cookies), headers: b.headers.Clone()}
}

type answer struct {
	*http.Response
	body string
}

func (b *browser) send(method, target, body string, headers ...string) answer {
	b.g.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.g.origin + target
	}
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		b.g.t.Fatal(err)
	}
	r.Header = b.headers.Clone()
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range b.cookies {
		r.Header.Add("Cookie", name+"="+value)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.g.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.g.t.Fatal(err)
	}
	for _, cookie := range response.Cookies() {
		if cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		} else {
			b.cookies[cookie.Name] = cookie.Value
		}
	}
	return answer{response, string(text)}
}

func (b *browser) get(target string, headers ...string) answer {
	b.g.t.Helper()
	return b.send("GET", target, "", headers...)
}

// page asks as a browser does that shows the answer.
func (b *browser) page(target string, headers ...string) answer {
	b.g.t.Helper()
	return b.get(target, append([]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, headers...)...)
}

func (b *browser) csrf() string {
	b.g.t.Helper()
	var got struct{ CSRFToken string }
	if err := json.Unmarshal([]byte(b.get("/api/auth/csrf").body), &got); err != nil {
		b.g.t.Fatal(err)
	}
	return got.CSRFToken
}

// post sends a form with the browser's token.
func (b *browser) post(target string, pairs ...string) answer {
	b.g.t.Helper()
	form := url.Values{"csrfToken": {b.csrf()}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.send("POST", target, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func (b *browser) signIn(user string) {
	b.g.t.Helper()
	got := b.post("/api/auth/callback/credentials", "username", user, "password", password, "json", "true")
	if got.StatusCode != http.StatusOK {
		b.g.t.Fatalf("signing in as %s: %d %s", user, got.StatusCode, got.body)
	}
}

func (b *browser) signedIn() bool {
	b.g.t.Helper()
	return b.get("/api/auth/session").body != "{}"
}

func (a answer) want(t *testing.T, status int, header, value string) {
	t.Helper()
	if a.StatusCode != status || (header != "" && a.Header.Get(header) != value) {
		t.Errorf("%s %s: %d with %s %q, want %d with %q\n%s", a.Request.Method, a.Request.URL.Path,
			a.StatusCode, header, a.Header.Get(header), status, value, a.body)
	}
}

// site is the usual gateway: a guarded upstream and an open one.
const site = `http://localhost:PORT {
	signin {
		secret SECRET
		credentials {
			alice HASH {
				name "Alice Example"
				email alice@example.com
				groups admins "a,b"
			}
			bob HASH
		}
	}
	require_signin /app/*
	require_signin /admins/* {
		group admins
		email *@example.com
	}
	require_signin /maybe/* {
		optional
	}
	reverse_proxy ECHO
}
`
