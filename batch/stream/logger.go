package stream

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// logger gives gnet's lines to slog. Without one gnet prints to standard output.
// What it calls fatal is an error here: an embedder's process does not end for it.
// While its instance ends all of it is the way that it does.
type logger struct {
	to      *slog.Logger
	leaving *atomic.Bool // no part of the instance, which gnet would hold by it
}

func (l logger) Debugf(format string, args ...any) { l.log(slog.LevelDebug, format, args) }
func (l logger) Infof(format string, args ...any)  { l.log(slog.LevelDebug, format, args) }
func (l logger) Warnf(format string, args ...any)  { l.log(slog.LevelWarn, format, args) }
func (l logger) Errorf(format string, args ...any) { l.log(slog.LevelWarn, format, args) }
func (l logger) Fatalf(format string, args ...any) { l.log(slog.LevelError, format, args) }

func (l logger) log(level slog.Level, format string, args []any) {
	if l.leaving.Load() {
		level = slog.LevelDebug
	}
	if l.to.Enabled(context.Background(), level) {
		l.to.Log(context.Background(), level, "streams: "+fmt.Sprintf(format, args...))
	}
}
