package signin

import (
	"context"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// storePatience is how long one step of a request waits for the store, however
// many questions it has: an answer comes within two seconds when none does.
// Stores have shorter limits of their own for each question.
const storePatience = 1800 * time.Millisecond

// patiently returns the context of such a step, and what ends it.
func patiently(ctx context.Context) (limited context.Context, done func()) {
	limited = sessionstore.WithLimit(ctx, storePatience)
	return limited, func() { sessionstore.Release(limited) }
}
