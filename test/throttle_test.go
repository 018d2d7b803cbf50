package test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// from is a request's client address, as a proxy that is trusted tells it.
func from(address string) string { return "X-Forwarded-For: " + address }

// startTwoBehindProxy is startTwo behind a proxy on this machine.
func startTwoBehindProxy(t *testing.T) *gateway {
	t.Helper()
	g, _, _ := startTwo(t)
	g.reload(`
	servers 127.0.0.1:{$HTTP} {
		trusted_proxies static 127.0.0.1/32
	}
`, twoCredentials)
	return g
}

// guess posts a wrong password again and again, until there is a 429 or the
// tries are used up.
func (b *browser) guess(t *testing.T, provider string, tries int, user func(int) string, address func(int) string) answer {
	t.Helper()
	form := b.form("password", "wrong", "json", "true", "tenant", "north")
	var got answer
	for i := range tries {
		got = b.post("/api/auth/callback/"+provider, form+"&username="+user(i), from(address(i)))
		if got.status == http.StatusTooManyRequests {
			return got
		}
	}
	return got
}

func always(s string) func(int) string { return func(int) string { return s } }

// Requirement J1, for every kind of back end: guesses have to wait, in whatever
// spelling and from whatever address of a network, and the client gets JSON.
func TestGuessesHaveToWait(t *testing.T) {
	g := startTwoBehindProxy(t)
	spellings := []string{"alice", "ALICE", "Alice", "%EF%BC%A1lice", "alice"}
	for _, test := range []struct {
		name          string
		tries         int
		user, address func(int) string
	}{
		{"one name from one address", 6, always("victim"), always("192.0.2.1")},
		{"an unknown name", 6, always("nobody"), always("192.0.2.2")},
		{"spellings of one name", 6, func(i int) string { return spellings[i%len(spellings)] }, always("192.0.2.3")},
		{"addresses of one IPv6 network", 6, always("someone"), func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }},
		{"many names from one address", 22, func(i int) string { return "name" + strconv.Itoa(i) }, always("192.0.2.4")},
	} {
		for _, provider := range []string{"credentials", "staff"} {
			t.Run(test.name+" at "+provider, func(t *testing.T) {
				b := g.browser()
				got := b.guess(t, provider, test.tries, test.user, test.address)
				wait, err := strconv.Atoi(got.header.Get("Retry-After"))
				if got.status != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 300 {
					t.Fatalf("status %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
				}
				if want := `{"url":"` + g.origin + `/api/auth/error?error=CredentialsSignin&provider=` + provider + `"}`; got.body != want {
					t.Errorf("the client gets %s, want %s", got.body, want)
				}
				if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
					t.Errorf("the client gets %s", kind)
				}
			})
		}
	}
}

// Requirement J2: guesses at one name from many addresses, few from each, have to
// wait too, but its owner comes in from an address without guesses.
func TestGuessingLocksNobodyOutOfTheGateway(t *testing.T) {
	g := startTwoBehindProxy(t)
	b := g.browser()
	got := b.guess(t, "credentials", 80, always("alice"), func(i int) string { return fmt.Sprintf("198.51.100.%d", i/4) })
	if got.status != http.StatusTooManyRequests {
		t.Errorf("80 guesses at one name from 20 addresses: %d", got.status)
	}
	right := b.form("username", "alice", "password", password, "json", "true")
	if got := b.post("/api/auth/callback/credentials", right, from("203.0.113.9")); got.status != http.StatusOK {
		t.Errorf("the owner, from an address of her own: %d %s", got.status, got.body)
	}
}

// Requirement J3: nothing tells a user who exists from one who doesn't.
func TestUnknownUsersAndWrongPasswordsLookAlike(t *testing.T) {
	g := startTwoBehindProxy(t)
	for _, test := range []struct{ provider, known, unknown string }{
		{"credentials", "alice", "alicf"},
		{"staff", "dora", "dorb"},
	} {
		for _, asJSON := range []string{"true", ""} {
			b := g.browser()
			ask := func(user, address string) string {
				got := b.post("/api/auth/callback/"+test.provider, b.form("username", user, "password", "wrong", "tenant", "north", "json", asJSON), from(address))
				header := got.header.Clone()
				header.Del("Date")
				for i, line := range header["Set-Cookie"] {
					name, value, _ := strings.Cut(line, "=")
					value, attributes, _ := strings.Cut(value, ";")
					header["Set-Cookie"][i] = fmt.Sprintf("%s of %d bytes;%s", name, len(value), attributes)
				}
				return fmt.Sprint(got.status, header, got.body)
			}
			known, unknown := ask(test.known, "192.0.2.7"), ask(test.unknown, "192.0.2.8")
			if known != unknown {
				t.Errorf("%s, json=%q:\n%s\n%s", test.provider, asJSON, known, unknown)
			}
		}
	}
}
