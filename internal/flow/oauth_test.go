package flow

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
	"github.com/caddy-signin/caddy-signin/internal/keys"
	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/throttle"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/memory"
)

// newMemory is a store in memory that takes so many bytes.
func newMemory(t *testing.T, maxSize int64) sessionstore.Store {
	t.Helper()
	module := &memory.Memory{MaxSize: maxSize}
	store, err := module.Open(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = module.Cleanup() })
	return store
}

// A flow is spent once, and a flood of them leaves room
// for what ends sessions.
func TestSpentFlowsLeaveRoomInTheStore(t *testing.T) {
	store := newMemory(t, 1<<20)
	c := &Call{realm: &realm.Realm{Store: store}, site: &realm.Site{Key: "https://app.example.com"}}
	for i := range 10_000 {
		pending := pendingFlow{State: strconv.Itoa(i), Started: time.Now().UnixMilli()}
		if err := markFlowUsed(t.Context(), c, &pending); err != nil {
			t.Fatalf("flow %d: %v", i+1, err)
		}
		if err := markFlowUsed(t.Context(), c, &pending); !errors.Is(err, sessionstore.ErrTaken) {
			t.Fatalf("flow %d is spent twice: %v", i+1, err)
		}
	}
	if err := store.Put(t.Context(), "a revocation", []byte{1}, time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
}

// Nor does a flood of spent flows have a full store forget how many mails an address got.
func TestSpentFlowsLeaveCountsInTheStore(t *testing.T) {
	store := newMemory(t, 1<<20)
	quotas := throttle.New(store, "realm").Quotas("https://app.example.com")
	take := func() bool {
		ok, err := quotas.Take(t.Context(), quotas.Address("zoe@example.com"), providers.Budget{Most: 1, Per: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	take()
	c := &Call{realm: &realm.Realm{Store: store}, site: &realm.Site{Key: "https://app.example.com"}}
	for i := range 10_000 {
		if err := markFlowUsed(t.Context(), c, &pendingFlow{State: strconv.Itoa(i), Started: time.Now().UnixMilli()}); err != nil {
			t.Fatal(err)
		}
	}
	if take() {
		t.Error("the mails of the address are counted anew")
	}
}

// A flow's time is in the sealed value.
func TestAFlowEndsByItsSealedTime(t *testing.T) {
	source, err := keys.NewSource([]string{"a secret of the unit tests, over 32 bytes"}, []*authjs.Names{nextAuth.PlainCookieNames}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := source.Named("").Ring(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &Call{site: &realm.Site{CookieNames: nextAuth.PlainCookieNames}, keys: ring}
	for age, want := range map[time.Duration]bool{0: true, pendingLife - time.Minute: true, pendingLife + time.Second: false} {
		payload, err := json.Marshal(pendingFlow{State: "x", Started: time.Now().Add(-age).UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := openPending(c, ring.Pending[nextAuth.PlainCookieNames.State].Seal(payload)); ok != want {
			t.Errorf("a flow of %v: %v", age, ok)
		}
	}
}
