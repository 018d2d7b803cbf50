package test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Identity headers where several realms run.

// staffRealm has a header of its own, and runs beside the realm of a site.
const staffRealm = `
	signin staff {
		url http://localhost:{$HTTP}
		secret {$SECRET}
		identity_headers {
			X-Staff {http.auth.user.id}
		}
		{$USERS}
	}
`

// No realm's header of a client's passes anywhere, in any spelling, in lists or in
// trailers, be it on paths that another realm guards or on open ones.
func TestForgedIdentityHeadersOfAnotherRealm(t *testing.T) {
	g := startGlobal(t, staffRealm, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin /staff/* staff
	require_signin /app/*
	reverse_proxy {$ECHO}
}
http://other.example:{$HTTP} {
	signin {
		secret {$SECRET}
		identity_headers {
			X-Other {http.auth.user.id}
		}
		{$USERS}
	}
	respond ok
}
`)
	g.echo.take()
	staff := g.claimsOf()
	staff.Realm = "staff"
	for path, claims := range map[string]string{"/open": "", "/app/": seal(t, secret, g.claimsOf()), "/staff/": seal(t, secret, staff)} {
		for _, lines := range [][]string{
			{"X-Staff: forged"},
			{"x-staff: forged", "X-STAFF: forged"},
			{"X_Staff: forged"},
			{"x.staff: forged"},
			{"X-Other: forged"},
			{"X~Other: forged"},
			{"Connection: X-Staff", "X-Staff: forged"},
			{"Connection: keep-alive, x.other , X_Staff"},
			{"Proxy-Connection: X-Staff"},
			{"Keep-Alive: X-Other"},
			{"TE: X-Staff"},
			{"Transfer-Encoding: chunked", "Trailer: X-Staff", "", "0", "X-Staff: forged"},
			{"Transfer-Encoding: chunked", "Trailer: X-Sum", "", "0", "X_Other: forged"},
		} {
			c := g.dial()
			c.send(slices.Concat([]string{"POST " + path + " HTTP/1.1", "Host: " + g.host(), "Cookie: next-auth.session-token=" + claims}, lines, []string{""})...)
			if got := c.answer(); got.status != http.StatusOK {
				t.Fatalf("%s: status %d", path, got.status)
			}
			seen := g.echo.one(t)
			if name := forgedIn(seen); name != "" {
				t.Errorf("%v to %s: %s reached the upstream", lines, path, name)
			}
			for _, list := range []string{"Connection", "Proxy-Connection", "Keep-Alive", "Te"} {
				if value := strings.ToLower(seen.Header.Get(list)); strings.Contains(value, "staff") || strings.Contains(value, "other") {
					t.Errorf("%v to %s: %s says %q", lines, path, list, value)
				}
			}
			if told := seen.Header["X-Staff"]; (path == "/staff/") != slices.Equal(told, []string{"credentials:1"}) {
				t.Errorf("%v to %s: the upstream is told %q", lines, path, told)
			}
		}
	}
}

// An optional gate that lets somebody pass as nobody takes nothing of what another
// realm's gate has told, and leaves nothing of what the client did.
func TestAnOptionalGateOfAnotherRealm(t *testing.T) {
	g := startGlobal(t, staffRealm, `
http://:{$HTTP} {
	signin {
		secret {$SECRET}
		{$USERS}
	}
	require_signin
	require_signin staff {
		optional
	}
	reverse_proxy {$ECHO}
}
`)
	g.browser().withToken(seal(t, secret, g.claimsOf())).get("/x", "X-Staff: forged", "Remote-User: forged")
	seen := g.echo.one(t)
	if user := seen.Header["Remote-User"]; !slices.Equal(user, []string{"alice"}) || len(seen.Header["X-Staff"]) > 0 {
		t.Errorf("the upstream is told %v", identity(seen.Header))
	}
}
