package flow

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// newMemory is a store in memory with these settings.
func newMemory(t *testing.T, settings string) sessionstore.Store {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	mod, err := ctx.LoadModuleByID("signin.stores.memory", []byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	store, err := mod.(sessionstore.Module).Open(ctx, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// A flow is spent once, and a flood of them leaves room
// for what ends sessions.
func TestSpentFlowsLeaveRoomInTheStore(t *testing.T) {
	store := newMemory(t, `{"max_size": 1048576}`)
	c := &Call{realm: &realm.Realm{Store: store}, site: &realm.Site{Key: "https://app.example.com"}}
	for i := range 10_000 {
		pending := pendingFlow{State: strconv.Itoa(i), Started: time.Now().UnixMilli()}
		if err := markFlowUsed(c, t.Context(), &pending); err != nil {
			t.Fatalf("flow %d: %v", i+1, err)
		}
		if err := markFlowUsed(c, t.Context(), &pending); !errors.Is(err, sessionstore.ErrTaken) {
			t.Fatalf("flow %d is spent twice: %v", i+1, err)
		}
	}
	if err := store.Put(t.Context(), "a revocation", []byte{1}, time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
}

// A flow's time is in the sealed value.
func TestAFlowEndsByItsSealedTime(t *testing.T) {
	source, err := keys.NewSource([]string{"a secret of the unit tests, over 32 bytes"}, []*authjs.Names{nextAuth.Plain}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := source.Named("").Ring(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &Call{site: &realm.Site{Names: nextAuth.Plain}, keys: keys}
	for age, want := range map[time.Duration]bool{0: true, pendingLife - time.Minute: true, pendingLife + time.Second: false} {
		payload, err := json.Marshal(pendingFlow{State: "x", Started: time.Now().Add(-age).UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := openPending(c, keys.Pending[nextAuth.Plain.State].Seal(payload)); ok != want {
			t.Errorf("a flow of %v: %v", age, ok)
		}
	}
}
