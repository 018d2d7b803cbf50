package signin

import (
	"context"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// brokenStore is a third party's store with a mistake.
type brokenStore struct{ sessionstore.Store }

func (brokenStore) Get(context.Context, string) ([]byte, error) { panic("a mistake") }

// A module with a mistake fails its own check, and no other.
func TestACheckTellsOfAStoreThatPanics(t *testing.T) {
	configured := configuredRealm(t, nil)
	configured.active.Store = brokenStore{}
	report := probeRealms(t.Context(), []*checkedRealm{{realm: configured, name: "staff"}})
	found := report.Realms[0].Findings
	if report.Failed != 1 || len(found) != 1 || found[0].Level != levelFail || !strings.Contains(found[0].Problem, "panic: a mistake") {
		t.Errorf("the check finds %+v", found)
	}
}
