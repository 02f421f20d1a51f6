package engine_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// BenchmarkPing is a probe and its answer between two loops on loopback
// sockets, as the caller of Ping has it and, in rtt, as the loop measures it:
// idle, and while both members write as fast as they are let, so that frames are
// full and sockets busy.
func BenchmarkPing(b *testing.B) {
	for _, load := range []bool{false, true} {
		name := "idle"
		if load {
			name = "bulk"
		}
		b.Run(name, func(b *testing.B) {
			x, y := pingPair(b)
			var stop atomic.Bool
			if load {
				for _, e := range []*engine.Engine{x, y} {
					go write(e, &stop)
				}
			}
			defer stop.Store(true)
			ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
			defer cancel()
			var rtts []time.Duration
			for b.Loop() {
				d, err := x.Ping(ctx, "y")
				if err != nil {
					b.Fatal(err)
				}
				rtts = append(rtts, d)
			}
			slices.Sort(rtts)
			at := func(share float64) float64 { return float64(rtts[int(share*float64(len(rtts)-1))].Microseconds()) }
			b.ReportMetric(at(0.5), "rtt-p50-µs")
			b.ReportMetric(at(0.99), "rtt-p99-µs")
		})
	}
}

func pingPair(b *testing.B) (x, y *engine.Engine) {
	start := func(name string) *engine.Engine {
		r := engine.NewReactor(engine.ReactorOptions{})
		e := startOne(b, name, func(c *engine.Config) { c.Reactor = r })
		b.Cleanup(func() { e.Close(); r.Close() })
		return e
	}
	x, y = start("x"), start("y")
	if n, err := x.Join(b.Context(), y.Addr().String()); n != 1 {
		b.Fatal(err)
	}
	return x, y
}

// write keeps the stage of e filled.
func write(e *engine.Engine, stop *atomic.Bool) {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("key-", i)
	}
	value := make([]byte, 500)
	for i := 0; !stop.Load(); i++ {
		if _, err := e.Set(keys[i%len(keys)], value); err == engine.ErrBackpressure {
			e.Stats() // the stage is full: wait for the loop's turn
		} else if err != nil {
			return
		}
	}
}
