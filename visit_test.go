package signin

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// Strangers can leave gates at will, with a store that takes its time.
func TestAGateBlamesNobodyForWhoLeaves(t *testing.T) {
	realm, store := hangingRealm(t, "database")
	v := newVisitor(t, realm)
	core, lines := observer.New(zap.InfoLevel)
	realm.logger, realm.sampled = zap.New(core), zap.New(core)
	store.answers.Store(0)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if got := v.sendIn(ctx, t, "/app/", "", new(atomic.Int64)); got.Code != http.StatusServiceUnavailable {
		t.Errorf("the answer to nobody is %d", got.Code)
	}
	if blamed := lines.FilterLevelExact(zap.ErrorLevel).All(); len(blamed) > 0 || lines.Len() != 1 {
		t.Errorf("the log has %v", lines.All())
	}
}
