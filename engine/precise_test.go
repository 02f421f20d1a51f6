package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestPreciseCluster: every promise of the API holds in precise mode, with and
// without eager spreading.
func TestPreciseCluster(t *testing.T) {
	own := func(a, b *tune.Candidate) int { return bytes.Compare(a.Entry.Key, b.Entry.Key) }
	for _, order := range []tune.Order{tune.OrderPreciseNewest, tune.OrderPreciseOldest, tune.OrderPreciseRandom, tune.OrderPreciseOwn} {
		for _, spread := range []tune.Spread{tune.SpreadAuto, tune.SpreadGossip} {
			t.Run(fmt.Sprint(order, " ", spread), func(t *testing.T) {
				c := enginetest.NewCluster(t, 4, enginetest.Options{Config: func(_ int, cfg *engine.Config) {
					cfg.Tune.Order, cfg.Tune.Spread, cfg.Interval = order, spread, 5*time.Millisecond
					if order == tune.OrderPreciseOwn {
						cfg.Tune.Compare = own
					}
				}})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var last engine.Version
				for k := range 300 {
					last, _ = c.Engines[1].Set(fmt.Sprint("key", k%100), fmt.Append(nil, k))
				}
				c.Engines[1].Delete("key7")
				if err := c.Engines[1].WaitVersion(ctx, last); err != nil {
					t.Fatal(err)
				}
				c.WaitConverged()
				if v, _, ok := c.Engines[3].Get("node-1", "key99"); !ok || string(v) != "299" {
					t.Errorf("%q %v", v, ok)
				}
				if _, _, ok := c.Engines[2].Get("node-1", "key7"); ok {
					t.Error("a deleted key is there")
				}
				seen := 0
				for range c.Engines[0].Range("node-1") {
					seen++
				}
				if seen != 99 {
					t.Errorf("%d keys", seen)
				}
			})
		}
	}
}

// TestPreciseIsRefused: a member of the other mode does not get in, and counts.
func TestPreciseIsRefused(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{Apart: true, Config: func(i int, cfg *engine.Config) {
		if i == 1 {
			cfg.Tune.Order = tune.OrderPreciseOldest
		}
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var silent *engine.JoinError
	if n, err := c.Engines[1].Join(ctx, c.Engines[0].Addr().String()); n != 0 || !errors.As(err, &silent) {
		t.Errorf("joined %d: %v", n, err)
	}
	if c.Engines[0].Stats().Drops["mode"] == 0 {
		t.Errorf("not counted: %v", c.Engines[0].Stats().Drops)
	}
}

func TestPreciseConfig(t *testing.T) {
	for _, o := range []tune.Order{tune.OrderFair, tune.OrderPreciseNewest, tune.OrderPreciseOwn} {
		if got, err := tune.ParseOrder(o.String()); got != o || err != nil {
			t.Errorf("%v: %v %v", o, got, err)
		}
	}
	for _, cfg := range []engine.Config{
		{Name: "a", Tune: tune.Options{Order: tune.OrderPreciseOwn}},
		{Name: "a", Tune: tune.Options{Compare: func(a, b *tune.Candidate) int { return 0 }}},
		{Name: "a", Tune: tune.Options{Order: tune.OrderPreciseOwn + 1}},
	} {
		if err := cfg.Validate(); err == nil {
			t.Errorf("order %v is accepted", cfg.Tune.Order)
		}
	}
}
