//go:build services

package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

const group = "alice" + sessionstore.GroupMark

// However much the server holds, a group is found by its index.
func TestAGroupIsListedWithoutAScan(t *testing.T) {
	server := servers.StartRedis(t)
	s, _ := load(t, at(server))
	for i := range 10 {
		put(t, s, fmt.Sprint(group, i), "v")
		put(t, s, fmt.Sprint("other ", i), "v")
	}
	listed := 0
	if err := s.List(t.Context(), group, func(string, []byte) bool { listed++; return true }); err != nil || listed != 10 {
		t.Errorf("List yielded %d values, %v", listed, err)
	}
	if scans := calls(t, server, "scan"); scans != 0 {
		t.Errorf("the server went through its keys %d times", scans)
	}
}

// An index forgets what has expired, and goes with the last value or soon after.
func TestAnIndexIsBounded(t *testing.T) {
	server := servers.StartRedis(t)
	s, _ := load(t, at(server))
	index := s.prefix + indexMark + "alice"
	for i := range 100 {
		put(t, s, fmt.Sprint(group, i), "v")
	}
	advance(t, s, 2*time.Hour, []*servers.Redis{server})
	server.Command("PERSIST", index) // as if a value had outlived them
	if err := s.Put(t.Context(), group+"new", nil, s.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := server.Command("ZCARD", index); got != "1" {
		t.Errorf("the index of one value names %s", got)
	}
	if err := s.Delete(t.Context(), group+"new"); err != nil {
		t.Fatal(err)
	}
	if got := server.Command("DBSIZE"); got != "0" {
		t.Errorf("an index of nothing is left: %s", server.Command("KEYS", "*"))
	}
	put(t, s, group+"last", "v")
	advance(t, s, 2*time.Hour, []*servers.Redis{server})
	servers.Await(t, "the end of an index", func() error {
		if got := server.Command("DBSIZE"); got != "0" {
			return fmt.Errorf("%s keys are left", got)
		}
		return nil
	})
}
