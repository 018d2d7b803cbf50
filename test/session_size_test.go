package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// A session over the limit is refused as a whole, and the log says which of its
// parts to leave out, without what they hold.
func TestASessionThatIsTooLargeSaysWhatToLeaveOut(t *testing.T) {
	claims := providertest.Alice()
	groups := make([]any, 450)
	for i := range groups {
		groups[i] = fmt.Sprintf("a-group-with-a-long-name-of-its-own-%d", i)
	}
	claims["groups"] = groups
	op := providertest.New(t)
	op.Set(providertest.Behaviour{Claims: claims})
	g := start(t, corpSite(op, ""))
	b := g.browser()
	wantLocation(t, b.get(approve(t, op, b.begin("/app"))), g.origin+"/api/auth/error?error=Configuration")
	if b.signedIn() {
		t.Error("half a session was written")
	}
	line := g.waitForLog("about the session", func(l logLine) bool { return l["largest"] != nil })
	for field, want := range map[string]string{
		"largest": "groups (1", "advice": "groups off", "provider": "corp", "error": "session too large",
	} {
		if got := fmt.Sprint(line[field]); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q in it", field, got, want)
		}
	}
	if strings.Contains(fmt.Sprint(line), "a-group-with") {
		t.Errorf("the log has the groups: %v", line)
	}
}
