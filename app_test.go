package signin

import (
	"fmt"
	"strings"
	"testing"

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
