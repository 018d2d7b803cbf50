// Package sampled bounds log lines that a stranger could repeat at will.
// It knows messages and counts alone: which lines are of that kind, their authors
// say by the logger that they write to.
package sampled

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// How many lines of one message and level pass in which time.
const (
	first = 5
	per   = time.Minute
)

// Logger returns logger with a bound: five lines a minute of each message pass,
// the rest is dropped. Messages are therefore constants, and what differs goes
// into fields.
func Logger(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		// zap's counters take 200 KiB: they are made for the first line.
		return &lazyCore{Core: core, make: sync.OnceValue(func() zapcore.Core {
			return zapcore.NewSamplerWithOptions(core, per, first, 0)
		})}
	}))
}

// lazyCore is a core that is replaced when the first entry comes.
type lazyCore struct {
	zapcore.Core
	make func() zapcore.Core
}

// Check implements zapcore.Core.
func (c *lazyCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(entry.Level) {
		return checked
	}
	return c.make().Check(entry, checked)
}

// With implements zapcore.Core. The counters are shared.
func (c *lazyCore) With(fields []zapcore.Field) zapcore.Core {
	return &lazyCore{Core: c.Core.With(fields), make: func() zapcore.Core { return c.make().With(fields) }}
}
