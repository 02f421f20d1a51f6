package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// PlanVersion changes when a seed no longer makes the plan that it made before.
const PlanVersion = 6

// Plan is one run of the swarm, told in full: the seed decides all of it, and a
// smaller plan is made by leaving something out.
type Plan struct {
	Seed   uint64
	Nodes  int
	Until  sched.Instant // faults and writes end here
	Faults []Fault
	Link   simnet.Link

	Gap     sched.Instant // mean time between two writes of the cluster
	Keys    int           // of each node
	Value   int           // longest value
	Deletes uint32        // share of writes that delete, of 2^32
	Skips   uint32        // share of writes before which versions are skipped, of 2^32
	Common  bool          // keys have a long common prefix
	Hot     bool          // every other write is to one key
	Fill    int           // keys that the first node has from the start

	Batches  uint32        // share of writes that are a batch, of 2^32
	Leases   uint32        // share of writes that have to do with a lease, of 2^32
	LeaseTTL sched.Instant // the longest

	Node  NodePlan
	Lies  LiePlan
	Rough []int // for each fault, its number in the plan that the seed makes
}

// NodePlan is what the configurations of a plan have in common.
type NodePlan struct {
	Spread               tune.Spread
	MixedSpread          bool // every node spreads in another way, and every other one knows no references
	Mode                 tune.Mode
	Mixed                bool // every node has another mode
	Order                tune.Order
	Frame, Fanout        int
	MailMax, Deltas      int
	Interval             sched.Instant
	NoPrint, Uniform     bool
	NoDetector           bool
	Jobs, Wants          int // limits; 0: the default
	Gaps, Events, Frames int
	Sealed               bool
	Active               int              // peers whose keys a node keeps, where frames are sealed; 0: the default
	Rumor                tune.RumorPolicy // zero: the default
	Flow                 tune.Flow
	ReceiveMax           int           // bytes a second; 0: no limit
	RepairEvery          sched.Instant // 0: never
	Diff                 tune.Diff
	MixedDiff            bool // every node has another way to compare
	Rate                 int  // bytes a second that a node may publish; 0: as the flow control finds
	Shares               bool // that is where it begins, and nodes give each other of it
	Small                int  // keys that every third node has room for; 0: all
	Young                bool // the dead are buried within seconds, and their graves forgotten
}

// oneIn is true once in n draws.
func oneIn(r *sched.Rand, n uint32) bool { return r.Uint32n(n) == 0 }

func between(r *sched.Rand, from, to int) int { return from + int(r.Uint32n(uint32(to-from+1))) }

// skewed draws from a range, small numbers more often: half of the draws lie in
// the first half, a quarter in the first quarter, evenly by magnitude.
func skewed(r *sched.Rand, from, to int) int {
	span := to - from + 1
	for span > 2 && oneIn(r, 2) {
		span = (span + 1) / 2
	}
	return from + int(r.Uint32n(uint32(span)))
}

// NewPlan is the plan of a seed: every seed turns on another few faults and
// features, with strengths of its own.
func NewPlan(seed uint64) *Plan {
	r := new(sched.Rand)
	r.Seed(seed)
	p := &Plan{
		Seed:    seed,
		Nodes:   skewed(r, 2, 24),
		Until:   r.Between(sched.Second, 12*sched.Second),
		Gap:     r.Between(200*sched.Microsecond, 20*sched.Millisecond),
		Keys:    skewed(r, 1, 60),
		Value:   skewed(r, 0, codec.EntryBytesMax-60),
		Deletes: r.Uint32n(1 << 31),
		Common:  oneIn(r, 3),
	}
	if oneIn(r, 3) {
		p.Skips = r.Uint32n(1 << 30)
	}
	p.Hot = oneIn(r, 4)
	p.Link.Delay = simnet.Delay{Min: r.Between(0, sched.Millisecond)}
	p.Link.Delay.Max = p.Link.Delay.Min + r.Between(0, 5*sched.Millisecond)
	p.Link.Delay.Shape = simnet.Shape(r.Uint32n(2))
	p.Node.draw(r)
	if !oneIn(r, calmEvery) {
		p.drawFaults(r)
	}
	p.strain(r)
	p.enlarge(r)
	p.bind(r)
	r.Seed(^seed) // a stream of its own: the rest of a plan does not depend on it
	p.Node.drawSpread(r)
	p.drawLies(r)
	p.Node.Shares = p.Node.Rate != 0 && oneIn(r, 2)
	if p.Node.Sealed && oneIn(r, 2) {
		p.Node.Active = skewed(r, 1, 8)
	}
	return p
}

