package rumor

import (
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// State is where a node stands with one rumor.
type State uint8

// The states of the epidemic.
const (
	Susceptible State = iota // this table was never told of it
	Infective                // hot: offered to peers
	Removed                  // known, no longer offered
)

// Removal is the counter that a node shows for a rumor that it knows and no
// longer spreads (or spreads in the median rule's state C): above every K.
const Removal = 255

// Offer is one hot window to send to a peer: the versions in (Lo, Hi] of Origin.
type Offer struct {
	Origin  uint32
	Counter uint8
	Lo, Hi  uint64
}

// rumor is what a table knows of one origin's news. 56 bytes.
type rumor struct {
	lo, hi uint64    // the window; hi stays after removal, so that old news stays old
	mark   uint64    // hi when the window last aged: the older half is (lo, mark]
	source [2]uint32 // the last two peers that are known to have hi; 0 is nobody
	at     uint32    // place in the hot list plus one; 0 is cold
	open   uint16    // offers sent that were not answered yet
	need   uint16    // this cycle: contacts that needed it
	idle   uint16    // this cycle: contacts that did not, and count
	above  uint16    // this cycle, median: peers with a counter at or above ours
	below  uint16    // this cycle, median: peers with a smaller one
	age    uint8     // cycles since the counter was set to zero, or rounds in state C
	old    uint8     // cycles since the window aged
	count  uint8     // the counter; Removal in the median rule's state C
	final  bool      // median: a peer in state C was met this cycle
	again  bool      // it was made hot again by anti-entropy once
}

// Table is the interest of one node in all origins' news. The zero Table is not
// ready: call Init. One caller at a time.
type Table struct {
	policy   tune.RumorPolicy
	rumors   []rumor  // by origin handle; 0 is nil
	hot      []uint32 // handles of infective rumors
	next     int      // where Select goes on
	rand     sched.Rand
	accepted int // contacts accepted this cycle
}

// Init sizes the table for origin handles 1 to origins. The policy must pass
// Check. It is the only call that allocates.
func (t *Table) Init(origins int, p tune.RumorPolicy, seed uint64) {
	if err := p.Check(); err != nil {
		panic("rumor: " + err.Error())
	}
	*t = Table{
		policy: p,
		rumors: make([]rumor, origins+1),
		hot:    make([]uint32, 0, origins),
	}
	t.rand.Seed(seed)
}

// Reset forgets every rumor and starts over with another seed.
func (t *Table) Reset(seed uint64) {
	clear(t.rumors)
	t.hot = t.hot[:0]
	t.next, t.accepted = 0, 0
	t.rand.Seed(seed)
}

// Policy returns the policy of Init.
func (t *Table) Policy() tune.RumorPolicy { return t.policy }

// Hot returns the number of infective rumors.
func (t *Table) Hot() int { return len(t.hot) }

// HotAt returns the i-th infective origin, in no order, for 0 <= i < Hot().
func (t *Table) HotAt(i int) uint32 { return t.hot[i] }

// State tells where this node stands with the news of origin o.
func (t *Table) State(o uint32) State {
	r := &t.rumors[o]
	switch {
	case r.at != 0:
		return Infective
	case r.hi != 0:
		return Removed
	}
	return Susceptible
}

// Window returns the hot window (lo, hi] of o, or false when o is cold.
func (t *Table) Window(o uint32) (lo, hi uint64, ok bool) {
	r := &t.rumors[o]
	return r.lo, r.hi, r.at != 0
}

// Counter returns the counter to show to peers: 0 when the news is unknown,
// Removal when it is known and cold.
func (t *Table) Counter(o uint32) uint8 {
	r := &t.rumors[o]
	switch {
	case r.at != 0:
		return r.count
	case r.hi != 0:
		return Removal
	}
	return 0
}

// Learned tells that the versions (lo, hi] of o were applied and came from peer
// (0: written here), which showed counter. Newer news makes the rumor hot and
// sets its counter to zero; hi at or below what was learned before only notes
// that peer has it. It returns whether the rumor was renewed.
func (t *Table) Learned(o uint32, lo, hi uint64, peer uint32, counter uint8) bool {
	r := &t.rumors[o]
	if hi <= r.hi {
		if hi == r.hi && hi != 0 {
			r.note(peer)
		}
		return false
	}
	if r.at == 0 || lo < r.lo {
		r.lo = min(lo, hi)
	}
	if r.at == 0 {
		r.mark = r.lo
		r.old = 0
	}
	r.hi = hi
	r.again = false
	r.source = [2]uint32{peer, 0}
	t.heat(o)
	if t.policy.Loss == tune.LossMedian {
		r.count = 1
		if counter == Removal {
			r.count = Removal
		}
	}
	return true
}

// Reheat makes removed news hot again after anti-entropy found a peer without
// it, if the policy redistributes. Each version is made hot again at most once,
// so that a peer which claims to lack everything can't keep it alive.
func (t *Table) Reheat(o uint32, lo, hi uint64) bool {
	r := &t.rumors[o]
	if !t.policy.Redistribute || r.at != 0 || r.again || hi != r.hi || hi == 0 || lo >= hi {
		return false
	}
	r.lo, r.mark, r.old = lo, lo, 0
	r.again = true
	r.source = [2]uint32{}
	t.heat(o)
	if t.policy.Loss == tune.LossMedian {
		r.count = 1
	}
	return true
}

// Has tells whether peer is one of the last two that are known to have the
// newest version of o.
func (t *Table) Has(o, peer uint32) bool { return t.rumors[o].has(peer) }

// Forget drops all that is known of o, whose handle may then name another origin.
func (t *Table) Forget(o uint32) {
	if t.rumors[o].at != 0 {
		t.cool(o)
	}
	t.rumors[o] = rumor{}
}

// Select writes what to offer peer now into dst and returns how many. It goes
// round the hot list from call to call, so that a small dst starves nobody, and
// leaves out rumors that came from peer. The caller calls Sent for each that left.
func (t *Table) Select(peer uint32, dst []Offer) int {
	n := 0
	for i, left := t.next, len(t.hot); left > 0 && n < len(dst); left-- {
		if i >= len(t.hot) {
			i = 0
		}
		o := t.hot[i]
		i++
		t.next = i
		r := &t.rumors[o]
		if !t.policy.SendBack && r.has(peer) {
			continue
		}
		dst[n] = Offer{Origin: o, Counter: r.count, Lo: r.lo, Hi: r.hi}
		n++
	}
	return n
}

// Sent counts one offer of o that left: at most that many answers are taken.
func (t *Table) Sent(o uint32) {
	r := &t.rumors[o]
	if r.at != 0 && r.open < 1<<16-1 {
		r.open++
	}
}

// Accept asks to accept one more contact in this cycle under the connection limit.
func (t *Table) Accept() bool {
	if t.policy.Limit != 0 && t.accepted >= int(t.policy.Limit) {
		return false
	}
	t.accepted++
	return true
}

// Hunts tells whether to try another peer after that many refusals in a row.
func (t *Table) Hunts(refused int) bool {
	return t.policy.Hunt == tune.HuntForever || refused <= int(t.policy.Hunt)
}

// heat puts o into the hot list with a zero counter.
func (t *Table) heat(o uint32) {
	r := &t.rumors[o]
	r.count, r.age = 0, 0
	r.open, r.need, r.idle, r.above, r.below, r.final = 0, 0, 0, 0, 0, false
	if r.at == 0 {
		t.hot = append(t.hot, o) // capacity is all origins
		r.at = uint32(len(t.hot))
	}
}

// cool takes o out of the hot list.
func (t *Table) cool(o uint32) {
	r := &t.rumors[o]
	last := t.hot[len(t.hot)-1]
	t.hot[r.at-1] = last
	t.rumors[last].at = r.at
	t.hot = t.hot[:len(t.hot)-1]
	r.at = 0
}

// note remembers that peer has the newest version.
func (r *rumor) note(peer uint32) {
	if peer != 0 && !r.has(peer) {
		r.source[1], r.source[0] = r.source[0], peer
	}
}

func (r *rumor) has(peer uint32) bool {
	return peer != 0 && (r.source[0] == peer || r.source[1] == peer)
}

// coin falls with probability 1/k.
func (t *Table) coin(k uint8) bool { return t.rand.Uint32n(uint32(k)) == 0 }
