package core

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/sched"
)

// witness sees which frames open at a node: each one may once.
type witness struct {
	protect.Mode
	t      *testing.T
	opened map[string]bool
	twice  int
}

func (x *witness) Open(in *protect.Arrival) ([]byte, protect.Refusal) {
	records, r := x.Mode.Open(in)
	if r.Err == nil && in.Flags&codec.FlagHello == 0 {
		of := fmt.Sprintf("%x %d", in.Salt, in.Counter)
		if x.opened[of] {
			x.twice++
		}
		x.opened[of] = true
	}
	return records, r
}

// TestNoReplayWhoeverRests: somebody records every frame and sends it again, at once or later, from where
// it came or from elsewhere, while members rest, are active again and greet each other because of it:
// no frame opens twice, nobody is taken for dead, and a write is on all members soon.
func TestNoReplayWhoeverRests(t *testing.T) {
	for _, most := range []int{1, 3, 64} {
		t.Run(fmt.Sprint(most, " active"), func(t *testing.T) {
			w := sealedNet(t, 5, 71, func(_ int, c *Config) { c.Limits.Active = most })
			spies := make([]*witness, len(w.nodes))
			for i, d := range w.nodes {
				spies[i] = &witness{Mode: d.core.guard, t: t, opened: map[string]bool{}}
				d.core.guard = spies[i]
			}
			type frame struct {
				from netip.AddrPort
				to   *node
				b    []byte
			}
			var all []frame
			w.carried = func(from *node, to netip.AddrPort, b []byte) {
				if d := w.at[to]; d != nil && len(all) < 200_000 {
					all = append(all, frame{from.addr, d, bytes.Clone(b)})
				}
			}
			w.joinAll()
			w.run(sched.Second)
			again := func(f *frame) {
				from := f.from
				if w.rnd.Uint32N(4) == 0 {
					from = source(int(w.rnd.Uint32N(50)))
				}
				f.to.core.Receive(w.now, from, bytes.Clone(f.b))
				w.pump(f.to)
			}
			for i := range 30_000 {
				w.run(2 * sched.Millisecond)
				again(&all[w.rnd.IntN(len(all))])
				again(&all[len(all)-1-w.rnd.IntN(min(50, len(all)))])
				if i%10 == 0 {
					w.set(i/10%5, "k", fmt.Sprint(i))
				}
			}
			w.converge(2 * sched.Second)
			for i, d := range w.nodes {
				frames := len(spies[i].opened)
				t.Logf("node %d: %d frames opened, %d keys derived, dropped %v", i, frames, d.core.Counters().Derived, d.core.counters.Drops)
				if spies[i].twice != 0 || frames < seal.WindowCounters+1000 {
					t.Errorf("node %d: %d of %d frames opened twice", i, spies[i].twice, frames)
				}
				if has(d, MemberDied) {
					t.Errorf("node %d takes somebody for dead", i)
				}
			}
		})
	}
}

// TestFewActiveLoseNothing: members that keep the keys of two peers and write to eleven lose nothing by
// it: every write is confirmed by everybody soon, and nobody is taken for silent or dead.
func TestFewActiveLoseNothing(t *testing.T) {
	w := sealedNet(t, 12, 72, func(_ int, c *Config) { c.Limits.Active = 2 })
	w.joinAll()
	w.converge(5 * sched.Second)
	w.run(2 * sched.Second)
	for i := range 400 {
		w.set(i%12, fmt.Sprint("k", i%7), fmt.Sprint(i))
		w.run(5 * sched.Millisecond)
	}
	if took := w.converge(sched.Second); took > 200*sched.Millisecond {
		t.Errorf("the last writes took %d ms", took/sched.Millisecond)
	}
	w.run(2 * sched.Second)
	for i, d := range w.nodes {
		own := d.core.store.Max(d.core.store.Owner())
		for p := uint32(1); p < d.core.Peers(); p++ {
			if x, ok := d.core.Peer(p); ok && (x.Acked != own || x.Quiet) {
				t.Errorf("node %d: peer %d confirmed %d of %d, quiet %v", i, p, x.Acked, own, x.Quiet)
			}
		}
		if has(d, MemberDied) || has(d, MemberQuiet) {
			t.Errorf("node %d takes somebody for dead or silent", i)
		}
	}
	t.Logf("%d keys derived for %d frames, %d refused, %d taken for replays", w.nodes[0].core.Counters().Derived, w.nodes[0].core.counters.FramesReceived, w.dropped(DropRate), w.dropped(DropReplay))
}
