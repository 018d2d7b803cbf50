package test

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// The secrets of the tests' realms.
const (
	secret      = "a secret of the tests, 40 bytes long ...."
	otherSecret = "another secret of the tests, 47 bytes long ...."
)

// password is every user's.
const password = "correct-horse-battery"

// passwordHash is cheap, for tests sign in often.
var passwordHash = sync.OnceValue(func() string {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(hash)
})

// users is what {$USERS} stands for in a Caddyfile of the tests.
func users() string {
	return strings.ReplaceAll(`credentials {
	alice HASH {
		id 1
		name "Alice Example"
		email alice@example.com
		image https://img.example/alice.png
		groups admins staff
	}
	bob HASH {
		groups staff
	}
	zoe HASH {
		name "Zoë Ångström"
		email zoe@other.example
		groups "a,b" c%d über
	}
	big HASH {
		name "`+strings.Repeat("Long Name ", 300)+`"
		email big@example.com
		groups `+manyGroups(400)+`
	}
	huge HASH {
		groups `+manyGroups(1600)+`
	}
}`, "HASH", passwordHash())
}

func manyGroups(n int) string {
	groups := make([]string, n)
	for i := range groups {
		groups[i] = fmt.Sprintf("group%05d", i)
	}
	return strings.Join(groups, " ")
}

// gateway is a Caddy with signin that runs in this process, in front of an echo
// upstream.
type gateway struct {
	t       *testing.T
	echo    *echo
	port    int // of plain http
	tlsPort int
	logFile string
	origin  string // of plain http on localhost
}

// start runs a Caddyfile until the test ends. It may use these variables:
//
//	{$HTTP}, {$HTTPS}  free ports
//	{$CERT}, {$KEY}    files of a certificate for localhost; Caddy issues none
//	{$ECHO}            the address of the echo upstream
//	{$SECRET}          a secret
//	{$USERS}           a credentials block with alice, bob, zoe, big and huge
//	{$DIR}             an empty folder
//
// and whatever else the test puts into the environment.
func start(t *testing.T, sites string) *gateway { return startGlobal(t, "", sites) }

