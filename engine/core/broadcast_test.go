package core

import (
	"fmt"
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
