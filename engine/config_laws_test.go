package engine_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestHowFarAClockMayBeAhead: a write of a clock that is a second ahead is believed at once where that
// much is allowed, and waits for its time where it is not.
func TestHowFarAClockMayBeAhead(t *testing.T) {
	for most, want := range map[time.Duration]string{200 * time.Millisecond: "right", 2 * time.Second: "ahead"} {
		o := enginetest.Options{Config: func(_ int, c *engine.Config) { c.ClockOffsetMax = most }}
		virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
			c.Engines[1].Shared().Set("k", []byte("right"))
			c.WaitConverged()
			c.Engines[0].Shared().Skew(time.Second)
			c.Engines[0].Shared().Set("k", []byte("ahead"))
			c.WaitConverged()
			for _, e := range c.Engines[1:] {
				if is := sharedText(e, "k"); is != want {
					t.Errorf("%v: %s shows %q, want %q", most, e.Name(), is, want)
				}
			}
			pause(2 * time.Second)
			for _, e := range c.Engines {
				if is := sharedText(e, "k"); is != "ahead" {
					t.Errorf("%v: %s shows %q when its time has come", most, e.Name(), is)
				}
			}
		})
	}
}

// TestHowOftenADiskIsSynced: a write is on the disk within Disk.Every, and of writes one after the other
// none is there much earlier than that.
func TestHowOftenADiskIsSynced(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 7 * time.Second} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			e := startWith(t, "a", dir, func(c *engine.Config) {
				c.Transport, c.Disk.Every = simnet.NewNetwork(1, simnet.Link{}).Poller(), every
			})
			defer e.Close()
			for i := range 4 {
				v, err := e.Set("k", []byte{byte(i)})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if err := e.WaitSynced(context.Background(), v); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > every+10*time.Millisecond || took < every/2 {
					t.Errorf("%v: write %d is there after %v", every, i, took)
				}
			}
		})
	}
}

// TestATraceIsToldEachAdvance: what a member holds of an origin is reported in steps that follow one
// another, from nothing up to all of it; without streams it is complete as it comes.
func TestATraceIsToldEachAdvance(t *testing.T) {
	advanced, completed := map[uint64]uint64{}, map[uint64]uint64{}
	follow := func(what string, to map[uint64]uint64) func(engine.Advance) {
		return func(a engine.Advance) {
			if a.From != to[a.Origin] || a.To <= a.From {
				t.Errorf("%s: from %d to %d of %x, after %d", what, a.From, a.To, a.Origin, to[a.Origin])
			}
			to[a.Origin] = a.To
		}
	}
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 1 {
			c.Trace = &engine.Trace{Advanced: follow("advanced", advanced), Completed: follow("completed", completed)}
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		want := map[uint64]uint64{}
		for _, e := range c.Engines {
			for i := range 20 {
				want[e.ID()] = set(t, e, "k", fmt.Sprint(i)).Seq
				pause(time.Millisecond)
			}
		}
		c.WaitConverged()
		c.Engines[1].Stats() // the loop is past its reports
		if !maps.Equal(advanced, want) || !maps.Equal(completed, want) {
			t.Errorf("advanced to %v, completed to %v, want %v", advanced, completed, want)
		}
	})
}
