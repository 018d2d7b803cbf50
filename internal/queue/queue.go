// Package queue bounds work that many may ask for at once: so much runs, so much waits
// for its turn, and whoever comes beyond that is turned away at once.
package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrBusy is a full queue, or one in which it took too long.
var ErrBusy = errors.New("too many sign-ins at once: the queue is full")

// Queue bounds what runs at once, what waits for its turn, and how long.
type Queue struct {
	slots   chan struct{}
	queue   chan struct{}
	patient time.Duration
}

// New lets parallel callers run at once and waiting others wait, each for as
// long as patient says.
func New(parallel, waiting int, patient time.Duration) *Queue {
	return &Queue{
		slots:   make(chan struct{}, parallel),
		queue:   make(chan struct{}, parallel+waiting),
		patient: patient,
	}
}

// Acquire waits for a turn, or returns ErrBusy.
func (q *Queue) Acquire(ctx context.Context) error {
	select {
	case q.queue <- struct{}{}:
	default:
		return ErrBusy
	}
	timer := time.NewTimer(q.patient)
	defer timer.Stop()
	select {
	case q.slots <- struct{}{}:
		return nil
	case <-timer.C:
		<-q.queue
		return ErrBusy
	case <-ctx.Done():
		<-q.queue
		return fmt.Errorf("waiting for a turn: %w", ctx.Err())
	}
}

// Release ends the turn that Acquire gave.
func (q *Queue) Release() {
	<-q.slots
	<-q.queue
}
