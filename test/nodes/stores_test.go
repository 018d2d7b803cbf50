//go:build services

package nodes

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// sharedSite is one site behind one address, on as many nodes as there are.
const sharedSite = `
http://localhost:PORT {
	signin {
		url http://localhost:8080
		secret SECRET
		store STORE
		session {
			strategy STRATEGY
		}
		oidc corp ISSUER CLIENT CREDENTIAL
		email {
			from "Example <no-reply@example.com>"
			smtp MAIL {
				tls off
			}
			confirm off
		}
		username id
		USERS
	}
	require_signin /app/*
	reverse_proxy UPSTREAM
}
`

// pair is two nodes that share a store, and what they talk to.
type pair struct {
	a, b  *node
	op    *providertest.Server
	mails *providertest.MailServer
	more  func(t *testing.T) *node // starts another node
}

// startPair starts two nodes with a store, as a Caddyfile names it.
func startPair(t *testing.T, store, strategy string) *pair {
	t.Helper()
	upstream := echo(t)
	p := &pair{op: providertest.New(t), mails: providertest.NewMailServer(t, providertest.MailOptions{})}
	p.more = func(t *testing.T) *node {
		t.Helper()
		return start(t, upstream, sharedSite, "STORE", store, "STRATEGY", strategy, "MAIL", p.mails.Address,
			"ISSUER", p.op.URL, "CLIENT", p.op.ClientID, "CREDENTIAL", p.op.ClientSecret)
	}
	p.a, p.b = p.more(t), p.more(t)
	return p
}

// onEveryStore runs a test with two nodes for each shared store and strategy.
func onEveryStore(t *testing.T, test func(t *testing.T, p *pair)) {
	t.Helper()
	redis, postgres := servers.StartRedis(t), servers.StartPostgres(t)
	for name, store := range map[string]string{
		"redis": "redis " + redis.URL() + " {\n\t\t\tprefix %s:\n\t\t}", "postgres": "postgres " + postgres.DSN() + " {\n\t\t\tschema %s\n\t\t}",
	} {
		for _, strategy := range []string{"jwt", "database"} {
			t.Run(name+"/"+strategy, func(t *testing.T) { test(t, startPair(t, fmt.Sprintf(store, strategy), strategy)) })
		}
	}
}

// refused says whether a gate turns the browser away.
func (b *browser) refused(t *testing.T) bool {
	t.Helper()
	return b.get(t, "/app/").status == http.StatusFound
}

