//go:build services

package test

import (
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the tables of docs/operations.md say of failing stores, for both strategies.
func TestStoresThatFail(t *testing.T) {
	for name, backed := range backings {
		t.Run(name, func(t *testing.T) {
			f := backed(t)
			for _, strategy := range []string{"jwt", "database"} {
				t.Run(strategy, func(t *testing.T) {
					f.reach(t, false)
					g := start(t, f.site(strategy))
					for what, fault := range f.faults {
						t.Run(what, func(t *testing.T) {
							f.reach(t, fault.slow)
							g.reload("", f.site(strategy))
							survives(t, g, fault)
						})
					}
					f.reach(t, false)
					g.reload("", f.site(strategy))
					takesNoWrites(t, g, f)
					losesEverything(t, g, f, strategy)
				})
			}
		})
	}
}

// survives checks what a gateway does while something happens to its store's
// server: nobody is signed out by it, nothing that was acknowledged is lost, no
// goroutine stays, and it goes on, or stays shut and heals by itself.
func survives(t *testing.T, g *gateway, fault fault) {
	t.Helper()
	b, cold, gone := g.browser().signIn("alice"), g.browser().signIn("zoe"), g.browser().signIn("bob")
	if got := b.get("/app/"); got.status != http.StatusOK { // so that it is remembered
		t.Fatalf("a gate answers %d", got.status)
	}
	revoked := g.browser().withToken(gone.token())
	gone.signOut()
	token, names, goroutines := b.token(), b.cookieNames(""), runtime.NumGoroutine()
	fault.begin()
	if began := time.Now(); fault.goesOn {
		g.goesOn(t, b, cold)
	} else {
		within(t, 10*time.Second, "gates stay open", func() bool { return shut(t, b.get("/app/")) })
		t.Logf("shut after %v", time.Since(began).Round(time.Millisecond))
		g.staysShut(t, b, cold, revoked)
	}
	fault.end()
	began := time.Now()
	within(t, 20*time.Second, "gates don't open again", func() bool { return b.get("/app/").status == http.StatusOK })
	t.Logf("open after %v", time.Since(began).Round(time.Millisecond))
	if now := b.cookieNames(""); b.token() != token || slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(now, name) }) {
		t.Errorf("the cookies were %s and are %v", names, now)
	}
	within(t, 10*time.Second, "sessions are not what they were", func() bool {
		return b.signedIn() && cold.signedIn() && revoked.get("/app/").status == http.StatusUnauthorized
	})
	g.browser().signIn("alice").signOut()
	within(t, 10*time.Second, "goroutines pile up", func() bool { return runtime.NumGoroutine() < goroutines+50 })
}

// shut says that a gate stays shut as it must.
func shut(t *testing.T, got answer) bool {
	t.Helper()
	if got.status != http.StatusServiceUnavailable {
		return false
	}
	seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
	if err != nil || seconds <= 0 || len(got.header["Set-Cookie"]) > 0 {
		t.Errorf("503 comes with %v", got.header)
	}
	return true
}

// staysShut checks what a gateway answers whose store can't be asked, to many
// at once.
func (g *gateway) staysShut(t *testing.T, b, cold, revoked *browser) {
	t.Helper()
	g.echo.take()
	gate := func(got answer) bool { return shut(t, got) }
	public := func(got answer) bool { return got.status == http.StatusOK }
	stranger := g.browser()
	signOut, signIn := b.form("json", "true"), stranger.form("username", "alice", "password", password, "json", "true")
	var crowd sync.WaitGroup
	for _, one := range []struct {
		what   string
		by     *browser
		method string
		path   string
		form   string
		times  int
		right  func(answer) bool
	}{
		{"a request", b, "GET", "/app/", "", 50, gate},
		{"a request with a session that was not used yet", cold, "GET", "/app/", "", 50, gate},
		{"a request with a session that was signed out", revoked, "GET", "/app/", "", 1, gate},
		{"GET session", b, "GET", "/api/auth/session", "", 10, shutEndpoint},
		{"a sign-out", b, "POST", "/api/auth/signout", signOut, 10, shutEndpoint},
		{"a sign-in", stranger, "POST", "/api/auth/callback/credentials", signIn, 2, shutEndpoint},
		{"a public page", b, "GET", "/public", "", 1, public},
		{"a public page for a stranger", stranger, "GET", "/public", "", 1, public},
		{"a gate for a stranger", stranger, "GET", "/app/", "", 1, func(got answer) bool { return got.status == http.StatusUnauthorized }},
	} {
		for range one.times {
			crowd.Go(func() {
				got, err := one.by.try(one.method, one.path, one.form, formType)
				if err != nil || !one.right(got) {
					t.Errorf("%s is answered with %d, %v, %v", one.what, got.status, got.header, err)
				}
			})
		}
	}
	crowd.Wait()
	for _, got := range g.echo.take() {
		if got.URI != "/public" {
			t.Errorf("the upstream got %s", got.URI)
		}
	}
}

