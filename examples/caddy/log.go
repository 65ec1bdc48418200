package caddy

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logHandler passes lines on to the log that Caddy has at the time: a gateway outlives configurations.
type logHandler struct{}

func zapLevel(level slog.Level) zapcore.Level {
	switch {
	case level < slog.LevelInfo:
		return zapcore.DebugLevel
	case level < slog.LevelWarn:
		return zapcore.InfoLevel
	case level < slog.LevelError:
		return zapcore.WarnLevel
	}
	return zapcore.ErrorLevel
}

func (logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return caddy.Log().Core().Enabled(zapLevel(level))
}

func (logHandler) Handle(_ context.Context, record slog.Record) error {
	fields := make([]zap.Field, 0, record.NumAttrs())
	record.Attrs(func(attribute slog.Attr) bool {
		fields = append(fields, zap.String(attribute.Key, attribute.Value.String()))
		return true
	})
	caddy.Log().Named("convoy").Log(zapLevel(record.Level), record.Message, fields...)
	return nil
}

func (h logHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h logHandler) WithGroup(string) slog.Handler      { return h }
