package signin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

type panickingStore struct{}

func (panickingStore) Claim() { panic("a mistake") }

// Stores are claimed while Caddy serves: nobody else would recover.
func TestAStoreThatPanicsAtItsClaimEndsNothingElse(t *testing.T) {
	t.Parallel()
	core, lines := observer.New(zap.ErrorLevel)
	claim(panickingStore{}, zap.New(core))
	if told := lines.All(); len(told) != 1 || !strings.Contains(fmt.Sprint(told[0].ContextMap()["stack"]), "panickingStore") {
		t.Errorf("the log has %v", told)
	}
}

// A realm without a name has its address as its key.
func TestARealmIsNotCalledLikeTheKeyOfAnother(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"staff": true, "default": true, "a b": true, "": false, "https://app.example.com": false, "a|b": false, "{env.X}": false} {
		if err := checkRealmName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
		written, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(fmt.Appendf(nil, "{\n\tsignin %q {\n\t\tgoogle a b\n\t}\n}\n", name), nil)
		if (err == nil) != ok {
			t.Errorf("%q is adapted to %s, %v", name, written, err)
		}
	}
}
