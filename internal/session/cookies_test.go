package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// largeSession begins a session that takes several cookies, and returns them as a
// browser sends them.
func largeSession(t *testing.T, s *testSessions, received *authjs.Received) (sent []string, set []authjs.Cookie) {
	t.Helper()
	s.knowsNobody()
	claims := s.claimsOf(t, "alice")
	for i := range 300 {
		claims.Groups = append(claims.Groups, fmt.Sprintf("group %d of a large company", i))
	}
	set, err := s.SignIn(t.Context(), claims, received, "Mozilla/5.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range set {
		if cookie.MaxAge >= 0 {
			sent = append(sent, cookie.Name+"="+cookie.Value)
		}
	}
	return sent, set
}

// What a sibling host, an earlier configuration or another application left in the
// browser under the same names shuts nobody out.
func TestOtherCookiesOfTheSameNamesSpoilNoSession(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	sent, _ := largeSession(t, s, new(authjs.Received))
	if len(sent) < 3 {
		t.Fatalf("the session has %d cookies", len(sent))
	}
	name := s.CookieNames.Session
	for _, stray := range []string{
		"=x", ".0=x", ".1=x", fmt.Sprintf(".%d=x", len(sent)), ".15=x", fmt.Sprintf("=x; %s.0=x; %[1]s.7=x", name),
	} {
		for _, cookies := range [][]string{{name + stray, strings.Join(sent, "; ")}, {strings.Join(sent, "; "), name + stray}} {
			if live, err := s.ReadSession(t.Context(), cookies, new(Session)); live == nil || err != nil {
				t.Errorf("beside %s%s the session is lost (%v)", name, stray, err)
			}
		}
	}
}

// Where a realm gets a cookie_domain, browsers send the old cookies and the new ones.
func TestCookiesOfTheHostAloneGoWhereTheDomainsCome(t *testing.T) {
	t.Parallel()
	s := newTestSessions(t, "jwt")
	old, _ := largeSession(t, s, new(authjs.Received))
	s.Domain = "corp.example"
	received := s.CookieNames.ReadSession(old)
	sent, _ := largeSession(t, s, &received)
	both := append(old, sent...)
	if live, err := s.ReadSession(t.Context(), both, new(Session)); live == nil || err != nil {
		t.Errorf("with the cookies of both the session is lost (%v)", err)
	}
	received = s.CookieNames.ReadSession(both)
	_, set := largeSession(t, s, &received)
	deleted := 0
	for _, cookie := range set {
		if cookie.MaxAge < 0 && cookie.Domain == "" {
			deleted++
		}
	}
	if deleted != len(old) {
		t.Errorf("%d of the host's %d cookies are deleted", deleted, len(old))
	}
}
