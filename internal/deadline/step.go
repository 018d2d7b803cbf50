package deadline

import (
	"context"
	"time"
)

// StepLimit is how long one step of a request waits for the store, however
// many questions it has: an answer comes within two seconds when none does.
// Stores have shorter limits of their own for each question.
const StepLimit = 1800 * time.Millisecond

// Step returns the context of such a step, and what ends it.
func Step(ctx context.Context) (limited context.Context, done func()) {
	limited = With(ctx, StepLimit)
	return limited, func() { Release(limited) }
}
