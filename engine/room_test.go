package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestWaitRoom: whoever writes faster than the loop takes, or faster than the rate allows, and
// waits for room after each refusal, is refused once a wait at most and gets all writes in; a wait
// ends with its context and with the engine.
func TestWaitRoom(t *testing.T) {
	for name, throttle := range map[string]engine.Throttle{"stage": engine.ThrottleCoalesce, "rate": engine.ThrottleRefuse} {
		t.Run(name, func(t *testing.T) {
			o := enginetest.Options{Config: func(_ int, c *engine.Config) {
				c.StageBytes = 16 << 10
				if throttle == engine.ThrottleRefuse {
					c.Throttle, c.ReceiveRate = throttle, 100_000
				}
			}}
			virtual(t, 2, o, func(t *testing.T, c *enginetest.Cluster) { waitForRoom(t, c) })
		})
	}
}

func waitForRoom(t *testing.T, c *enginetest.Cluster) {
	const writes = 4000
	e, waits := c.Engines[0], 0
	pause(2 * time.Second)
	for i := range writes {
		for tries := 0; ; tries++ {
			_, err := e.Set(fmt.Sprint("k", i%100), make([]byte, 200))
			if err == nil {
				break
			}
			if !errors.Is(err, engine.ErrBackpressure) || tries > 1 {
				t.Fatalf("write %d, try %d: %v", i, tries, err)
			}
			if err := e.WaitRoom(t.Context()); err != nil {
				t.Fatal(err)
			}
			waits++
		}
	}
	t.Logf("%d waits for %d writes", waits, writes)
	if waits == 0 || waits > writes {
		t.Errorf("%d waits for %d writes", waits, writes)
	}
	c.WaitConverged()
	if err := e.WaitRoom(t.Context()); err != nil {
		t.Errorf("where there is room: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.WaitRoom(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	c.Stop(0)
	if err := e.WaitRoom(t.Context()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := new(engine.Engine).WaitRoom(t.Context()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("of an engine that was never started: %v", err)
	}
}
