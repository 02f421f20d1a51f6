package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestALimitIsNamed: who drops what others send for want of room says in the log which limit it is, its
// value, how much of it is used, and who has most.
func TestALimitIsNamed(t *testing.T) {
	for _, x := range []struct {
		name   string
		limits func(l *engine.Limits)
		want   string
	}{
		{"seats", func(l *engine.Limits) { l.Origins = 2 }, "limit=Limits.Origins value=2 used=2"},
		{"keys", func(l *engine.Limits) { l.Keys = 100 }, "limit=Limits.Keys value=100 used="},
	} {
		t.Run(x.name, func(t *testing.T) {
			var log safeBuffer
			virtual(t, 3, enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
				if i == 0 {
					x.limits(&c.Limits)
					c.Logger = slog.New(slog.NewTextHandler(&log, nil))
				}
			}}, func(t *testing.T, c *enginetest.Cluster) {
				c.Engines[1].Join(context.Background(), c.Engines[0].Addr().String())
				pause(15 * time.Second) // so that there was a look before
				for k := range 150 {
					set(t, c.Engines[1], fmt.Sprint("k", k), "v")
				}
				c.Engines[2].Join(context.Background(), c.Engines[0].Addr().String())
				pause(15 * time.Second)
				if !strings.Contains(log.String(), x.want) {
					t.Errorf("no line says %q:\n%s", x.want, log.String())
				}
			})
		})
	}
}

// safeBuffer is a buffer of many goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
