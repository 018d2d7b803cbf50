// Package panics keeps a panic in a goroutine of its own from ending the whole server:
// outside of a request nobody else recovers. It knows nothing of what runs.
package panics

import (
	"errors"
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"
)

// Error is a panic that was caught.
type Error struct {
	Value any
	Stack []byte
}

// Error tells the value.
func (e *Error) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Catch calls f and returns its error, or an [*Error] where it panics.
func Catch(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &Error{value, debug.Stack()}
		}
	}()
	return f()
}

// Stack is where an error of [Catch] panicked, for the log, and nothing of any other.
func Stack(err error) zap.Field {
	if caught, ok := errors.AsType[*Error](err); ok {
		return zap.ByteString("stack", caught.Stack)
	}
	return zap.Skip()
}
