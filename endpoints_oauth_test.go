package signin

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// Requirements C2 and N3: a flow is spent once, and a flood of them leaves room
// for what ends sessions.
func TestSpentFlowsLeaveRoomInTheStore(t *testing.T) {
	store := newMemory(t, `{"max_size": 1048576}`)
	c := &call{realm: &activeRealm{store: store}, site: &site{key: "https://app.example.com"}}
	for i := range 10_000 {
		pending := pendingFlow{State: strconv.Itoa(i), Started: time.Now().UnixMilli()}
		if err := c.markFlowUsed(t.Context(), &pending); err != nil {
			t.Fatalf("flow %d: %v", i+1, err)
		}
		if err := c.markFlowUsed(t.Context(), &pending); !errors.Is(err, sessionstore.ErrTaken) {
			t.Fatalf("flow %d is spent twice: %v", i+1, err)
		}
	}
	if err := store.Put(t.Context(), "a revocation", []byte{1}, time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
}

// Requirement B5: a flow's time is in the sealed value.
func TestAFlowEndsByItsSealedTime(t *testing.T) {
	keys, err := newKeyring([]string{"a secret of the tests, 40 bytes long ...."}, nextAuth.plain, nextAuth.secure)
	if err != nil {
		t.Fatal(err)
	}
	c := &call{site: &site{names: nextAuth.plain}, keys: keys}
	for age, want := range map[time.Duration]bool{0: true, pendingLife - time.Minute: true, pendingLife + time.Second: false} {
		payload, err := json.Marshal(pendingFlow{State: "x", Started: time.Now().Add(-age).UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.openPending(keys.pending[nextAuth.plain.State].Seal(payload)); ok != want {
			t.Errorf("a flow of %v: %v", age, ok)
		}
	}
}
