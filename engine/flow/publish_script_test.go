package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/fuzz/golden"
	"github.com/quidnunc/quidnunc/sched"
)

// TestPublishScript: own writes alone and in batches, that wait and that may not, of keys that are
// written again, while the rate rises, falls and is used up.
func TestPublishScript(t *testing.T) {
	golden.Run(t, 12_000, func(s *golden.Script) {
		plan := DefaultPlan(1400, 100*sched.Millisecond)
		plan.Free, plan.Start = false, 20_000
		c := newControl(t, tune.FlowOn, plan)
		now, v := sched.Instant(sched.Second), uint64(0)
		for s.Next() {
			now += sched.Instant(s.UpTo(uint64(30 * sched.Millisecond)))
			switch s.Rand.Uint32n(12) {
			case 0:
				c.Wish(s.UpTo(500))
			case 1:
				s.Say(c.Admit(now, 10, int(s.UpTo(1000))))
			case 2:
				c.source.Exchange(Load(s.Rand.Uint32n(3)), Load(s.Rand.Uint32n(3)))
				c.gate.SetRate(now, c.source.Allowed())
			case 3, 4:
				for c.Behind() && !s.Chance(3) {
					now = max(now, c.wheel.Next())
					if now == sched.Never {
						t.Fatal("what is held has no time")
					}
					c.later.Cancel()
					to := c.PublishTo(now)
					c.store.Advance(c.own, to, 0)
					s.Say(to)
				}
			default:
				many := uint8(1)
				if s.Chance(4) {
					many += uint8(s.Rand.Uint32n(5))
				}
				waits := !s.Chance(6)
				for rest := many; rest > 0; {
					v, rest = v+1, rest-1
					e := codec.Entry{Version: v, Key: []byte{'k', byte(s.Rand.Uint32n(60))}, Value: make([]byte, s.UpTo(400))}
					if rest > 0 {
						e.Flags, e.Rest = codec.EntryMore, rest
					}
					if st := c.store.Apply(c.own, &e); st != state.OK {
						t.Fatal(st)
					}
					told := c.Publish(now, Write{Version: v, Key: len(e.Key), Value: len(e.Value), Waits: waits, More: rest > 0})
					if told {
						c.store.Advance(c.own, v, 0)
					}
					s.Say(told)
				}
			}
			s.Say(c.store.Max(c.own), c.Written(), c.Behind(), c.unpublished(), c.Allowed(), c.gate, c.meter, c.batch, c.n, c.wheel.Next())
			if !c.Behind() && c.store.Max(c.own) != c.Written() {
				t.Fatalf("nothing is held, and %d of %d are published", c.store.Max(c.own), c.Written())
			}
		}
	})
}
