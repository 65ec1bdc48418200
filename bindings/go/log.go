package convoy

import (
	"context"
	"log/slog"
	"sync"

	"github.com/ebitengine/purego"
)

// Of the values of CONVOY_LOG_….
var levels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

var (
	loggers registry[*slog.Logger]
	logLine = sync.OnceValue(func() uintptr {
		return purego.NewCallback(func(number uintptr, level uint32, event, message uintptr) {
			if logger := loggers.get(number); logger != nil {
				logger.Log(context.Background(), levels[min(level, cLogError)], textAt(message),
					"convoy_event", textAt(event))
			}
		})
	})
	freeLogger = sync.OnceValue(func() uintptr {
		return purego.NewCallback(func(number uintptr) { loggers.take(number) })
	})
)

// leastLevel is the lowest CONVOY_LOG_ level that a logger wants.
func leastLevel(logger *slog.Logger) uint32 {
	for number, level := range levels {
		if logger.Enabled(context.Background(), level) {
			return uint32(number)
		}
	}
	return cLogError
}
