package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The queue is bounded, and so is the patience in it.
func TestAQueueBoundsWhatRunsAndWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(1, 2, time.Second)
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		results := make(chan error, 2)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { results <- b.Acquire(ctx) }()
		go func() { results <- b.Acquire(t.Context()) }()
		synctest.Wait()
		if err := b.Acquire(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("beyond the queue: %v", err)
		}
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("a client that went away: %v", err)
		}
		time.Sleep(time.Second)
		if err := <-results; !errors.Is(err, ErrBusy) {
			t.Errorf("after the longest wait: %v", err)
		}
		b.Release()
		for range 2 {
			if err := b.Acquire(t.Context()); err != nil {
				t.Errorf("when all is done: %v", err)
			}
			b.Release()
		}
	})
}
