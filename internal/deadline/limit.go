package deadline

import (
	"context"
	"sync/atomic"
	"time"
)

// Limit is a caller's context that ends some time after it began. Its timer
// starts only when something waits for it, so that what is answered from memory
// pays for none. Nothing but its methods may be used while it is.
type Limit struct {
	context.Context // the caller's

	end     time.Time
	waiting atomic.Pointer[timed]
}

type timed struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// With returns a Limit that ends after d, or with ctx. Release frees what it
// takes before that.
func With(ctx context.Context, d time.Duration) context.Context {
	return new(Limit).Begin(ctx, d)
}

// Release frees the timer of what With returned, if there is one. What still
// waits is given up.
func Release(limited context.Context) {
	if l, ok := limited.(*Limit); ok {
		l.Release()
	}
}

// Begin is With for a zero Limit that is part of something else. It is
// called once, before anything else, and returns the Limit.
func (l *Limit) Begin(ctx context.Context, d time.Duration) context.Context {
	l.Context, l.end = ctx, time.Now().Add(d)
	return l
}

// Release is the function of that name.
func (l *Limit) Release() {
	if w := l.waiting.Load(); w != nil {
		w.cancel()
	}
}

// Deadline implements [context.Context].
func (l *Limit) Deadline() (time.Time, bool) {
	if end, ok := l.Context.Deadline(); ok && end.Before(l.end) {
		return end, true
	}
	return l.end, true
}

// Done implements [context.Context].
func (l *Limit) Done() <-chan struct{} {
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
func (l *Limit) Err() error {
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

// Value implements [context.Context]. What waits is asked first: package context
// finds there how to end what is derived from a Limit without a goroutine.
func (l *Limit) Value(key any) any {
	if w := l.waiting.Load(); w != nil {
		return w.ctx.Value(key)
	}
	return l.Context.Value(key)
}

var _ context.Context = (*Limit)(nil)
