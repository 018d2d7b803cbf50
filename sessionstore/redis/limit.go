package redis

import (
	"context"
	"sync/atomic"
	"time"
)

// limit is a caller's context that ends after callTimeout. Its timer starts only
// when something waits for it, so a read that is answered from memory pays for
// none.
type limit struct {
	context.Context // the caller's

	end     time.Time
	waiting atomic.Pointer[timed]
}

type timed struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// withLimit returns a limit, which release ends.
func withLimit(ctx context.Context) context.Context {
	return &limit{Context: ctx, end: time.Now().Add(callTimeout)}
}

// release frees the timer of what withLimit returned, if there is one.
func release(ctx context.Context) {
	if w := ctx.(*limit).waiting.Load(); w != nil {
		w.cancel()
	}
}

// Deadline implements [context.Context].
func (l *limit) Deadline() (time.Time, bool) {
	if end, ok := l.Context.Deadline(); ok && end.Before(l.end) {
		return end, true
	}
	return l.end, true
}

// Done implements [context.Context].
func (l *limit) Done() <-chan struct{} {
	if w := l.waiting.Load(); w != nil {
		return w.ctx.Done()
	}
	w := new(timed)
	w.ctx, w.cancel = context.WithDeadline(l.Context, l.end)
	if !l.waiting.CompareAndSwap(nil, w) {
		w.cancel()
	}
	return l.waiting.Load().ctx.Done()
}

// Err implements [context.Context].
func (l *limit) Err() error {
	if w := l.waiting.Load(); w != nil {
		return w.ctx.Err()
	}
	if err := l.Context.Err(); err != nil {
		return err
	}
	if !time.Now().Before(l.end) {
		return context.DeadlineExceeded
	}
	return nil
}

var _ context.Context = (*limit)(nil)
