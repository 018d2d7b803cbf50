package providers

import (
	"context"
	"fmt"
	"time"
)

// turns bounds what runs at once, what waits for its turn, and how long.
type turns struct {
	slots   chan struct{}
	queue   chan struct{}
	patient time.Duration
}

func newTurns(parallel, waiting int, patient time.Duration) *turns {
	return &turns{
		slots:   make(chan struct{}, parallel),
		queue:   make(chan struct{}, parallel+waiting),
		patient: patient,
	}
}

// acquire waits for a turn, or returns ErrBusy.
func (t *turns) acquire(ctx context.Context) error {
	select {
	case t.queue <- struct{}{}:
	default:
		return ErrBusy
	}
	timer := time.NewTimer(t.patient)
	defer timer.Stop()
	select {
	case t.slots <- struct{}{}:
		return nil
	case <-timer.C:
		<-t.queue
		return ErrBusy
	case <-ctx.Done():
		<-t.queue
		return fmt.Errorf("waiting for a turn: %w", ctx.Err())
	}
}

func (t *turns) release() {
	<-t.slots
	<-t.queue
}