// bind has writes go together, and keys live by leases.
func (p *Plan) bind(r *sched.Rand) {
	if oneIn(r, 3) && !p.Node.Order.Precise() {
		p.Batches = r.Uint32n(1 << 31)
	}
	if oneIn(r, 3) {
		p.Leases, p.LeaseTTL = 1<<28+r.Uint32n(1<<31), r.Between(200*sched.Millisecond, 4*sched.Second)
	}
}

// strain gives nodes less than they need: a rate at which they may publish, or room.
func (p *Plan) strain(r *sched.Rand) {
	n := &p.Node
	if n.Order.Precise() {
		return
	}
	if oneIn(r, 6) {
		writes := uint64(sched.Second) / uint64(p.Gap) / uint64(p.Nodes) // a second, of each
		n.Rate = max(2000, int(writes)*(p.Value/2+60)/between(r, 1, 6))
		n.Flow, n.Deltas = tune.FlowOn, 0
	}
	if oneIn(r, 6) {
		n.Small = skewed(r, 4, max(4, p.Nodes*p.Keys))
	}
}

// calmEvery so many plans have no harm at all: then more can be asked of them.
const calmEvery = 8

// enlarge makes a few plans large: more members, or more keys, than one digest or one
// index of an origin takes.
func (p *Plan) enlarge(r *sched.Rand) {
	switch {
	case oneIn(r, 64):
		p.Nodes = between(r, 120, 200)
		p.Until, p.Gap = min(p.Until, 3*sched.Second), max(p.Gap, 4*sched.Millisecond)
		p.Faults = slices.DeleteFunc(p.Faults, func(f Fault) bool { return f.At >= p.Until })
		p.Rough = p.Rough[:len(p.Faults)]
		for i := range p.Faults {
			p.Faults[i].For = min(p.Faults[i].For, p.Until-p.Faults[i].At)
		}
	case oneIn(r, 16) && p.Node.Small == 0 && !p.Node.Order.Precise():
		p.Fill = between(r, 1000, 4000)
		p.Node.Flow, p.Node.Deltas = tune.FlowOn, 0 // many at once for all who join is a storm otherwise
	}
}

func (c *NodePlan) draw(r *sched.Rand) {
	c.Spread = tune.Spread(r.Uint32n(4))
	c.Mode, c.Mixed = tune.Mode(r.Uint32n(3)), oneIn(r, 4)
	c.Order = tune.Order(r.Uint32n(3))
	c.Frame = between(r, codec.FrameBytesFloor, codec.FrameBytesMax)
	c.Interval = r.Between(20*sched.Millisecond, 200*sched.Millisecond)
	c.NoPrint, c.Uniform, c.NoDetector = oneIn(r, 5), oneIn(r, 3), oneIn(r, 4)
	some := func(most int) int {
		if oneIn(r, 3) {
			return skewed(r, 1, most)
		}
		return 0
	}
	c.Fanout, c.MailMax = some(5), some(20)
	c.Deltas = some(100)
	c.Jobs, c.Wants, c.Gaps, c.Events, c.Frames = some(4), some(16), some(8), some(16), some(8)
	if oneIn(r, 4) { // another protocol
		c.Order = tune.OrderPreciseNewest + tune.Order(r.Uint32n(3))
	}
	c.Sealed = oneIn(r, 5)
	if oneIn(r, 2) {
		c.Rumor = drawRumor(r)
	}
	c.Flow = tune.Flow(r.Uint32n(3))
	if oneIn(r, 4) {
		c.ReceiveMax = 20000 << r.Uint32n(7)
	}
	if oneIn(r, 3) {
		c.RepairEvery = r.Between(100*sched.Millisecond, 2*sched.Second)
	}
	c.Young = oneIn(r, 4)
	if oneIn(r, 2) && !c.NoPrint && c.Order < tune.OrderPreciseNewest {
		c.Diff, c.MixedDiff = tune.Diff(r.Uint32n(uint32(tune.DiffRanges)+1)), oneIn(r, 4)
	}
}

