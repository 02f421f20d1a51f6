package core

import (
	"fmt"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

func (d *node) broadcasts() (s []string) {
	var e codec.Event
	for d.core.Parts().Events.Next(&e) {
		s = append(s, fmt.Sprintf("%s:%s", e.Topic, e.Payload))
	}
	return s
}

func TestBroadcastReachesEverybodyOnce(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor} {
		t.Run(fmt.Sprint(spread), func(t *testing.T) {
			w := newNet(t, 12, 4, func(_ int, c *Config) { c.Spread, c.Fanout = spread, 6 })
			w.joinAll()
			w.converge(5 * sched.Second)
			w.dup = 0.3
			var last uint64
			for k := range 5 {
				tm, st := w.nodes[k].core.Broadcast(w.now, []byte("deploy"), fmt.Append(nil, k))
				if st != Written || tm <= last {
					t.Fatal(st, tm, last)
				}
				last = tm
				w.pump(w.nodes[k])
				w.run(50 * sched.Millisecond)
			}
			for _, d := range w.nodes {
				if got := d.broadcasts(); fmt.Sprint(got) != "[deploy:0 deploy:1 deploy:2 deploy:3 deploy:4]" {
					t.Errorf("node %d: %v", d.i, got)
				}
			}
			late := w.start(12, 1, func(_ int, c *Config) { c.Spread = spread })
			late.core.Join(w.now, addrOf(0))
			w.pump(late)
			w.run(sched.Second)
			if got := late.broadcasts(); len(got) == 0 {
				t.Error("the late joiner was told nothing")
			}
			if _, st := late.core.Broadcast(w.now, []byte("t"), make([]byte, codec.EventPayloadMax)); st != TooLong {
				t.Error("an oversize event was taken:", st)
			}
		})
	}
}

// TestBroadcastsUnderAForgedNumber: a member tells others an event in a member's name, under a
// number far ahead; a second later that member's broadcasts are heard everywhere, once.
func TestBroadcastsUnderAForgedNumber(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip} {
		w := newNet(t, 8, 5, func(_ int, c *Config) { c.Spread, c.Fanout = spread, 4 })
		w.joinAll()
		w.converge(5 * sched.Second)
		tell := func(name string) {
			if _, st := w.nodes[1].core.Broadcast(w.now, []byte("true"), []byte(name)); st != Written {
				t.Fatal(st)
			}
			w.pump(w.nodes[1])
			w.run(200 * sched.Millisecond)
		}
		tell("before")
		for _, to := range []int{0, 2, 3} {
			e := codec.Event{Origin: w.nodes[1].core.me.ID, Seq: 1 << 31, Time: 1, Topic: []byte("forged")}
			w.say(5, to, codec.TypeEvent, codec.AppendEventBody(nil, &e))
		}
		w.run(sched.Second)
		for _, d := range w.nodes {
			d.broadcasts()
		}
		for i := range 5 {
			tell(fmt.Sprint(i))
		}
		for _, d := range w.nodes {
			if got := d.broadcasts(); fmt.Sprint(got) != "[true:0 true:1 true:2 true:3 true:4]" {
				t.Errorf("%v: node %d hears %v", spread, d.i, got)
			}
		}
	}
}

// TestBroadcastsOfARenewedMember: a member takes another life between two broadcasts, the first of
// which has not left, or is on its way. Everybody hears both, once.
func TestBroadcastsOfARenewedMember(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip} {
		for _, leaves := range []bool{false, true} {
			for seed := range uint64(10) {
				w := newNet(t, 5, seed, func(_ int, c *Config) { c.Spread, c.Fanout = spread, 6 })
				w.joinAll()
				w.converge(5 * sched.Second)
				w.run(sched.Second)
				w.dup = 0.3
				d, want := w.nodes[1], []string(nil)
				say := func() {
					text := fmt.Sprint(len(want))
					want = append(want, "t:"+text)
					if _, st := d.core.Broadcast(w.now, []byte("t"), []byte(text)); st != Written {
						t.Fatal(st)
					}
				}
				for life := range 3 {
					say()
					if leaves {
						w.pump(d)
						w.run(150 * sched.Microsecond) // some have it, some don't
					}
					d.core.enter(w.now)
					d.core.renew(d.core.me.Gen + 1)
					if life == 1 {
						w.pump(d)
					}
					say()
					w.pump(d)
					w.run(sched.Second)
				}
				for _, x := range w.nodes {
					got := x.broadcasts()
					if slices.Sort(got); !slices.Equal(got, want) {
						t.Errorf("%v, it leaves: %v: node %d heard %v, want %s", spread, leaves, x.i, got, want)
					}
					if n := x.core.counters.BroadcastsLost; n > 0 {
						t.Errorf("%d are lost", n)
					}
				}
			}
		}
	}
}
