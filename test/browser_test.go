package test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// browser keeps cookies, follows no redirect by itself, and finds the gateway
// behind every host name.
type browser struct {
	t      *testing.T
	origin string // what paths are relative to
	names  *authjs.Names
	client *http.Client
}

// browser returns one without cookies, on http://localhost.
func (g *gateway) browser() *browser { return g.browserAt(g.origin) }

// secureBrowser is one on https://localhost.
func (g *gateway) secureBrowser() *browser {
	g.t.Helper()
	return g.browserAt(fmt.Sprintf("https://localhost:%d", g.tlsPort))
}

// browserAt returns one that takes paths as relative to an origin.
func (g *gateway) browserAt(origin string) *browser {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the test's own authority
		ForceAttemptHTTP2: true,
	}
	g.t.Cleanup(transport.CloseIdleConnections)
	names := plain
	if strings.HasPrefix(origin, "https:") {
		names = secure
	}
	return &browser{t: g.t, origin: origin, names: names, client: &http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// header lines for a request: "Name: value".
type headerLines []string

func (lines headerLines) set(header http.Header) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		header[name] = append(header[name], value)
	}
}

// do sends a request. target is a path, or a whole URL.
func (b *browser) do(method, target, body string, lines ...string) answer {
	b.t.Helper()
	got, err := b.try(method, target, body, lines...)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func (b *browser) try(method, target, body string, lines ...string) (answer, error) {
	if strings.HasPrefix(target, "/") {
		target = b.origin + target
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("making a request: %w", err)
	}
	headerLines(lines).set(r.Header)
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	resp, err := b.client.Do(r)
	if errors.Is(err, io.EOF) && method == http.MethodGet {
		// At a reload Caddy's old server may take a connection and close it unread.
		resp, err = b.client.Do(r)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", method, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return answer{}, fmt.Errorf("%s %s: reading the answer: %w", method, target, err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(text)}, nil
}

func (b *browser) get(target string, lines ...string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, target, "", lines...)
}

const (
	formType = "Content-Type: application/x-www-form-urlencoded"
	jsonType = "Content-Type: application/json"
)

// post sends a form, written as it goes over the wire.
func (b *browser) post(target, form string, lines ...string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, target, form, append([]string{formType}, lines...)...)
}

// visit is a page view of a browser that sends fetch metadata.
func (b *browser) visit(target string, lines ...string) answer {
	b.t.Helper()
	return b.get(target, append([]string{
		"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html",
	}, lines...)...)
}

// csrf fetches the browser's CSRF token.
func (b *browser) csrf() string {
	b.t.Helper()
	var body struct {
		CSRFToken string `json:"csrfToken"`
	}
	b.decode(b.get("/api/auth/csrf"), &body)
	if body.CSRFToken == "" {
		b.t.Fatal("GET csrf gave no token")
	}
	return body.CSRFToken
}

func (b *browser) decode(got answer, into any) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(got.body), into); err != nil {
		b.t.Fatalf("status %d with a body that is not the JSON expected: %v\n%s", got.status, err, got.body)
	}
}

// form is a form body with the browser's CSRF token and pairs of fields.
func (b *browser) form(pairs ...string) string {
	b.t.Helper()
	values := url.Values{"csrfToken": {b.csrf()}}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

// trySignIn signs in with a password and returns the answer.
func (b *browser) trySignIn(user, password string, pairs ...string) answer {
	b.t.Helper()
	pairs = append([]string{"username", user, "password", password, "json", "true"}, pairs...)
	return b.post("/api/auth/callback/credentials", b.form(pairs...))
}

// signIn signs in as one of the users and demands success.
func (b *browser) signIn(user string) *browser {
	b.t.Helper()
	if got := b.trySignIn(user, password); got.status != http.StatusOK {
		b.t.Fatalf("signing in as %s: status %d, %s", user, got.status, got.body)
	}
	if b.session() == "{}" {
		b.t.Fatalf("signing in as %s gave no session", user)
	}
	return b
}

// signOut signs out and demands success.
func (b *browser) signOut() {
	b.t.Helper()
	if got := b.post("/api/auth/signout", b.form("json", "true")); got.status != http.StatusOK || strings.Contains(got.body, "csrf=true") {
		b.t.Fatalf("signing out: status %d, %s", got.status, got.body)
	}
}

// session is the body of GET session.
func (b *browser) session() string {
	b.t.Helper()
	return b.get("/api/auth/session").body
}

// signedIn says whether GET session gives a session.
func (b *browser) signedIn() bool {
	b.t.Helper()
	return b.session() != "{}"
}

func (b *browser) url() *url.URL {
	b.t.Helper()
	u, err := url.Parse(b.origin)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// cookie returns a cookie's value as it is sent, empty when there is none.
func (b *browser) cookie(name string) string {
	b.t.Helper()
	for _, cookie := range b.client.Jar.Cookies(b.url()) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// cookieNames are the names of all cookies that begin with prefix.
func (b *browser) cookieNames(prefix string) []string {
	b.t.Helper()
	var names []string
	for _, cookie := range b.client.Jar.Cookies(b.url()) {
		if strings.HasPrefix(cookie.Name, prefix) {
			names = append(names, cookie.Name)
		}
	}
	return names
}

// setCookie plants a cookie, as a script or a sibling host could.
func (b *browser) setCookie(name, value string) *browser {
	b.t.Helper()
	b.client.Jar.SetCookies(b.url(), []*http.Cookie{{
		Name: name, Value: value, Path: "/", Secure: b.names.Secure,
	}})
	return b
}

// withToken plants a session token.
func (b *browser) withToken(token string) *browser {
	b.t.Helper()
	return b.setCookie(b.names.Session, token)
}

// token is the browser's session token, its parts joined.
func (b *browser) token() string {
	b.t.Helper()
	if whole := b.cookie(b.names.Session); whole != "" {
		return whole
	}
	var token strings.Builder
	for i := 0; ; i++ {
		part := b.cookie(fmt.Sprintf("%s.%d", b.names.Session, i))
		if part == "" {
			return token.String()
		}
		token.WriteString(part)
	}
}