// shutEndpoint says that an endpoint answers as it must, and touches no session.
func shutEndpoint(got answer) bool {
	return got.status == http.StatusServiceUnavailable && got.header.Get("Retry-After") != "" &&
		!strings.Contains(strings.Join(got.header["Set-Cookie"], " "), plain.Session)
}

// goesOn checks that people notice nothing.
func (g *gateway) goesOn(t *testing.T, b, cold *browser) {
	t.Helper()
	for name, got := range map[string]answer{"a request": b.get("/app/"), "a session that was not used yet": cold.get("/app/")} {
		if got.status != http.StatusOK {
			t.Errorf("%s is answered with %d, %v", name, got.status, got.header)
		}
	}
	g.browser().signIn("bob").signOut()
	g.echo.take()
}

// takesNoWrites: gates go on, and what has to be written is answered 503, and
// is as if it had not been asked.
func takesNoWrites(t *testing.T, g *gateway, f backing) {
	t.Helper()
	b, gone := g.browser().signIn("alice"), g.browser().signIn("bob")
	copied := gone.token()
	gone.signOut()
	f.readOnly(t)
	newcomer := g.browser()
	within(t, 10*time.Second, "a server that takes no writes signs in", func() bool {
		got := newcomer.trySignIn("bob", password)
		return got.status == http.StatusServiceUnavailable && got.header.Get("Retry-After") != ""
	})
	if newcomer.token() != "" {
		t.Error("a sign-in that was not stored sets a session cookie")
	}
	token := b.token()
	got := b.post("/api/auth/signout", b.form("json", "true"))
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "error=Unavailable") || b.token() != token {
		t.Errorf("a sign-out that can't be stored is answered %d %s", got.status, got.body)
	}
	for range 3 {
		if got := b.get("/app/"); got.status != http.StatusOK {
			t.Errorf("a gate answers %d", got.status)
		}
	}
	if got := g.browser().withToken(copied).get("/app/"); got.status != http.StatusUnauthorized {
		t.Errorf("a session that was signed out is answered %d", got.status)
	}
	f.writing(t)
	within(t, 10*time.Second, "signing in stays out of order", func() bool {
		return newcomer.trySignIn("bob", password).status == http.StatusOK
	})
	b.signOut()
	if g.browser().withToken(token).signedIn() {
		t.Error("signing out does not hold afterwards")
	}
}

// losesEverything: sessions in the store are over, those in cookies go on, and
// of these also the ones that had been revoked.
func losesEverything(t *testing.T, g *gateway, f backing, strategy string) {
	t.Helper()
	b, gone := g.browser().signIn("alice"), g.browser().signIn("bob")
	copied := gone.token()
	gone.signOut()
	if got := b.get("/app/"); got.status != http.StatusOK { // so that it is remembered
		t.Fatalf("a gate answers %d", got.status)
	}
	f.empty(t, strategy)
	lost := map[string]int{"jwt": http.StatusOK, "database": http.StatusUnauthorized}[strategy]
	for what, one := range map[string]*browser{"a session": b, "a session that was signed out": g.browser().withToken(copied)} {
		within(t, 10*time.Second, what+" does not do what docs/operations.md says", func() bool { return one.get("/app/").status == lost })
	}
	g.browser().signIn("alice").signOut()
}