// drawSpread lets many a plan spread over delegates, and some in all ways at once.
func (c *NodePlan) drawSpread(r *sched.Rand) {
	if oneIn(r, 3) {
		c.Spread = tune.SpreadDelegated
	}
	c.MixedSpread = oneIn(r, 4)
}

// drawRumor draws until the parts fit each other.
func drawRumor(r *sched.Rand) tune.RumorPolicy {
	maybe := func() bool { return oneIn(r, 2) }
	for {
		p := tune.RumorPolicy{
			Shape: tune.Shape(r.Uint32n(3)), Loss: tune.Loss(r.Uint32n(3)), K: uint8(between(r, 1, 4)),
			Blind: maybe(), Reset: maybe(), Minimize: maybe(), Immediate: maybe(), SendBack: maybe(), Redistribute: maybe(),
			Fanout: uint8(r.Uint32n(5)), Limit: uint8(r.Uint32n(4)), Hunt: uint8(r.Uint32n(4)),
			Final: uint8(r.Uint32n(2)), Age: uint8(r.Uint32n(6)),
		}
		if p.Check() == nil {
			return p
		}
	}
}

// drawFaults first draws which kinds there are at all.
func (p *Plan) drawFaults(r *sched.Rand) {
	var kinds []FaultKind
	for k := range FaultKinds {
		if oneIn(r, 4) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		return
	}
	for i := range skewed(r, 1, 30) {
		f := Fault{
			Kind: kinds[r.Uint32n(uint32(len(kinds)))],
			At:   r.Between(0, p.Until*9/10),
			Node: int(r.Uint32n(1 << 16)),
			Mask: r.Uint64(),
			Much: uint32(r.Uint64()),
		}
		if oneIn(r, 3) { // one against all
			f.Mask = 1 << r.Uint32n(64)
		}
		f.For = min(r.Between(sched.Millisecond, 3*sched.Second), p.Until-f.At)
		p.Faults = append(p.Faults, f)
		p.Rough = append(p.Rough, i)
	}
}

