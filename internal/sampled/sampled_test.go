package sampled

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestLinesOfOneMessageAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, seen := observer.New(zap.InfoLevel)
		logger := Logger(zap.New(core))
		for range 100 {
			logger.Warn("one", zap.String("field", "x"))
			logger.With(zap.Bool("more", true)).Warn("one")
			logger.Info("other")
			logger.Debug("not enabled")
		}
		count := func(message string) int { return seen.FilterMessage(message).Len() }
		if count("one") != first || count("other") != first || count("not enabled") != 0 {
			t.Errorf("%d, %d and %d lines passed", count("one"), count("other"), count("not enabled"))
		}
		time.Sleep(2 * per) // inside synctest, where it takes no time
		logger.With(zap.Bool("more", true)).Warn("one")
		if last := seen.All()[seen.Len()-1]; count("one") != first+1 || last.ContextMap()["more"] != true {
			t.Errorf("later %d lines have passed, the last with %v", count("one"), last.ContextMap())
		}
	})
}

func TestALoggerThatSaysNothingTakesNothing(t *testing.T) {
	logger := zap.NewNop()
	if bytes := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Logger(logger)
		}
	}).AllocedBytesPerOp(); bytes > 1<<10 {
		t.Errorf("it takes %d bytes", bytes)
	}
}