// startGlobal is start with further global options.
func startGlobal(t *testing.T, globals, sites string) *gateway {
	t.Helper()
	isolate(t)
	g := &gateway{t: t, echo: newEcho(t), port: freePort(t), tlsPort: freePort(t)}
	g.origin = fmt.Sprintf("http://localhost:%d", g.port)
	dir := t.TempDir()
	g.logFile = filepath.Join(dir, "log.json")
	cert, key := providertest.NewCertificate(t)
	for name, value := range map[string]string{
		"CERT": cert, "KEY": key,
		"HTTP": strconv.Itoa(g.port), "HTTPS": strconv.Itoa(g.tlsPort),
		"ECHO": g.echo.address(), "SECRET": strconv.Quote(secret), "USERS": users(),
		"DIR": t.TempDir(), "LOG": g.logFile, "STORAGE": filepath.Join(dir, "storage"),
	} {
		t.Setenv(name, value)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	g.reload(globals, sites)
	return g
}

// alwaysGlobal keeps everything of the tests' Caddy to itself.
const alwaysGlobal = `
	admin off
	persist_config off
	grace_period 1ns
	default_bind 127.0.0.1
	skip_install_trust
	auto_https disable_redirects disable_certs
	storage file_system {$STORAGE}
	servers {
		protocols h1 h2
	}
	log {
		level DEBUG
		format json
		output file {$LOG}
	}
`

// reload loads another Caddyfile, as caddy reload does.
func (g *gateway) reload(globals, sites string) {
	g.t.Helper()
	if err := g.load(globals, sites); err != nil {
		g.t.Fatalf("loading the Caddyfile: %v", err)
	}
}

func (g *gateway) load(globals, sites string) error {
	g.t.Helper()
	text := "{" + alwaysGlobal + globals + "\n}\n" + sites
	raw, err := adapt(g.t, string(caddyfile.Format([]byte(text))), "Caddyfile")
	if err != nil {
		return err
	}
	return g.loadJSON(orderHandshakes(g.t, raw))
}

func (g *gateway) loadJSON(raw []byte) error {
	g.t.Helper()
	gone := g.idleConnection()
	loaded.Lock()
	err := caddy.Load(raw, true)
	loaded.Unlock()
	if err != nil {
		return err
	}
	gone()
	settle(g.origin)
	return nil
}

// idleConnection opens a connection to the server that runs now, if one does,
// and returns how to wait until that server has closed it. Load returns before,
// and until then the old configuration may still answer.
func (g *gateway) idleConnection() (gone func()) {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", g.port))
	if err != nil {
		return func() {} // the first load
	}
	g.t.Cleanup(func() { conn.Close() })
	// Only a server that hangs ever meets this deadline.
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		g.t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /api/auth/providers HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", g.port)
	reader := bufio.NewReader(conn)
	if response, err := http.ReadResponse(reader, nil); err == nil {
		_, _ = io.Copy(io.Discard, response.Body) // what counts is that it idles now
	}
	return func() { _, _ = reader.ReadByte() }
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

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// plain and secure are the cookie names on http and https.
var (
	plain  = authjs.NextAuth.Names(false)
	secure = authjs.NextAuth.Names(true)
)

// seal makes a session token under a secret, as the gateway does.
func seal(t *testing.T, secret string, claims authjs.Claims) string {
	t.Helper()
	return sealJSON(t, secret, string(sign(t, secret, claims).Append(nil)))
}

// sign makes claims those of the gateway, and of whoever has the password of all
// users.
func sign(t *testing.T, secret string, claims authjs.Claims) *authjs.Claims {
	t.Helper()
	if claims.Provider == "credentials" {
		version := sha256.Sum256([]byte(passwordHash()))
		claims.Credential = macKeys(t, "credential", secret).Sum(claims.Realm, claims.Provider, claims.Subject, base64.RawURLEncoding.EncodeToString(version[:]))
	}
	claims.Sign(macKeys(t, "session claims", secret))
	return &claims
}

func macKeys(t *testing.T, purpose, secret string) *authjs.MACKeys {
	t.Helper()
	keys, err := authjs.NewMACKeys("caddy-signin "+purpose, secret)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// sealUnsigned makes a session token as another application with the secret may,
// which can make no mac.
func sealUnsigned(t *testing.T, secret string, claims authjs.Claims) string {
	t.Helper()
	claims.MAC = ""
	return sealJSON(t, secret, string(claims.Append(nil)))
}

// sealJSON makes a token of any payload.
func sealJSON(t *testing.T, secret, payload string) string {
	t.Helper()
	keys, err := plain.SessionKeyring(secret)
	if err != nil {
		t.Fatal(err)
	}
	return keys.Seal([]byte(payload))
}

// open returns the claims of a session token under a secret.
func open(t *testing.T, secret, token string) authjs.Claims {
	t.Helper()
	keys, err := plain.SessionKeyring(secret)
	if err != nil {
		t.Fatal(err)
	}
	payload, _, err := keys.Open(token)
	if err != nil {
		t.Fatalf("opening a session token: %v", err)
	}
	claims, err := authjs.ParseClaims(payload)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// claimsOf are those of a fresh session of alice's, in the realm that is named
// by its origin.
func (g *gateway) claimsOf() authjs.Claims {
	now := time.Now()
	return authjs.Claims{
		Name: authjs.TextOrMissing("Alice Example"), Email: authjs.TextOrMissing("alice@example.com"),
		Picture: authjs.TextOrMissing("https://img.example/alice.png"),
		Subject: "1", SID: uuid.NewString(), Realm: g.origin, Provider: "credentials",
		EmailVerified: true, Login: "alice", Groups: []string{"admins", "staff"},
		AuthTime: now, IssuedAt: now, Expires: now.Add(30 * 24 * time.Hour), ID: uuid.NewString(),
	}
}

// logLine is one line of Caddy's log.
type logLine map[string]any

// logs returns what Caddy has logged so far.
func (g *gateway) logs() []logLine {
	g.t.Helper()
	file, err := os.Open(g.logFile)
	if err != nil {
		g.t.Fatal(err)
	}
	defer file.Close()
	var lines []logLine
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line logLine
		if err := json.Unmarshal(scanner.Bytes(), &line); err == nil {
			lines = append(lines, line)
		}
	}
	return lines
}

// waitForLog returns the first log line that is wanted: some are written after
// the answer is sent.
func (g *gateway) waitForLog(what string, wanted func(logLine) bool) logLine {
	g.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, line := range g.logs() {
			if wanted(line) {
				return line
			}
		}
	}
	g.t.Fatalf("the log has no line %s", what)
	return nil
}

// unix is the time in so many seconds, as a number in JSON.
func unix(seconds int64) string { return strconv.FormatInt(time.Now().Unix()+seconds, 10) }