// configure is the configuration of one node.
func (p *Plan) configure(i int, c *core.Config) {
	n := &p.Node
	c.Spread, c.Mode, c.Order, c.Frame, c.Fanout = n.Spread, n.Mode, n.Order, n.Frame, n.Fanout
	if n.MixedSpread {
		c.Spread = tune.Spread((int(n.Spread) + i) % (int(tune.SpreadDelegated) + 1))
	}
	if n.Mixed {
		c.Mode = tune.Mode(i % 3)
	}
	c.Interval = n.Interval
	c.Experiment = &core.Experiment{
		Deltas: n.Deltas, MailMax: n.MailMax, NoPrint: n.NoPrint, Uniform: n.Uniform, NoDetector: n.NoDetector, Frames: n.Frames,
	}
	if n.MixedSpread && i%2 == 1 { // as an older version
		c.Experiment.Kinds = codec.KindByRef - 1
	}
	set := func(v *int, to int) {
		if to != 0 {
			*v = to
		}
	}
	set(&c.Limits.Jobs, n.Jobs)
	set(&c.Limits.Wants, n.Wants)
	set(&c.Limits.Gaps, n.Gaps)
	set(&c.Limits.Events, n.Events)
	set(&c.Limits.Active, n.Active)
	c.Diff = n.Diff
	if n.MixedDiff {
		c.Diff = tune.Diff((int(n.Diff) + i) % (int(tune.DiffRanges) + 1))
	}
	if n.Rate != 0 {
		rate := uint32(n.Rate)
		c.Experiment.Plan = flow.Plan{Over: 3, Slack: 3, Floor: rate, Start: rate, Limit: rate, Beta: 1}
		if n.Shares {
			c.Experiment.Plan = flow.Plan{Over: 3, Slack: 3, Floor: rate / 2, Start: rate, Limit: 8 * rate, Beta: rate / 8}
		}
	}
	if !p.roomy(i) {
		c.Limits.State.Keys = n.Small
	}
	if n.Young {
		c.Detector = member.LAN()
		d := &c.Detector
		d.Grace, d.SoloGrace, d.DeadAge, d.LeftAge, d.GraveAge = 300*sched.Millisecond, sched.Second, 2*sched.Second, sched.Second, 4*sched.Second
	}
	c.Rumor, c.Flow, c.ReceiveMax, c.RepairEvery = n.Rumor, n.Flow, n.ReceiveMax, n.RepairEvery
	if n.Sealed {
		c.Keys = new(seal.Keyring)
		c.Keys.Init(codec.ClusterTag(c.Cluster))
		if err := c.Keys.Add(1, []byte("0123456789abcdef")); err != nil {
			panic(err)
		}
	}
}

// Text tells the plan in a few lines.
func (p *Plan) Text() string {
	var b strings.Builder
	n := &p.Node
	fmt.Fprintf(&b, "seed %x: %d nodes, spread %v (mixed %v), mode %v (mixed %v), order %v, frames of %d, interval %v\n",
		p.Seed, p.Nodes, n.Spread, n.MixedSpread, n.Mode, n.Mixed, n.Order, n.Frame, clock(n.Interval))
	fmt.Fprintf(&b, "  fanout %d, mail to %d, %d deltas, no print %v, uniform %v, no detector %v; limits: %d jobs, %d wants, %d gaps, %d events, %d frames\n",
		n.Fanout, n.MailMax, n.Deltas, n.NoPrint, n.Uniform, n.NoDetector, n.Jobs, n.Wants, n.Gaps, n.Events, n.Frames)
	fmt.Fprintf(&b, "  sealed %v (%d active), rumor %+v, flow %d, receives %d B/s, repair each %v\n", n.Sealed, n.Active, n.Rumor, n.Flow, n.ReceiveMax, clock(n.RepairEvery))
	fmt.Fprintf(&b, "  delay %v..%v; a write each %v to one of %d keys, values up to %d bytes, %.0f%% deletes; %v, then quiet\n",
		clock(p.Link.Delay.Min), clock(p.Link.Delay.Max), clock(p.Gap), p.Keys, p.Value, float64(p.Deletes)/(1<<32)*100, clock(p.Until))
	fmt.Fprintf(&b, "  hot key %v, %d keys at first; publishes %d B/s (shared %v), room for %d keys, young graves %v\n", p.Hot, p.Fill, n.Rate, n.Shares, n.Small, n.Young)
	fmt.Fprintf(&b, "  %.0f%% of writes are batches, %.0f%% have to do with a lease, of %v at most\n",
		float64(p.Batches)/(1<<32)*100, float64(p.Leases)/(1<<32)*100, clock(p.LeaseTTL))
	fmt.Fprintf(&b, "  %v\n", p.Lies)
	for i := range p.Faults {
		fmt.Fprintf(&b, "  fault %d: %s\n", p.Rough[i], p.Faults[i].Text(p.Nodes))
	}
	return b.String()
}
