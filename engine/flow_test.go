package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// overload writes at twenty times what the others take, for some seconds, and
// reports what the writer was told.
func overload(t *testing.T, throttle engine.Throttle) (refused *engine.BackpressureError, last engine.FlowStats) {
	o := enginetest.Options{Config: func(_ int, c *engine.Config) {
		c.ReceiveRate, c.Throttle = 100_000, throttle
	}}
	virtual(t, 4, o, func(t *testing.T, c *enginetest.Cluster) {
		pause(2 * time.Second)
		value := make([]byte, 200)
		for k := range 4000 {
			value[0], value[1] = byte(k), byte(k>>8)
			if _, err := c.Engines[0].Set(fmt.Sprint("k", k%500), value); err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
			pause(500 * time.Microsecond)
		}
		last = c.Engines[0].Stats().Flow
		c.WaitConverged()
		pause(time.Second)
		if f := c.Engines[0].Stats().Flow; f.Unpublished != 0 || f.Deferred != 0 {
			t.Errorf("afterwards %d entries are unpublished, %d bytes deferred", f.Unpublished, f.Deferred)
		}
		if all := same(t, c); len(all) != 500 {
			t.Errorf("%d keys", len(all))
		}
	})
	return refused, last
}

func TestOverloadIsCoalesced(t *testing.T) {
	refused, f := overload(t, engine.ThrottleCoalesce)
	if refused != nil {
		t.Error(refused)
	}
	t.Logf("%+v", f)
	if f.Free || f.WritesHeld == 0 || f.Allowed > 400_000 || f.FramesHeld == 0 {
		t.Errorf("%+v", f)
	}
}

func TestOverloadIsRefused(t *testing.T) {
	refused, f := overload(t, engine.ThrottleRefuse)
	if refused == nil {
		t.Fatalf("nothing was refused: %+v", f)
	}
	t.Logf("%v, %+v", refused, f)
	if !errors.Is(refused, engine.ErrBackpressure) || refused.Rate <= 0 || refused.Rate > 400_000 || refused.RetryAfter <= 0 {
		t.Errorf("%+v", refused)
	}
	if f.Desired <= f.Used || f.Unpublished != 0 {
		t.Errorf("%+v", f)
	}
}

func TestFlowNames(t *testing.T) {
	for _, f := range []tune.Flow{tune.FlowOn, tune.FlowReport, tune.FlowOff} {
		if got, err := tune.ParseFlow(f.String()); got != f || err != nil {
			t.Error(f, got, err)
		}
	}
	for _, f := range []engine.Throttle{engine.ThrottleCoalesce, engine.ThrottleRefuse} {
		if got, err := engine.ParseThrottle(f.String()); got != f || err != nil {
			t.Error(f, got, err)
		}
	}
	if err := (engine.Config{Name: "a", ReceiveRate: -1, Throttle: 7}).Validate(); err == nil {
		t.Error("a negative rate")
	}
}
