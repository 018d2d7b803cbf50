package test

import (
	"fmt"
	"net/http"
	"testing"
)

// Requirement H2: a client that comes through no trusted proxy doesn't choose the
// address by which its guesses are counted.
func TestAStrangersHeaderIsNotTheClientsAddress(t *testing.T) {
	g := start(t, onePasswordSite)
	got := g.browser().guess(t, "credentials", 6, always("victim"), func(i int) string { return fmt.Sprintf("198.51.100.%d", i) })
	if got.status != http.StatusTooManyRequests {
		t.Errorf("six guesses at one name, each with another X-Forwarded-For: %d", got.status)
	}
}