// soon polls: a change on one node takes a moment to be known on another.
func soon(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func (b *browser) signOut(t *testing.T) {
	t.Helper()
	if got, err := b.post(t.Context(), "/api/auth/signout"); err != nil || got.status != http.StatusOK || strings.Contains(got.body, "csrf") {
		t.Fatalf("signing out: %d %s, %v", got.status, got.body, err)
	}
}

// No step of a sign-in needs the node of the one before, and what ends on one
// node has ended on all.
func TestTwoNodesWithASharedStore(t *testing.T) {
	onEveryStore(t, func(t *testing.T, p *pair) {
		t.Run("a sign-in with a provider", p.provider)
		t.Run("a mailed link", p.mailedLink)
		t.Run("guesses", p.guesses)
		t.Run("the list of sessions", p.list)
		t.Run("open streams", p.streams)
		t.Run("a node that freezes or dies", p.nodeLost)
	})
}

func (p *pair) provider(t *testing.T) {
	a := p.a.browser()
	b := a.and(p.b)
	begun, err := a.post(t.Context(), "/api/auth/signin/corp", "callbackUrl", "/app/")
	if err != nil {
		t.Fatal(err)
	}
	_, target, _ := strings.Cut(begun.body, `"url":"`)
	params, err := p.op.Authorize(strings.TrimSuffix(target, `"}`))
	if err != nil {
		t.Fatalf("%s: %v", begun.body, err)
	}
	before := a.at(p.a)
	callback := "/api/auth/callback/corp?" + params.Encode()
	if got := b.get(t, callback); got.status != http.StatusFound || got.location != "http://localhost:8080/app/" {
		t.Fatalf("the other node answers the callback with %d %s", got.status, got.location)
	}
	if !a.passes(t, "corp:alice-1") {
		t.Error("the node where the sign-in began does not know the session")
	}
	if got := before.get(t, callback); !strings.Contains(got.location, "error=OAuthCallback") {
		t.Errorf("a callback that the other node has taken leads to %s", got.location)
	}
	copied := a.at(p.a)
	if !copied.passes(t, "corp:alice-1") { // so that the node remembers it
		t.Error("a copy of the cookie does not work")
	}
	b.signOut(t)
	if !a.refused(t) {
		t.Error("the browser is still signed in")
	}
	soon(t, "a copy of the cookie works on the other node after sign-out", func() bool { return copied.refused(t) })
}

func (p *pair) mailedLink(t *testing.T) {
	if got, err := p.a.browser().post(t.Context(), "/api/auth/signin/email", "email", "zoe@mail.example.com"); err != nil || !strings.Contains(got.body, "verify-request") {
		t.Fatalf("asking for a link: %s, %v", got.body, err)
	}
	link, err := url.Parse(p.mails.Wait(t).Link(t))
	if err != nil {
		t.Fatal(err)
	}
	b := p.b.browser()
	if got := b.get(t, link.RequestURI()); strings.Contains(got.location, "error") || !b.passes(t, "email:zoe@mail.example.com") {
		t.Errorf("the other node answers a link with %d %s", got.status, got.location)
	}
	if got := p.a.browser().get(t, link.RequestURI()); !strings.Contains(got.location, "error=Verification") {
		t.Errorf("a link that was used on the other node leads to %s", got.location)
	}
}

// Four failures are free: of these, neither node has seen as many.
func (p *pair) guesses(t *testing.T) {
	for i, n := range []*node{p.a, p.b, p.a, p.b, p.a, p.b} {
		got, err := n.browser().post(t.Context(), "/api/auth/callback/credentials", "username", "victim", "password", "wrong")
		if want := []int{http.StatusUnauthorized, http.StatusTooManyRequests}[i/5]; err != nil || got.status != want {
			t.Errorf("guess %d is answered %d, want %d: %v", i+1, got.status, want, err)
		}
	}
}

func (p *pair) list(t *testing.T) {
	there, here := p.b.browser("there").signIn(t, "alice"), p.a.browser("here").signIn(t, "alice")
	found := p.a.list("--user", "credentials:alice")
	if len(found) != 2 {
		t.Fatalf("a node lists %v", found)
	}
	at := slices.IndexFunc(found, func(one listed) bool { return one.UserAgent == "there" })
	if code, _, errs := p.a.run("signin", "sessions", "revoke", found[at].ID, "--address", p.a.admin); code != 0 {
		t.Fatal(errs)
	}
	soon(t, "a session that one node revokes goes on on the other", func() bool { return there.refused(t) })
	if !here.passes(t, "credentials:alice") {
		t.Error("revoking one session ended another")
	}
	here.and(p.b).signOut(t)
}

// events opens an event stream, and returns where its end is told.
func (b *browser) events(t *testing.T) <-chan error {
	t.Helper()
	client := *b.client
	client.Timeout = 0
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.origin+"/app/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("opening an event stream: %v, %v", response, err)
	}
	ended := make(chan error, 1)
	go func() {
		defer response.Body.Close()
		_, err := io.Copy(io.Discard, response.Body)
		ended <- err
	}()
	return ended
}

func (p *pair) streams(t *testing.T) {
	alice, bob := p.a.browser().signIn(t, "alice"), p.a.browser().signIn(t, "bob")
	say, _ := alice.socket(t, "/app/socket")
	still, _ := bob.socket(t, "/app/socket")
	if err := say("hello"); err != nil {
		t.Fatal(err)
	}
	socket, events := make(chan error, 1), alice.events(t)
	alice.and(p.b).signOut(t)
	began := time.Now()
	go func() {
		for {
			if err := say("still here"); err != nil {
				socket <- err
				return
			}
		}
	}()
	for what, ended := range map[string]<-chan error{"a WebSocket": socket, "an event stream": events} {
		select {
		case err := <-ended:
			t.Logf("%s ended after %v with %v", what, time.Since(began).Round(time.Millisecond), err)
			if err == nil {
				t.Errorf("%s ended as if it were complete", what)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s goes on after sign-out on the other node", what)
		}
	}
	if err := still("hello"); err != nil {
		t.Errorf("another person's WebSocket: %v", err)
	}
}

// Nodes know nothing of each other: one that is gone holds up none.
func (p *pair) nodeLost(t *testing.T) {
	alice := p.b.browser().signIn(t, "alice")
	works := func(when string) {
		t.Helper()
		if !alice.and(p.a).passes(t, "credentials:alice") {
			t.Errorf("%s the session of the other does not hold", when)
		}
		bob := p.a.browser().signIn(t, "bob")
		copied := bob.at(p.a)
		bob.signOut(t)
		if !copied.refused(t) {
			t.Errorf("%s a session that was signed out goes on", when)
		}
	}
	copied := alice.at(p.b)
	if !copied.passes(t, "credentials:alice") {
		t.Fatal("the session does not hold where it began")
	}
	p.b.process.Freeze()
	works("while a node is frozen")
	alice.and(p.a).signOut(t)
	p.b.process.Thaw()
	soon(t, "a node that was frozen lets a session in that has ended meanwhile", func() bool { return copied.refused(t) })
	alice.and(p.a).signIn(t, "alice")
	p.b.process.Kill()
	works("after a node died")
	if c := p.more(t); !alice.and(c).passes(t, "credentials:alice") {
		t.Error("a node that is new does not know the session")
	}
}
