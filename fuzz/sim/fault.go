package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/engine/declare"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/sched"
)

// FaultKind is a kind of harm.
type FaultKind uint8

// The kinds. Those up to Leaves are done to one node, the others to the paths
// between two random halves of the nodes.
const (
	Pauses     FaultKind = iota // the process stops for a time and goes on
	Crashes                     // it dies and comes back blank, with a generation from its clock
	Keeps                       // it dies and comes back blank, with the generation after the one on its disk
	Forgets                     // it dies and comes back blank, under the very generation that it had
	Dies                        // it dies for good
	Leaves                      // it says that it leaves, stops, and may come back later
	Moves                       // it dies and comes back at another address
	Steps                       // its wall clock jumps
	Slows                       // its loop needs long for each frame
	Chokes                      // its socket takes a few frames at a time
	Brims                       // its receive buffer is small
	Splits                      // no path crosses between two groups
	Deafens                     // no path crosses in one direction
	Clogs                       // what is sent arrives much later, at once
	Loses                       // frames are lost
	Bursts                      // frames are lost many at a time
	Garbles                     // bits turn over
	Doubles                     // frames arrive twice
	Shuffles                    // frames overtake each other
	Narrows                     // long frames vanish
	Delays                      // frames take longer
	FaultKinds                  // how many there are
)

// holdMost is how long a frame that others overtake may be held.
const holdMost = 30 * sched.Millisecond

var faultNames = [FaultKinds]string{
	"pause", "crash", "restart", "amnesia", "death", "leave", "move", "clock", "slow", "choke", "brim",
	"split", "deaf", "clog", "loss", "burst", "garble", "double", "shuffle", "narrow", "delay",
}

// String is the kind in one word.
func (k FaultKind) String() string {
	if k < FaultKinds {
		return faultNames[k]
	}
	return "invalid"
}

// Fault is one harm and its end. Taking one out of a plan leaves a plan.
type Fault struct {
	Kind FaultKind
	At   sched.Instant // since the start
	For  sched.Instant
	Node int    // which one, modulo the number of nodes
	Mask uint64 // which paths: node i is in the group of bit i modulo 64
	Much uint32 // how much, of 2^32
}

// group is one side of the paths of a fault. Both sides have somebody.
func (f *Fault) group(n int) (in, out []int) {
	for i := range n {
		if f.Mask>>(i%64)&1 != 0 {
			in = append(in, i)
		} else {
			out = append(out, i)
		}
	}
	switch {
	case len(in) == 0:
		in, out = out[:1], out[1:]
	case len(out) == 0:
		out, in = in[:1], in[1:]
	}
	return in, out
}

// victim is the node that is harmed; -1 if there is none to spare.
func (f *Fault) victim(n int) int {
	switch {
	case f.Kind != Dies:
		return f.Node % n
	case n <= seeds:
		return -1
	}
	return seeds + f.Node%(n-seeds)
}

// part is Much of a range.
func (f *Fault) part(from, to sched.Instant) sched.Instant {
	return from + sched.Instant(uint64(to-from)>>10*uint64(f.Much)>>22)
}

// Text is the fault in one line.
func (f *Fault) Text(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v at %v for %v:", f.Kind, clock(f.At), clock(f.For))
	if f.Kind < Splits {
		fmt.Fprintf(&b, " node %d", f.victim(n))
	} else {
		in, out := f.group(n)
		fmt.Fprintf(&b, " %v | %v", in, out)
	}
	fmt.Fprintf(&b, ", strength %.2f", float64(f.Much)/(1<<32))
	return b.String()
}

// schedule makes the fault happen to a world.
func (f *Fault) schedule(w *World) {
	w.At(f.At, func() {
		if f.Kind < Splits {
			f.hurt(w, f.victim(len(w.Nodes)))
		} else {
			f.disturb(w)
		}
	})
}

