package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// kind is a way to hurt the cluster.
type kind string

// Kinds that hurt the network, of all members or of a few, and those that hurt processes.
const (
	kindLoss      kind = "loss"
	kindDelay     kind = "delay"
	kindReorder   kind = "reorder"
	kindTwice     kind = "twice"
	kindCorrupt   kind = "corrupt"
	kindMess      kind = "mess" // all of these
	kindHole      kind = "hole"
	kindDevice    kind = "device"
	kindOneWay    kind = "oneway"
	kindDeaf      kind = "deaf"
	kindMute      kind = "mute"
	kindPartition kind = "partition"
	kindThin      kind = "thin"
	kindFlap      kind = "flap"
	kindPause     kind = "pause"
	kindFreeze    kind = "freeze"
	kindKill      kind = "kill"
	kindLeave     kind = "leave"
)

var kinds = []kind{
	kindLoss, kindDelay, kindReorder, kindTwice, kindCorrupt, kindMess, kindHole, kindDevice, kindOneWay,
	kindDeaf, kindMute, kindPartition, kindThin, kindFlap, kindPause, kindFreeze, kindKill, kindLeave,
}

// fault is one phase: what is done, to whom, for how long.
type fault struct {
	kind    kind
	victims []int // the side of a cut; whom a kind without victims hurts is everybody
	path    path  // of the packets that it hurts
	weather path  // of all
	bytes   int   // MTU of a device, bytes a second of a thin link
	rate    int   // writes a second of each member; 0: as usual
	lasts   time.Duration
}

// String is the line that tells of the phase.
func (f *fault) String() string {
	s := fmt.Sprintf("%-9s %v", f.kind, f.lasts.Round(time.Millisecond))
	if len(f.victims) > 0 {
		s += fmt.Sprintf(" of %v", f.victims)
	}
	if f.bytes > 0 {
		s += fmt.Sprintf(", %d B", f.bytes)
	}
	if f.rate > 0 {
		s += fmt.Sprintf(", %d writes/s", f.rate)
	}
	if f.path != (path{}) {
		s += fmt.Sprintf(", %v", f.path)
	}
	if f.weather != (path{}) {
		s += fmt.Sprintf("; weather %v", f.weather)
	}
	return s
}

// hurts tells whether packets from one to the other take the path of the fault.
func (f *fault) hurts(from, to int) bool {
	in := func(i int) bool { return slices.Contains(f.victims, i) }
	switch f.kind {
	case kindOneWay:
		return from == f.victims[0] && to == f.victims[1]
	case kindDeaf:
		return in(to)
	case kindMute:
		return in(from)
	case kindPartition:
		return in(from) != in(to)
	default:
		return len(f.victims) == 0 || in(from) || in(to)
	}
}

// apart tells whether the two may lose each other: the one may lack news of the other, and declare
// it dead.
func (f *fault) apart(by, about int) bool {
	in := func(i int) bool { return slices.Contains(f.victims, i) }
	switch f.kind {
	case kindPartition:
		return in(by) != in(about)
	case kindDeaf, kindMute, kindKill, kindLeave:
		return in(by) || in(about)
	case kindFreeze:
		return in(about)
	default:
		return false
	}
}

// doubts tells whether the one may show the other as suspect: it lacks the other's answers, and
// has the news of it from the rest, which finds the other alive.
func (f *fault) doubts(by, about int) bool {
	return f.kind == kindOneWay && by == f.victims[1] && about == f.victims[0]
}

// gone tells whether the member can't be asked while the fault lasts.
func (f *fault) gone(i int) bool {
	switch f.kind {
	case kindPause, kindFreeze, kindKill, kindLeave:
		return slices.Contains(f.victims, i)
	default:
		return false
	}
}

// planner draws faults from a seed.
type planner struct {
	rnd   *rand.Rand
	nodes int
	kinds []kind
	deck  []kind
}

func newPlanner(seed uint64, nodes int, kinds []kind) *planner {
	return &planner{rnd: rand.New(rand.NewPCG(seed, 1)), nodes: nodes, kinds: kinds}
}

// next is the next phase: each kind comes once before any comes again.
func (p *planner) next() fault {
	if len(p.deck) == 0 {
		p.deck = slices.Clone(p.kinds)
		p.rnd.Shuffle(len(p.deck), func(i, j int) { p.deck[i], p.deck[j] = p.deck[j], p.deck[i] })
	}
	f := fault{kind: p.deck[0]}
	p.deck = p.deck[1:]
	p.paint(&f)
	p.choose(&f)
	if p.rnd.IntN(2) == 0 {
		f.weather = path{Loss: p.share(0, 0.03), Delay: p.time(0, 3), Jitter: p.time(0, 3)}
	}
	return f
}

// share and time draw between bounds; time in milliseconds.
func (p *planner) share(least, most float64) float64 { return least + p.rnd.Float64()*(most-least) }

func (p *planner) time(least, most int) time.Duration {
	return time.Duration(p.share(float64(least), float64(most)) * float64(time.Millisecond)).Round(100 * time.Microsecond)
}

// paint draws the path of a fault.
func (p *planner) paint(f *fault) {
	switch f.lasts = p.time(1000, 2000); f.kind {
	case kindLoss:
		f.path.Loss = p.share(0.05, 0.3)
	case kindDelay:
		f.path.Delay = p.time(20, 100)
		f.path.Jitter, f.lasts = f.path.Delay/2, p.time(2000, 3500)
	case kindReorder:
		f.path.Delay = p.time(2, 10)
		f.path.Jitter = f.path.Delay
	case kindTwice:
		f.path.Dup = p.share(0.1, 0.8)
	case kindCorrupt:
		f.path.Corrupt = p.share(0.02, 0.2)
	case kindMess:
		f.path = path{Loss: p.share(0.01, 0.05), Dup: p.share(0.05, 0.2), Corrupt: p.share(0.02, 0.1), Delay: p.time(5, 5), Jitter: p.time(1, 5)}
	case kindHole: // behind a cut, so that full frames wait for the path; IPv6 promises 1,280 bytes
		f.path.Hole, f.rate, f.lasts = 1280+p.rnd.IntN(140), 100, p.time(1500, 3000)
		f.path.Told = p.rnd.IntN(3) == 0
	case kindDevice:
		f.bytes, f.rate, f.lasts = 1280+p.rnd.IntN(140), 100, p.time(1500, 3000)
	case kindOneWay, kindDeaf, kindMute, kindPartition:
		f.path.Cut, f.lasts = true, p.time(2500, 5000)
	case kindThin: // for twice what 20 writes a second of each are, and more
		f.bytes, f.lasts = p.nodes*(12_000+p.rnd.IntN(25_000)), p.time(2000, 4000)
	case kindFlap:
		f.path.Cut, f.lasts = true, p.time(3000, 5000)
	case kindPause:
		f.lasts = p.time(200, 1500)
	case kindFreeze:
		f.lasts = p.time(3500, 5000)
	}
}

// choose draws whom a fault hurts.
func (p *planner) choose(f *fault) {
	most := 0
	switch f.kind {
	case kindHole, kindDevice, kindFlap, kindKill:
		most = max(1, p.nodes/3)
	case kindDeaf, kindMute, kindThin, kindPause, kindFreeze, kindLeave:
		most = 1
	case kindPartition:
		most = p.nodes - 1
	}
	if f.kind == kindOneWay {
		f.victims = p.rnd.Perm(p.nodes)[:2]
	} else if most > 0 {
		f.victims = p.rnd.Perm(p.nodes)[:1+p.rnd.IntN(most)]
	}
}
