package sim

import (
	"cmp"
	"fmt"
	"math/bits"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Bounds of the liveness phase. Once all harm has ended and nobody writes, all
// nodes that run are equal within roundsMax exchange intervals, or within
// quietMax where intervals are short: members that fell silent are greeted
// again at most every 15 s, and a generation conflict takes some of those.
const (
	roundsMax = 400
	quietMax  = 120 * sched.Second
)

// Outcome is how a trial went.
type Outcome struct {
	Plan      *Plan
	Violation *Violation // nil: none
	Hash      uint64
	Took      sched.Instant // from the end of harm to equality
	Rounds    int           // the same in exchange intervals
	Stats     Stats
}

// Try runs a plan: harm and writes first, then peace, in which all must become
// equal.
func Try(p *Plan) (out *Outcome) { return TryWith(p, nil) }

// TryWith is Try with a look at the world before anything happens in it.
func TryWith(p *Plan, look func(w *World)) (out *Outcome) {
	out = &Outcome{Plan: p}
	var w *World
	defer func() {
		if r := recover(); r != nil {
			out.Violation = &Violation{Law: "panic", Text: fmt.Sprint(r) + "\n" + trim(string(debug.Stack()))}
			if w != nil {
				out.Violation.At = w.Now()
			}
		}
	}()
	w = p.world()
	if look != nil {
		look(w)
	}
	w.Run(p.Until)
	w.heal(p.Faults)
	if p.Leases != 0 { // they end yet, and their authors write that
		w.Run(p.LeaseTTL + sched.Second)
	}
	p.shrink(w)
	took, ok := w.Converge(p.Node.Interval, p.quiet())
	switch {
	case ok:
		w.rest(p)
		w.staysEqual(p, took)
		w.fallsQuiet(p)
		w.counted(p)
		w.Verify()
	case w.err != nil:
	case p.cramped(w):
		w.rooms = p.roomy
		if d := w.Difference(); d != "" {
			w.broken("liveness", "not equal %v after all harm ended, where there is room: %s", clock(took), d)
		}
	default:
		w.broken("liveness", "not equal %v after all harm ended: %s", clock(took), w.Difference())
	}
	out.Violation, out.Hash, out.Took, out.Stats = w.err, w.hash, took, w.Stats
	out.Rounds = int((took + p.Node.Interval - 1) / p.Node.Interval)
	return out
}

// quiet is how long all may take to become equal in peace.
func (p *Plan) quiet() sched.Instant { return max(quietMax, roundsMax*p.Node.Interval) }

// staysEqual: in peace all stay equal, but for a floor that an owner raises once all have its
// deletes, and for a member that was believed when it lied that it has left, which is buried a while
// later and comes back in another life: then they are equal again in time, and that ends.
func (w *World) staysEqual(p *Plan, took sched.Instant) {
	for range w.Nodes {
		floors := w.floors()
		w.Run(2 * p.Node.Interval)
		d := w.Difference()
		if d == "" || w.err != nil {
			return
		}
		if w.floors() == floors && w.liar == nil {
			w.broken("peace", "equal after %v, and not any more: %s", clock(took), d)
			return
		}
		if again, ok := w.Converge(p.Node.Interval, p.quiet()); !ok && w.err == nil {
			w.broken("liveness", "not equal %v after a floor rose: %s", clock(again), w.Difference())
			return
		}
	}
}

// shrink lets the authors delete until everybody has room.
func (p *Plan) shrink(w *World) {
	if p.Node.Small == 0 {
		return
	}
	for i, n := range w.Nodes {
		keep := p.keeps()
		for key, k := range n.log.sorted() {
			if !n.Up || n.log.gone[k] {
				continue
			}
			if keep--; keep < 0 {
				w.Delete(i, key)
			}
		}
	}
}

// keeps is how many keys each author keeps then.
func (p *Plan) keeps() int { return p.Node.Small / 2 / p.Nodes }

// roomy reports a node that has room for all keys.
func (p *Plan) roomy(i int) bool { return p.Node.Small == 0 || i%3 != 1 }

// cramped reports that small nodes need not become equal: the authors who run have deleted
// what they can, and with what the others left it is above the limit.
func (p *Plan) cramped(w *World) bool {
	if p.Node.Small == 0 {
		return false
	}
	runs := map[codec.OriginID]bool{}
	for _, n := range w.Nodes {
		if n.Up {
			runs[n.Core.Parts().Self.ID] = true
		}
	}
	left := 0
	for i, n := range w.Nodes {
		if n.Up && p.roomy(i) {
			left = max(left, n.keysLeft(runs))
		}
	}
	return left+p.keeps()*len(runs) > p.Node.Small
}

// keysLeft counts the keys that live at a node, of authors who do not run.
func (n *Node) keysLeft(runs map[codec.OriginID]bool) (keys int) {
	var c state.Cursor
	var e codec.Entry
	s := n.Core.Parts().Store
	for o := s.FirstAtOrAfter(0); o != 0; o = s.Following(o) {
		if runs[s.ID(o)] {
			continue
		}
		for s.After(o, 0, &c); c.Next(&e); {
			if e.Flags&codec.EntryTombstone == 0 && !codec.System(e.Key) {
				keys++
			}
		}
	}
	return keys
}

// floors is the sum of the floors that the owners have raised.
func (w *World) floors() (sum uint64) {
	for _, n := range w.Nodes {
		if n.Up {
			sum += n.Core.Parts().Store.Floor(n.Core.Parts().Own)
		}
	}
	return sum
}

// round is within which a node publishes each of its keys once, twice over; 0 where
// its rate is not given.
func (p *Plan) round() sched.Instant {
	if p.Node.Rate == 0 || p.Node.Shares {
		return 0
	}
	bytes := p.Keys*(p.Value+120) + p.Fill*200
	return 2*sched.Second + 2*sched.Instant(bytes)*sched.Second/sched.Instant(p.Node.Rate)
}

// mailMax is up to how many members SpreadAuto mails, where nothing else is planned.
const mailMax = 128

// calm tells whether nothing is done to nodes and paths, and nobody lies.
func (p *Plan) calm() bool { return len(p.Faults) == 0 && p.Lies.Kinds == 0 }

// hops is by how many hops a write reaches everybody; 0: it is not known.
func (p *Plan) hops() sched.Instant {
	switch n := &p.Node; {
	case n.MixedSpread:
		return 0
	case n.Spread == tune.SpreadMail, n.Spread == tune.SpreadAuto && cmp.Or(n.MailMax, mailMax) >= 2*p.Nodes:
		return 1
	case n.Spread == tune.SpreadDelegated && n.Fanout == 0, n.Spread == tune.SpreadAuto && n.Fanout == 0:
		return 3
	}
	return 0
}

// latency is the law of mail and of delegates: what is written where nothing is lost, held
// back or too much is everywhere soon after; 0: not in this plan.
func (p *Plan) latency() sched.Instant {
	n, hops := &p.Node, p.hops()
	if !p.calm() || hops == 0 || n.Rate != 0 || n.Small != 0 || n.ReceiveMax != 0 || n.Order.Precise() || p.Fill > 0 {
		return 0
	}
	return hops * (4*p.Link.Delay.Max + 10*sched.Millisecond) // a write may wait so long for company
}

// rest lets all ask, as those who wait for a version do, and then nobody do anything.
func (w *World) rest(p *Plan) {
	w.peace = true
	for range 4 {
		for _, n := range w.Nodes {
			if n.Up {
				w.do(n, func(s *shard) {
					n.Core.Ask(n.now, false)
					w.pump(s, n)
				})
			}
		}
		w.Run(sched.Second + 2*p.Node.Interval)
	}
}

// world is a world in which the plan is about to happen.
func (p *Plan) world() *World {
	var w *World
	w = New(Options{
		Nodes: p.Nodes, Seed: p.Seed, Link: p.Link, Check: true, Wait: p.round(), Late: p.latency(), Doubt: p.doubt(), Prompt: p.calm(), Wrap: true,
		Config: func(i, life int, c *core.Config) {
			p.configure(i, c)
			if w != nil && w.Nodes[i].next != 0 {
				c.Generation = w.Nodes[i].next
			}
		},
	})
	if p.Lies.Kinds != 0 {
		w.liar = newLiar(p)
	}
	for i := 1; i < p.Nodes; i++ {
		w.At(w.rand.Between(0, 50*sched.Millisecond), func() {
			if w.Nodes[i].Up {
				w.Rejoin(i)
			}
		})
	}
	for i := range p.Faults {
		p.Faults[i].schedule(w)
	}
	for k := range p.Fill {
		w.Set(0, fmt.Sprint("f", k), filler[:k%64])
	}
	p.writeNext(w)
	return w
}

// writeNext lets a random node write after a random time, until the end of
// harm.
func (p *Plan) writeNext(w *World) {
	r := &w.rand
	w.After(r.Between(0, 2*p.Gap), func() {
		if w.Now() >= p.Until {
			return
		}
		i := int(r.Uint32n(uint32(p.Nodes)))
		if p.Node.Shares && oneIn(r, 2) {
			i = 0 // who wishes for more than the others is given of their rates
		}
		if uint32(r.Uint64()) < p.Skips {
			w.Nodes[i].Skip = uint64(r.Uint32n(5))
		}
		p.writeSome(w, i)
		p.writeNext(w)
	})
}

// writeSome has one node write: a key, several as a batch, or one that lives by a lease.
func (p *Plan) writeSome(w *World, i int) {
	r := &w.rand
	lease := uint32(0)
	if p.Leases != 0 && uint32(r.Uint64()) < p.Leases {
		if lease = p.useLease(w, i); lease == 0 {
			return
		}
	}
	if p.Batches == 0 || uint32(r.Uint64()) >= p.Batches {
		w.Write(i, p.op(w, lease, p.Value))
		return
	}
	var ops []core.Op
	for range between(r, 2, batchWrites) {
		op := p.op(w, lease, batchValue)
		if !slices.ContainsFunc(ops, func(o core.Op) bool { return string(o.Key) == string(op.Key) }) {
			ops = append(ops, op)
		}
	}
	w.Write(i, ops...)
}

// What a batch of the swarm has fits one frame.
const (
	batchWrites = 6
	batchValue  = 60
)

const _ uint = codec.BatchBytesMax - batchWrites*(batchValue+70)

// op is one write of some key.
func (p *Plan) op(w *World, lease uint32, longest int) core.Op {
	r := &w.rand
	key := fmt.Sprint("k", r.Uint32n(uint32(p.Keys)))
	if p.Hot && oneIn(r, 2) {
		key = "k0"
	}
	if p.Common {
		key = "a/rather/long/common/prefix/" + key
	}
	if uint32(r.Uint64()) < p.Deletes {
		return core.Op{Kind: core.Delete, Key: []byte(key)}
	}
	return core.Op{Kind: core.Set, Key: []byte(key), Value: []byte(value(r, min(longest, p.Value))), Lease: lease}
}

// useLease has a node do something with the newest lease that it granted; the number of one that a
// key may live by, or 0.
func (p *Plan) useLease(w *World, i int) (number uint32) {
	r, n := &w.rand, w.Nodes[i]
	number = uint32(len(n.log.leases))
	switch {
	case !n.Up || n.paused:
		return 0
	case !n.living(number) || oneIn(r, 16):
		return w.Grant(i, r.Between(100*sched.Millisecond, p.LeaseTTL)/sched.Millisecond*sched.Millisecond)
	case oneIn(r, 32):
		w.Revoke(i, number)
		return 0
	case oneIn(r, 4):
		w.Renew(i, number)
		return 0
	}
	return number
}

// doubt is how much longer frames may be under way than their receivers know: where paths do not
// take what they usually do, and some hops between nodes that have measured none yet.
func (p *Plan) doubt() (most sched.Instant) {
	most = 8 * p.Link.Delay.Max
	for i := range p.Faults {
		f := &p.Faults[i]
		switch f.Kind {
		case Clogs:
			most += f.For
		case Delays:
			most += f.part(sched.Millisecond, 200*sched.Millisecond)
		case Shuffles:
			most += max(3, sched.Instant(bits.Len(uint(p.Nodes)))) * holdMost // at each hop of news that goes from node to node
		}
	}
	return most
}

var filler = strings.Repeat("abcdefghijklmnopqrstuvwxyz012345", 32)

// value is unlike any other.
func value(r *sched.Rand, longest int) string {
	v := fmt.Sprintf("%x.", r.Uint64())
	return v + filler[:skewed(r, 0, max(0, longest-len(v)))]
}

// trim leaves the part of a stack that says where it broke.
func trim(stack string) string {
	lines := strings.Split(stack, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") {
			lines = lines[i+2:]
			break
		}
	}
	return strings.Join(lines[:min(len(lines), 16)], "\n")
}