// hurt harms a node. A node that is down or paused already is left alone.
func (f *Fault) hurt(w *World, i int) {
	if i < 0 || !w.Nodes[i].Up || w.Nodes[i].paused {
		return
	}
	n := w.Nodes[i]
	after := func(undo func()) { w.After(f.For, undo) }
	switch f.Kind {
	case Pauses:
		w.Pause(i)
		after(func() { w.Resume(i) })
	case Crashes, Keeps, Forgets, Moves, Dies, Leaves:
		f.end(w, i)
	case Steps:
		by := sched.Wall(f.part(0, 40*sched.Second)) - 20*sched.Second
		n.Wall += by
	case Slows:
		n.Cost = f.part(20*sched.Microsecond, 2*sched.Millisecond)
		after(func() { n.Cost = 0 })
	case Chokes:
		n.Sends = 1 + int(f.part(0, 8))
		after(func() { n.Sends = 0 })
	case Brims:
		n.Buffer = int(f.part(1024, 32<<10))
		after(func() { n.Buffer = w.opt.Buffer })
	}
}

// end ends a process and, mostly, brings another one up.
func (f *Fault) end(w *World, i int) {
	n := w.Nodes[i]
	if f.Kind == Leaves {
		w.Set(i, string(declare.LeaveKey), "")
		w.After(50*sched.Millisecond, func() {
			if n.Up {
				w.Stop(i)
			}
		})
	} else {
		w.Stop(i)
	}
	if f.Kind == Dies {
		return
	}
	life := n.Life
	w.After(max(f.For, 60*sched.Millisecond), func() {
		if n.Up || n.Life != life {
			return
		}
		switch f.Kind {
		case Keeps:
			n.next = n.gen + 1
		case Forgets:
			n.next = n.gen
		case Moves:
			w.Move(i)
			n.next = n.gen + 1
		default:
			n.next = 0 // its clock's
		}
		w.Start(i)
		w.Rejoin(i)
		if f.Kind == Moves {
			w.moved(i)
		}
	})
}

// seeds are the nodes whose addresses everybody is configured with. They may
// move, and everybody looks them up again then; they do not die for good.
const seeds = 2

// Rejoin tells a node of the seeds and of one other, as its configuration would.
func (w *World) Rejoin(i int) {
	for to := range min(seeds, len(w.Nodes)) {
		if to != i {
			w.Join(i, to)
		}
	}
	if to := int(w.rand.Uint32n(uint32(len(w.Nodes)))); to != i && w.Nodes[to].Up {
		w.Join(i, to)
	}
}

// moved tells everybody of a seed's new address.
func (w *World) moved(seed int) {
	for i, n := range w.Nodes {
		if i != seed && n.Up && seed < seeds {
			w.Join(i, seed)
		}
	}
}

// disturb lays a rule over paths.
func (f *Fault) disturb(w *World) {
	in, out := f.group(len(w.Nodes))
	chance := simnet.Chance(f.Much)
	r := simnet.Rule{From: simnet.SetOf(in...), To: simnet.SetOf(out...), Both: true}
	switch f.Kind {
	case Splits:
		r.Cut = true
	case Deafens:
		r.Cut, r.Both = true, false
	case Clogs:
		r.Clog = true
	case Loses:
		r.Link.Loss = chance / 2
	case Bursts:
		r.Link.Burst = simnet.Burst{Enter: simnet.Always / 50, Leave: simnet.Always/200 + chance/8, Loss: simnet.Always/2 + chance/2}
	case Garbles:
		r.Link.Corrupt = chance / 4
	case Doubles:
		r.Link.Duplicate = chance
	case Shuffles:
		r.Link.Reorder, r.Link.HoldMax = chance, holdMost
	case Narrows:
		r.Link.MTU = int(f.part(300, 1400))
	case Delays:
		r.Link.Delay = simnet.Delay{Min: 0, Max: f.part(sched.Millisecond, 200*sched.Millisecond), Shape: simnet.Shape(f.Mask >> 63)}
	}
	r.Until = w.now + f.For
	w.Net.Add(r)
}

// heal ends all harm: what is paused goes on, what is down for a time comes up,
// paths are good.
func (w *World) heal(faults []Fault) {
	w.Net.Clear()
	for i, n := range w.Nodes {
		n.Cost, n.Sends, n.Rest, n.Buffer = 0, 0, 0, w.opt.Buffer
		if n.Up && n.paused {
			w.Resume(i)
		}
		dead := slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == Dies && f.victim(len(w.Nodes)) == i })
		if !n.Up && !dead {
			n.next = n.gen + 1
			w.Start(i)
			w.Rejoin(i)
		}
	}
}
