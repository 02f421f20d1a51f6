package simnet

import "github.com/quidnunc/quidnunc/sched"

// Cause is why a datagram does not arrive.
type Cause uint8

// The causes. Arrived is the zero value.
const (
	Arrived    Cause = iota
	Lost             // by chance
	InBurst          // by chance, while the path was in its bad state
	Unwired          // the topology has no such path
	Severed          // a rule cuts the path
	TooLong          // longer than the path's MTU
	Filtered         // the receiver's filter waits for it to speak first
	Overflowed       // the queue of a thin link had no room for it
	Causes           // how many there are
)

var causeNames = [Causes]string{"arrived", "lost", "burst", "unwired", "cut", "mtu", "filtered", "overflowed"}

// String is the cause in one word.
func (c Cause) String() string {
	if c < Causes {
		return causeNames[c]
	}
	return "invalid"
}

// Fate is what becomes of one datagram: the first Copies of At and Flip count.
type Fate struct {
	At     [2]sched.Instant // when the copy arrives
	Flip   [2]int           // the bit that turned over; -1: none
	Copies int              // 0 to 2
	Cause  Cause            // why there is no copy
}

// RuleID names a rule that was added.
type RuleID int

// Model decides. The zero value is not ready: Init comes first. One caller at
// a time.
type Model struct {
	rand    sched.Rand
	base    layer
	rules   []layer // in the order of their adding
	lastID  RuleID
	reach   func(from, to int) bool
	filters map[int]*filter // looked up by node, never walked
	thin    map[int]*thin   // as filters
}

// layer is a rule at work.
type layer struct {
	Rule
	id  RuleID
	bad map[uint64]bool // paths whose burst state is bad; looked up, never walked
}

// filter lets in only who was spoken to.
type filter struct {
	open sched.Instant
	sent map[int]sched.Instant // when the node last spoke to another
}

// Init makes a network whose every path is the link.
func (m *Model) Init(seed uint64, link Link) {
	*m = Model{}
	m.rand.Seed(seed)
	m.base.Link = link
}

// SetLink replaces the base link.
func (m *Model) SetLink(link Link) { m.base.Link, m.base.bad = link, nil }

// DelayMin is the least time that a datagram takes on any path.
func (m *Model) DelayMin() sched.Instant { return m.base.Link.Delay.Min }

// Wire tells which paths exist; nil: all.
func (m *Model) Wire(reach func(from, to int) bool) { m.reach = reach }

// Filter puts the node behind a stateful filter, as home routers are: another
// one's datagrams pass for open after the node last sent to it. Zero or less
// takes the filter away.
func (m *Model) Filter(node int, open sched.Instant) {
	if open <= 0 {
		delete(m.filters, node)
		return
	}
	if m.filters == nil {
		m.filters = map[int]*filter{}
	}
	m.filters[node] = &filter{open: open, sent: map[int]sched.Instant{}}
}

// Add lays a rule over the network until Remove, or until Rule.Until if that is
// not 0.
func (m *Model) Add(r Rule) RuleID {
	m.lastID++
	m.rules = append(m.rules, layer{Rule: r, id: m.lastID})
	return m.lastID
}

// Remove takes a rule away; one that is not there is no matter.
func (m *Model) Remove(id RuleID) {
	for i := range m.rules {
		if m.rules[i].id == id {
			m.rules = append(m.rules[:i], m.rules[i+1:]...)
			return
		}
	}
}

// Clear takes all rules away.
func (m *Model) Clear() { m.rules = nil }

// Send decides about a datagram of n bytes that leaves now.
func (m *Model) Send(now sched.Instant, from, to, n int, f *Fate) {
	*f = Fate{Copies: 1, Flip: [2]int{-1, -1}}
	if len(m.filters) > 0 {
		f.Cause = m.filtered(now, from, to)
	}
	if m.reach != nil && !m.reach(from, to) {
		f.Cause = Unwired
	}
	p := passage{from: from, to: to, bytes: n}
	m.pass(&m.base, &p, f)
	for i := 0; i < len(m.rules); i++ {
		r := &m.rules[i]
		if r.Until != 0 && r.Until <= now {
			m.Remove(r.id)
			i--
		} else if r.covers(from, to) {
			m.pass(r, &p, f)
		}
	}
	if f.Cause != Arrived {
		f.Copies = 0
		return
	}
	for k := range f.Copies {
		f.At[k] = max(now+m.delay(from, to), p.clog)
	}
	if len(m.thin) > 0 {
		m.squeeze(&p, now, f)
	}
	if p.corrupt && n > 0 && f.Copies > 0 {
		f.Flip[m.rand.Uint32n(uint32(f.Copies))] = int(m.rand.Uint32n(uint32(8 * n)))
	}
}

// passage is a datagram on its way through the layers.
type passage struct {
	from, to, bytes int
	clog            sched.Instant
	corrupt         bool
}

// pass draws what one layer does, but for its delay.
func (m *Model) pass(l *layer, p *passage, f *Fate) {
	r, link := &m.rand, &l.Link
	switch {
	case f.Cause != Arrived:
	case l.Cut:
		f.Cause = Severed
	case link.MTU > 0 && p.bytes > link.MTU:
		f.Cause = TooLong
	case link.Loss.draw(r):
		f.Cause = Lost
	case link.Burst.Enter != 0 && m.inBurst(l, p):
		f.Cause = InBurst
	}
	if link.Duplicate.draw(r) {
		f.Copies = 2
	}
	p.corrupt = link.Corrupt.draw(r) || p.corrupt
	if l.Clog {
		p.clog = max(p.clog, l.Until)
	}
}

// inBurst moves the path's state on and draws a loss from it.
func (m *Model) inBurst(l *layer, p *passage) bool {
	path := uint64(p.from)<<32 | uint64(p.to)
	bad := l.bad[path]
	switch {
	case bad && l.Link.Burst.Leave.draw(&m.rand):
		bad = false
		delete(l.bad, path)
	case !bad && l.Link.Burst.Enter.draw(&m.rand):
		bad = true
		if l.bad == nil {
			l.bad = map[uint64]bool{}
		}
		l.bad[path] = true
	}
	return bad && l.Link.Burst.Loss.draw(&m.rand)
}

// delay sums the delays of all layers on the path, for one copy.
func (m *Model) delay(from, to int) sched.Instant {
	d := m.hold(&m.base.Link)
	for i := range m.rules {
		if r := &m.rules[i]; r.covers(from, to) {
			d += m.hold(&r.Link)
		}
	}
	return d
}

func (m *Model) hold(l *Link) (d sched.Instant) {
	if l.Delay != (Delay{}) {
		d = l.Delay.draw(&m.rand)
	}
	if l.Reorder.draw(&m.rand) {
		d += m.rand.Between(0, l.HoldMax)
	}
	return d
}

// filtered notes who speaks to whom.
func (m *Model) filtered(now sched.Instant, from, to int) Cause {
	if x := m.filters[from]; x != nil {
		x.sent[to] = now
	}
	if x := m.filters[to]; x != nil {
		if spoke, ok := x.sent[from]; !ok || now-spoke > x.open {
			return Filtered
		}
	}
	return Arrived
}
