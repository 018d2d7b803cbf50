package deadline

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := With(t.Context(), time.Second)
		if l.Err() != nil || l.(*Limit).waiting.Load() != nil {
			t.Error("a limit begins with an error or a timer")
		}
		<-l.Done()
		if !errors.Is(l.Err(), context.DeadlineExceeded) {
			t.Errorf("Err = %v", l.Err())
		}
		Release(l)

		idle := With(t.Context(), time.Second) // nobody waits
		time.Sleep(time.Second)
		if !errors.Is(idle.Err(), context.DeadlineExceeded) {
			t.Errorf("Err = %v", idle.Err())
		}

		ctx, cancel := context.WithCancel(t.Context())
		l = With(ctx, time.Second)
		cancel()
		<-l.Done()
		if !errors.Is(l.Err(), context.Canceled) {
			t.Errorf("Err = %v", l.Err())
		}

		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if end, ok := With(ctx, time.Second).Deadline(); !ok || time.Until(end) != time.Millisecond {
			t.Errorf("the caller's own deadline became %v", time.Until(end))
		}
		if end, ok := With(t.Context(), time.Second).Deadline(); !ok || time.Until(end) != time.Second {
			t.Errorf("the deadline is in %v", time.Until(end))
		}
	})
}

// Every call to a server derives a context of its own.
func TestLimitsOfLimitsTakeNoGoroutine(t *testing.T) {
	outer := With(context.WithValue(t.Context(), key{}, "value"), time.Hour)
	defer Release(outer)
	before := runtime.NumGoroutine()
	for range 100 {
		inner := With(outer, time.Hour)
		defer Release(inner)
		ctx, cancel := context.WithTimeout(inner, time.Hour)
		defer cancel()
		if ctx.Value(key{}) != "value" || ctx.Done() == nil {
			t.Fatal("a value of the caller's is lost")
		}
	}
	if now := runtime.NumGoroutine(); now > before+10 {
		t.Errorf("%d goroutines, of %d before", now, before)
	}
}

type key struct{}
