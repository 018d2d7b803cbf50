// Package nodes tests Caddy with this module as processes of their own: several
// at once, reloaded, and commanded from outside.
package nodes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/test/servers"
)

const (
	secret   = "the secret of these tests, of more than 32 bytes"
	password = "correct horse"
	hash     = "$2a$04$M8sUdgdnmIyAhm4RGMv0PubGiihoXBJb9FIYyHkPKFYA3LvOVM5tK" // of password, cost 4
)

// binary is Caddy with this module.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "signin-nodes")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "caddy")
		build := exec.Command("go", "build", "-o", binary, "../../cmd/caddy")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "building Caddy:", err)
			return 1
		}
		return m.Run()
	}())
}

// node is a running Caddy.
type node struct {
	t       *testing.T
	process *servers.Process
	origin  string
	admin   string
	dir     string
	round   int // of the configuration that runs
	fill    *strings.Replacer
}

// start runs a Caddyfile, in which PORT, UPSTREAM, SECRET and USERS are
// replaced, and more pairs. GLOBALS are further global options.
func start(t *testing.T, upstream, caddyfile string, pairs ...string) *node {
	t.Helper()
	n := &node{t: t, dir: t.TempDir(), admin: fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t))}
	port := fmt.Sprint(servers.FreePort(t))
	n.origin = "http://localhost:" + port
	n.fill = strings.NewReplacer(append(slices.Clone(pairs), "GLOBALS", "", "PORT", port, "UPSTREAM", upstream, "SECRET", `"`+secret+`"`,
		"USERS", "credentials {\nalice "+hash+"\nbob "+hash+"\n}")...)
	config := filepath.Join(n.dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(n.caddyfile(caddyfile)), 0o600); err != nil {
		t.Fatal(err)
	}
	n.process = servers.Start(t, n.command("run", "--config", config, "--adapter", "caddyfile"), func() error {
		response, err := http.Get(n.origin + "/")
		if err == nil {
			response.Body.Close()
		}
		return err
	})
	return n
}

func (n *node) caddyfile(text string) string {
	return n.fill.Replace("{\n\tadmin " + n.admin + "\n\tpersist_config off\n\tdefault_bind 127.0.0.1\n\tGLOBALS\n}\n" + text)
}

// command is a call of the binary, with nothing of this machine's.
func (n *node) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(n.t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), "HOME="+n.dir, "XDG_DATA_HOME="+n.dir, "XDG_CONFIG_HOME="+n.dir)
	return cmd
}

// run calls the binary to its end.
func (n *node) run(args ...string) (code int, stdout, stderr string) {
	n.t.Helper()
	cmd := n.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		n.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// ask sends a request to the admin API.
func (n *node) ask(method, path, kind, body string) (status int, answer string) {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), method, "http://"+n.admin+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// reload loads another Caddyfile, as caddy reload does.
func (n *node) reload(caddyfile string) {
	n.t.Helper()
	if status, answer := n.ask(http.MethodPost, "/load", "text/caddyfile", n.caddyfile(caddyfile)); status != http.StatusOK {
		n.t.Fatalf("reloading gives %d %s", status, answer)
	}
}

// echo is an upstream that answers with who it is told the user is. Event
// streams, below a path that ends in /events, have no end of their own.
func echo(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			talkBack(w)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: first\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		fmt.Fprintf(w, "user %s", r.Header.Get("Remote-User"))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// talkBack switches to a protocol that says back what it hears.
func talkBack(w http.ResponseWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.Copy(conn, rw)
}

// browser keeps cookies and follows no redirect.
type browser struct {
	client *http.Client
	origin string
	agent  string
}

func (n *node) browser(agent ...string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	transport := new(http.Transport)
	n.t.Cleanup(transport.CloseIdleConnections)
	return &browser{origin: n.origin, agent: strings.Join(agent, " "), client: &http.Client{
		Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// at is the same browser at another node, which it takes for the same site.
func (b *browser) at(n *node) *browser {
	here, _ := url.Parse(b.origin)
	there := n.browser()
	to, _ := url.Parse(n.origin)
	there.client.Jar.SetCookies(to, b.client.Jar.Cookies(here))
	return there
}

// and is the same browser at another node of the same site: it goes on with the
// same cookies.
func (b *browser) and(n *node) *browser {
	other := *b
	other.origin = n.origin
	return &other
}

// answer is a response with its body read.
type answer struct {
	status   int
	body     string
	location string
}

func (b *browser) send(ctx context.Context, method, path string, form url.Values) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, fmt.Errorf("making a request: %w", err)
	}
	r.Header.Set("User-Agent", b.agent)
	r.Header.Set("Accept", "text/html") // a page view, which renews
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.client.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return answer{response.StatusCode, string(body), response.Header.Get("Location")}, nil
}

func (b *browser) get(t *testing.T, path string) answer {
	t.Helper()
	got, err := b.send(t.Context(), http.MethodGet, path, nil)
	if errors.Is(err, io.EOF) {
		// A configuration that fails to start has the same listener for a moment, and
		// closes what it accepted. Browsers ask once more.
		got, err = b.send(t.Context(), http.MethodGet, path, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// post sends a form with the CSRF token.
func (b *browser) post(ctx context.Context, path string, pairs ...string) (answer, error) {
	got, err := b.send(ctx, http.MethodGet, "/api/auth/csrf", nil)
	if err != nil {
		return got, err
	}
	var token struct{ CSRFToken string }
	if err := json.Unmarshal([]byte(got.body), &token); err != nil {
		return got, fmt.Errorf("GET csrf gives %d %q: %w", got.status, got.body, errWrong)
	}
	form := url.Values{"csrfToken": {token.CSRFToken}, "json": {"true"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.send(ctx, http.MethodPost, path, form)
}

// errWrong says that there was an answer, and that it was wrong.
var errWrong = errors.New("a wrong answer")

func (b *browser) signIn(t *testing.T, user string) *browser {
	t.Helper()
	got, err := b.post(t.Context(), "/api/auth/callback/credentials", "username", user, "password", password)
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("signing in as %s: %d %s, %v", user, got.status, got.body, err)
	}
	return b
}

func (b *browser) signInIf(t *testing.T, needed bool) *browser {
	t.Helper()
	if needed {
		b.signIn(t, "bob")
	}
	return b
}

// passes says whether a gate lets the browser in, as whom it said.
func (b *browser) passes(t *testing.T, user string) bool {
	t.Helper()
	got := b.get(t, "/app/")
	if got.status == http.StatusOK && got.body != "user "+user {
		t.Errorf("the upstream was told %q", got.body)
	}
	return got.status == http.StatusOK
}
