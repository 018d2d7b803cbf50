//go:build services

package ldap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

// Of several servers the first that works is asked: one that is gone, hangs, or
// takes nobody's word is passed over without a visitor's notice, and asked again
// later.
func TestLDAPServersStandInForEachOther(t *testing.T) {
	t.Parallel()
	first, second := servers.StartLDAP(t, entries), servers.StartLDAP(t, entries)
	c := loadLDAP(t, ldapConfig(first).With(config{
		"urls": []string{"ldap://127.0.0.1:1", first.URL, second.URL}, "timeout": int64(6 * time.Second),
	}))
	d := c
	check := func(when string, askedOf *servers.LDAP) {
		t.Helper()
		if _, err := try(t, c, "alice", "wonderland"); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if _, err := try(t, c, "alice", "wrong"); !errors.Is(err, providers.ErrWrongCredentials) {
			t.Errorf("%s, a wrong password: %v", when, err)
		}
		for _, pool := range []*pool{&d.readers, &d.binders} {
			if len(pool.idle) != 1 || "ldap://"+pool.idle[0].server.address != askedOf.URL {
				t.Errorf("%s %d connections are kept, to %v", when, len(pool.idle), pool.idle)
			}
		}
	}
	check("with a closed port in front", first)
	first.Freeze()
	check("while the first hangs", second)
	second.Kill()
	first.Thaw()
	check("when the first is back and the second gone", first)
	second.Restart()
	d.readers.drain(nil)
	d.binders.drain(nil)
	check("when both are there", first)
}

// A server's refusal is the directory's: nobody is asked a second time.
func TestAWrongPasswordIsAskedOfOneServer(t *testing.T) {
	t.Parallel()
	first, second := servers.StartLDAP(t, entries), servers.StartLDAP(t, entries)
	c := loadLDAP(t, ldapConfig(first).With(config{"urls": []string{first.URL, second.URL}}))
	second.Kill()
	if _, err := try(t, c, "alice", "wrong"); !errors.Is(err, providers.ErrWrongCredentials) {
		t.Error(err)
	}
	first.Kill()
	_, err := try(t, c, "alice", "wonderland")
	if err == nil || errors.Is(err, providers.ErrWrongCredentials) {
		t.Fatalf("nobody is there: %v", err)
	}
	for _, address := range []string{first.URL, second.URL} {
		if !strings.Contains(err.Error(), strings.TrimPrefix(address, "ldap://")+": connecting") {
			t.Errorf("the error doesn't tell of %s: %v", address, err)
		}
	}
}
