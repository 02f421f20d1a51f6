package broadcast

import (
	"slices"

	"github.com/quidnunc/quidnunc/sched"
)

// Plan is what to measure.
type Plan struct {
	Nodes   int
	Policy  string
	Loss    float64       // share of datagrams
	Dead    float64       // share of members that are dead, and nobody knows
	Deaf    float64       // share that receive, and neither answer nor pass on
	Liars   float64       // share that acknowledge, and do not pass on
	Fanout  int           // of delegated and of rumor; 0: 32, and about ln n + 2
	Urgent  bool          // delegated: of that class
	Authors int           // members that write; 0: 8
	Writes  int           // of each, that are timed; 0: 5
	Gap     sched.Instant // between writes; 0: 20 ms
	Hop     sched.Instant // one way, ± 20 %; 0: 35 µs
	Proc    sched.Instant // of a loop for each datagram, in or out; 0: 2 µs
	Seed    uint64
}

// Defaults of a Plan.
const (
	hopDefault  = 35 * sched.Microsecond
	procDefault = 2 * sched.Microsecond
	gapDefault  = 20 * sched.Millisecond
)

func (p *Plan) fill() {
	d := func(v *int, or int) {
		if *v == 0 {
			*v = or
		}
	}
	d(&p.Authors, min(8, p.Nodes))
	d(&p.Writes, 5)
	fanout := 32
	if p.Policy == "rumor" {
		fanout = 5
		for n := p.Nodes; n > 32; n >>= 1 {
			fanout++
		}
		fanout = min(fanout, 12)
	}
	d(&p.Fanout, fanout)
	t := func(v *sched.Instant, or sched.Instant) {
		if *v == 0 {
			*v = or
		}
	}
	t(&p.Hop, hopDefault)
	t(&p.Proc, procDefault)
	t(&p.Gap, gapDefault)
}

// loss as a probability of 2^32.
func (p *Plan) loss() uint32 { return uint32(p.Loss * (1<<32 - 1)) }

// patience is four times the round trip of two idle nodes.
func (p *Plan) patience() sched.Instant { return 8 * (p.Hop + p.Proc) }

// Row is what a policy did.
type Row struct {
	Policy string  `json:"policy"`
	Nodes  int     `json:"nodes"`
	Loss   float64 `json:"loss"`
	Dead   float64 `json:"dead"`

	P50us  int64 `json:"p50_us"`
	P99us  int64 `json:"p99_us"` // -1: less than 99 % were reached
	Lastus int64 `json:"last_us"`

	Reached    float64 `json:"reached"`     // share of living members, in the end
	Reached2ms float64 `json:"reached_2ms"` // and 2 ms after the write
	Missing    int     `json:"missing"`     // deliveries that the next exchange does not bring either
	Redundancy float64 `json:"redundancy"`  // entries received, for each that was needed, less 1
	Packets    float64 `json:"packets"`     // datagrams sent, for each delivery
}

// Policies are what can be measured, by their names.
func Policies() []string { return []string{"delegated", "mail", "rumor", "plumtree", "flood"} }

func policyOf(w *world) policy {
	switch w.plan.Policy {
	case "delegated":
		return newDelegated(w)
	case "mail":
		return newMailed(w)
	case "rumor":
		return newRumored(w)
	case "plumtree":
		return newPlumtree(w)
	case "flood":
		return newFlood(w)
	}
	return nil
}

// warm is how many writes of each author come before those that are timed: Plumtree's tree is
// made by them. Members fail after them.
const warm = 2

// Measure writes at each author in turn, Gap apart, and times every delivery. The policy must
// be one of Policies.
func Measure(plan Plan) Row {
	p := &plan
	p.fill()
	w := new(world)
	w.init(p)
	w.policy = policyOf(w)
	var delays []sched.Instant
	wrote := sched.Instant(0)
	counting := false
	w.took = func(n, a int) {
		if counting && n != w.author(a) {
			delays = append(delays, w.now-wrote)
		}
	}
	needed, missing, living := 0, 0, 0
	for round := range warm + p.Writes {
		if round == warm {
			counting, living = true, w.afflict()
			w.sent, w.received = 0, 0
		}
		for a := range p.Authors {
			wrote = w.now

			w.whole[a]++
			w.held[a][w.author(a)] = w.whole[a]
			w.policy.write(a, w.whole[a])
			for w.step(wrote + p.Gap) {
			}
			if counting {
				needed += living - 1
			}
			missing += w.exchange(a, counting)
		}
	}
	return row(p, delays, needed, missing, w)
}

// afflict makes some members dead, deaf or liars, which no author is, and counts those that
// news can reach.
func (w *world) afflict() (living int) {
	for i := range w.nodes {
		n, u := &w.nodes[i], float64(w.rand.Uint32n(1<<24))/(1<<24)
		switch p := w.plan; {
		case i%(len(w.nodes)/p.Authors) == 0:
		case u < p.Dead:
			n.dead = true
		case u < p.Dead+p.Deaf:
			n.deaf = true
		case u < p.Dead+p.Deaf+p.Liars:
			n.liar = true
		}
		if !n.dead && !n.deaf {
			living++
		}
	}
	return living
}

// exchange is the next periodic comparison: each living member that lacks a version asks one
// other. It returns how many lack it still.
func (w *world) exchange(a int, counting bool) (missing int) {
	held, to := w.held[a], w.whole[a]
	lacks := make([]int, 0, 64)
	for n := range held {
		if held[n] < to && !w.nodes[n].dead && !w.nodes[n].deaf {
			lacks = append(lacks, n)
		}
	}
	for _, n := range lacks {
		for {
			if q := int(w.rand.Uint32n(uint32(len(held)))); q != n && !w.nodes[q].dead && !w.nodes[q].deaf {
				if held[q] >= to {
					held[n] = to
				} else if counting {
					missing++
				}
				break
			}
		}
	}
	for _, n := range lacks {
		held[n] = to // the rest is the later exchanges'
	}
	return missing
}

func row(p *Plan, delays []sched.Instant, needed, missing int, w *world) Row {
	slices.Sort(delays)
	at := func(share float64) int64 {
		if i := int(share*float64(needed)+0.5) - 1; i < len(delays) {
			return int64(delays[max(0, i)] / sched.Microsecond)
		}
		return -1
	}
	soon, _ := slices.BinarySearch(delays, 2*sched.Millisecond)
	r := Row{
		Policy: p.Policy, Nodes: p.Nodes, Loss: p.Loss, Dead: p.Dead,
		P50us: at(0.5), P99us: at(0.99), Lastus: -1,
		Reached: float64(len(delays)) / float64(needed), Reached2ms: float64(soon) / float64(needed),
		Missing: missing, Redundancy: float64(w.received)/float64(max(1, len(delays))) - 1, Packets: float64(w.sent) / float64(needed),
	}
	if len(delays) > 0 {
		r.Lastus = int64(delays[len(delays)-1] / sched.Microsecond)
	}
	return r
}
