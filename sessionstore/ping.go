package sessionstore

import (
	"context"
	"errors"
)

// Pinger is implemented by stores whose first use changes something (a file or
// tables are made), or that only one process can use.
type Pinger interface {
	// Ping says whether the store could be used, without using it. An error says
	// what to do.
	Ping(ctx context.Context) error
}

// Claimer is implemented by stores that only one process can use.
type Claimer interface {
	// Claim takes the store for this process, without waiting for another that
	// has it. It logs why it can't; the store tries again when it is used.
	Claim()
}

// Ping says whether the store answers.
func Ping(ctx context.Context, s Store) error {
	if pinger, ok := s.(Pinger); ok {
		return pinger.Ping(ctx)
	}
	_, err := s.Get(ctx, EvictablePrefix+"ping")
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
