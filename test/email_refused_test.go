package test

import (
	"net/http"
	"testing"
)

// Requirement I8: the equal answer to an address that the rules refuse isn't
// followed by a mail. A reload waits for the mails that are under way.
func TestARefusedAddressGetsNoMail(t *testing.T) {
	g, server := startMail(t, "", "allow email *@example.com")
	if got := g.browser().ask("eve@evil.example"); got.status != http.StatusOK {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	g.reload("", onePasswordSite)
	if mails := server.Mails(); len(mails) != 0 {
		t.Errorf("a mail went out: %v", mails)
	}
}
