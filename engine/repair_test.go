package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestRepairEqualizes members that nothing else would make equal for an hour.
func TestRepairEqualizes(t *testing.T) {
	const n = 6
	virtual(t, n, enginetest.Options{Config: func(_ int, c *engine.Config) {
		c.Tune.Spread, c.Interval = tune.SpreadGossip, time.Minute
	}}, func(t *testing.T, c *enginetest.Cluster) {
		for i, e := range c.Engines {
			for k := range 3 {
				set(t, e, fmt.Sprint("k", k), fmt.Sprint(i))
			}
		}
		r, err := c.Engines[2].Repair(context.Background())
		if err != nil || r.Hops != 2*(n-1) || r.Planned != r.Hops || r.Skipped != 0 || r.Took > 5*time.Second {
			t.Fatalf("%+v, %v", r, err)
		}
		t.Logf("%+v", r)
		if all := same(t, c); len(all) != 3*n {
			t.Errorf("%d keys", len(all))
		}
		if again, err := c.Engines[4].Repair(context.Background()); err != nil || again.Entries != 0 || again.Hops != 2*(n-1) {
			t.Errorf("repair of what is equal: %+v, %v", again, err)
		}
		if p, walking := c.Engines[4].RepairProgress(); walking || p.Hops != p.Planned {
			t.Errorf("progress %+v, walking %v", p, walking)
		}
	})
}

func TestRepairWithADeadMember(t *testing.T) {
	virtual(t, 5, enginetest.Options{Config: func(_ int, c *engine.Config) {
		c.Tune.Spread, c.Interval = tune.SpreadGossip, time.Minute
	}}, func(t *testing.T, c *enginetest.Cluster) {
		for i, e := range c.Engines {
			set(t, e, "k", fmt.Sprint(i))
		}
		c.Kill(3)
		r, err := c.Engines[0].Repair(context.Background())
		t.Logf("%+v, %v", r, err)
		if err != nil || r.Skipped == 0 {
			t.Errorf("%+v, %v", r, err)
		}
		first := c.Engines[0].Stats().Fingerprint
		for i, e := range c.Engines {
			if i != 3 && e.Stats().Fingerprint != first {
				t.Errorf("%s differs", e.Name())
			}
		}
	})
}

func TestRepairAloneAndClosed(t *testing.T) {
	virtual(t, 1, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		if r, err := e.Repair(context.Background()); err != nil || r.Planned != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := e.Repair(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		e.Close()
		if _, err := e.Repair(context.Background()); !errors.Is(err, engine.ErrClosed) {
			t.Error(err)
		}
	})
}
