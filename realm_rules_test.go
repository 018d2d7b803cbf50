package signin

import (
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/access"
)

func TestPlaceholdersInRulesAreResolved(t *testing.T) {
	t.Setenv("DENIED", "contractors")
	t.Setenv("DENIED_MAIL", "*@Contractor.example")
	written := access.Rule{Group: []string{"{env.DENIED}", "a\\{b"}, Email: []string{"{env.DENIED_MAIL}"}, Provider: []string{"{env.DENIED}"}}
	if err := written.Check(); err != nil {
		t.Fatal(err)
	}
	got, err := resolveRule(written)
	if err != nil || got.Group[0] != "contractors" || got.Group[1] != "a{b" || got.Email[0] != "*@contractor.example" || got.Provider[0] != "contractors" {
		t.Errorf("%+v, %v", got, err)
	}
	if written.Group[0] != "{env.DENIED}" || written.Email[0] != "{env.DENIED_MAIL}" {
		t.Errorf("what is written became %+v", written)
	}
	for _, value := range []string{"{env.NOT_SET_ANYWHERE}", "{http.auth.user.id}", "{nothing}", "x{env.NOT_SET_ANYWHERE}"} {
		if _, err := resolveRule(access.Rule{Group: []string{value}}); err == nil || !strings.Contains(err.Error(), "group: ") {
			t.Errorf("%s: %v", value, err)
		}
	}
	t.Setenv("DENIED_MAIL", "contractor.example")
	if _, err := resolveRule(written); err == nil {
		t.Error("a placeholder for something that is no address is taken")
	}
}
