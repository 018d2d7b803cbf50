package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

func TestServersThatFailedLatelyAreAskedLast(t *testing.T) {
	servers := newServers([]string{"ldaps://a.example", "ldap://b.example", "ldaps://c.example:1636"}, true, new(tls.Config))
	now := time.Now()
	expect := func(when string, now time.Time, want string) {
		t.Helper()
		if got := servers.inOrder(now).String(); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	expect("at first", now, "a.example:636, b.example:389, c.example:1636")
	servers[0].fails(t.Context())
	expect("after a failure", now, "b.example:389, c.example:1636, a.example:636")
	expect("half a minute later", now.Add(failedLately+time.Second), "a.example:636, b.example:389, c.example:1636")
	left, leave := context.WithCancel(t.Context())
	leave()
	servers[1].fails(left)
	servers[0].works()
	expect("after a success, and a visitor who left", now, "a.example:636, b.example:389, c.example:1636")
	for i, want := range []string{"a.example", "b.example", "c.example"} {
		if got := servers[i].tls.ServerName; got != want || servers[i].startTLS != (i == 1) {
			t.Errorf("server %d must be %s, start_tls %t", i, got, servers[i].startTLS)
		}
	}
}

func TestWhatAnotherServerMayKnowBetter(t *testing.T) {
	t.Parallel()
	for code, want := range map[uint16]bool{
		ldap.LDAPResultInvalidCredentials: true, ldap.LDAPResultNoSuchObject: true, ldap.LDAPResultReferral: true,
		ldap.LDAPResultBusy: false, ldap.LDAPResultUnavailable: false, ldap.ErrorNetwork: false,
	} {
		if got := isSettled(ldap.NewError(code, errors.New("x"))); got != want { //nolint:err113 // the server's words
			t.Errorf("%s: %t", ldap.LDAPResultCodeMap[code], got)
		}
	}
}
