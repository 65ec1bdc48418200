package convoy

import (
	"context"
	"iter"
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

// LogLine is a line that waited in the library.
type LogLine struct {
	Level   slog.Level
	Event   string // what happened, in words that do not change
	Message string // the same with the details
	Dropped uint64 // lines that were dropped by then, because gateway.log_lines_max of them waited
}

// LogLines yields the log lines that wait, the oldest first; it does not wait for more. The setting
// gateway.log_lines_max turns them on: for a program that does not want a logger to be called by
// threads of the library.
func (g *Gateway) LogLines() iter.Seq2[LogLine, error] {
	return func(yield func(LogLine, error) bool) {
		for {
			line, err := g.nextLogLine()
			if line == nil && err == nil {
				return
			}
			if err != nil {
				yield(LogLine{}, err)
				return
			}
			if !yield(*line, nil) {
				return
			}
		}
	}
}

func (g *Gateway) nextLogLine() (*LogLine, error) {
	handle, err := g.enter()
	if err != nil {
		return nil, err
	}
	defer g.leave()
	var level uint32
	var event, message cBuf
	var dropped uint64
	var failure uintptr
	status := cGatewayNextLog(handle, &level, &event, &message, &dropped, &failure)
	if err := check(status, failure); err != nil || message.data == nil {
		return nil, err
	}
	return &LogLine{Level: levels[min(level, cLogError)], Event: takeBuf(&event),
		Message: takeBuf(&message), Dropped: dropped}, nil
}

// leastLevel is the lowest CONVOY_LOG_ level that a logger wants.
func leastLevel(logger *slog.Logger) uint32 {
	for number, level := range levels {
		if logger.Enabled(context.Background(), level) {
			return uint32(number)
		}
	}
	return cLogError
}
