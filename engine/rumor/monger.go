package rumor

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Default is what an engine mongers with unless it is told otherwise: each node
// pushes news once, blindly, to its fan-out. It is the fastest and sends no feedback;
// gaps are pulled and the residue is left to anti-entropy.
func Default() tune.RumorPolicy { return tune.RumorPolicy{Blind: true, K: 1} }

// spoken reports whether contacts carry more than runs.
func spoken(p *tune.RumorPolicy) bool {
	return !p.Blind || p.Shape != tune.ShapePush || p.Limit != 0
}

// answersMax bounds the answers that wait for their frames; what does not fit
// is as if it was lost.
const answersMax = 256

// Due are what mongering may make due at a peer, as bits of the host's own: its Append
// is called for each.
type Due struct {
	Windows uint32 // what is hot: AppendWindows
	Contact uint32 // a question for what is hot there: AppendContact
	Answers uint32 // what the peer's offers came to: AppendAnswers
}

// Host is the node around a Monger.
type Host interface {
	// Author is the peer that writes an origin, 0 for none.
	Author(o state.Origin) uint32
	// Peer is what is kept of a peer; good until the host adds one.
	Peer(p uint32) *Peer
	// Partners are the peers that may be sent to, in no order, until the next call.
	Partners() []uint32
	// Fanout is how many of them are contacted in a cycle.
	Fanout() int
}

// Cycles are when a Cycle begins: package mail.
type Cycles interface {
	// End sees to it that a cycle that has begun ends before long.
	End(now sched.Instant)
}

// Parts are what a Monger shares with the node around it.
type Parts struct {
	Host   Host
	Store  *state.Store
	Filler *reconcile.Filler
	Board  *due.Board
	Due    Due
	Cycles Cycles
	Rand   *sched.Rand
	Count  *Counters
	Shared *reconcile.Counters
	Busy   *uint64 // counts answers that were given up for want of room
}

// Counters are what mongering did, beside reconcile.Counters.
type Counters struct {
	RumorsSent uint64 // frames that carried relayed news
}

// Peer is what is kept of a peer: the contact of this cycle.
type Peer struct {
	at       uint32 // the next of what is offered
	offering bool   // it is owed what is offered
	opens    bool   // its next frame opens the contact
}

// news is what arrived of one origin since the last cycle.
type news struct {
	lo      uint64 // what comes after it is new
	frame   uint64 // that brought the last of it
	from    uint32 // the peer that sent it; 0: written here
	counter uint8  // that the peer showed
	waits   bool   // for the next cycle
}

// Monger is one node's rumor mongering: it contacts peers in cycles, offers what is
// hot in its Table, and takes their answers. Nothing but Init is needed before the
// first news. One caller at a time.
type Monger struct {
	host   Host
	store  *state.Store
	filler *reconcile.Filler
	board  *due.Board
	due    Due
	cycles Cycles
	rand   *sched.Rand
	n      *Counters
	shared *reconcile.Counters
	busy   *uint64
	policy tune.RumorPolicy

	table   Table // once ready
	ready   bool
	news    []news         // by origin
	waiting []state.Origin // news that becomes a rumor with the next cycle
	offered []state.Origin // rumors of the cycle that is being sent
	owed    int            // peers that are still to be sent them
	refused int            // contacts of this cycle that were
	full    uint64         // number of the frame whose contact is over the limit
	picked  []uint32
	answers []answer
}

type answer struct {
	peer uint32
	item codec.Feedback
}

// Init makes the monger ready for contacts of at most fanout peers. The policy must
// pass Check.
func (m *Monger) Init(p tune.RumorPolicy, fanout int, parts *Parts) {
	*m = Monger{
		host: parts.Host, store: parts.Store, filler: parts.Filler, rand: parts.Rand,
		board: parts.Board, due: parts.Due, cycles: parts.Cycles,
		n: parts.Count, shared: parts.Shared, busy: parts.Busy, policy: p, picked: make([]uint32, fanout),
	}
}

// begin makes the table ready when the first news needs it.
func (m *Monger) begin() {
	if m.ready {
		return
	}
	m.table.Init(m.store.Limits().Handles(), m.policy, m.rand.Uint64())
	m.answers = make([]answer, 0, answersMax)
	m.ready = true
}

// Hot is how many origins' news is told to peers.
func (m *Monger) Hot() int { return m.table.Hot() }

// Waiting is how many origins' news waits for the next cycle.
func (m *Monger) Waiting() int { return len(m.waiting) }

// Owed is how many contacts of this cycle are still to be sent.
func (m *Monger) Owed() int { return m.owed }

// Refusing reports that a frame's contact was over the limit: its runs are not taken.
func (m *Monger) Refusing(f *reconcile.Frame) bool { return m.full != 0 && m.full == f.Number }

// Learn notes that the versions of o after lo are new here; peer p (0: written here)
// sent them in the frame of that number. They become a rumor with the next cycle, so
// that no peer of this one is counted as told.
func (m *Monger) Learn(o state.Origin, lo uint64, p uint32, frame uint64) {
	for int(o) >= len(m.news) {
		m.news = append(m.news, news{})
	}
	x := &m.news[o]
	x.from, x.frame, x.counter = p, frame, 0
	if !x.waits {
		x.waits, x.lo = true, lo
		m.waiting = append(m.waiting, o)
	}
}

// Cycle ends the last cycle and begins one. It returns the number of contacts. While
// the last one is being sent, there is none.
func (m *Monger) Cycle() int {
	if m.owed > 0 || len(m.waiting) == 0 && !m.ready {
		return 0
	}
	m.begin()
	m.table.CycleEnd()
	for _, o := range m.waiting {
		x := &m.news[o]
		x.waits = false
		m.table.Learned(uint32(o), x.lo, m.store.Max(o), x.from, x.counter)
	}
	m.waiting, m.refused = m.waiting[:0], 0
	if m.policy.Shape == tune.ShapePull || m.table.Hot() == 0 {
		return 0
	}
	picked := m.pick()
	for _, p := range picked {
		m.offer(p, true)
	}
	return len(picked)
}

// pick draws the contacts of a cycle.
func (m *Monger) pick() []uint32 {
	all := m.host.Partners()
	k := min(m.host.Fanout(), len(all), len(m.picked))
	if k == 0 {
		return nil
	}
	return m.picked[:sched.Sample(m.rand, all, m.picked[:k])]
}

// offer makes what is hot due at one peer.
func (m *Monger) offer(p uint32, open bool) {
	q := m.host.Peer(p)
	if q.offering {
		return
	}
	if m.owed == 0 {
		m.offered = m.offered[:0]
		for i := range m.table.Hot() {
			m.offered = append(m.offered, state.Origin(m.table.HotAt(i)))
		}
	}
	m.owed++
	*q = Peer{offering: true, opens: open && spoken(&m.policy)}
	m.board.Want(p, m.due.Windows)
}

// Ask opens a contact with a few peers to learn what is hot there.
func (m *Monger) Ask() {
	if m.policy.Shape == tune.ShapePush {
		return
	}
	m.begin()
	for _, p := range m.pick() {
		m.host.Peer(p).opens = true
		m.board.Want(p, m.due.Contact)
	}
}

// Needed lets anti-entropy make hot again what a peer turned out to lack, each version
// at most once; a policy that does not redistribute leaves it. Nothing becomes hot on
// the word of a frame that was seen before.
func (m *Monger) Needed(f *reconcile.Frame, wants []reconcile.Want) {
	if !m.policy.Redistribute || !f.Fresh || !m.ready {
		return
	}
	for i := range wants {
		if w := &wants[i]; w.Origin != 0 && m.table.Reheat(uint32(w.Origin), w.From, m.store.Max(w.Origin)) {
			m.cycles.End(f.Now)
		}
	}
}

// Forget takes a removed origin out.
func (m *Monger) Forget(o state.Origin) {
	for i, h := range m.waiting {
		if h == o {
			m.waiting = append(m.waiting[:i], m.waiting[i+1:]...)
			break
		}
	}
	for i, h := range m.offered {
		if h == o {
			m.offered[i] = 0
		}
	}
	if int(o) < len(m.news) {
		m.news[o] = news{}
	}
	if m.ready {
		m.table.Forget(uint32(o))
	}
}

// Drop gives up what a peer is owed.
func (m *Monger) Drop(p uint32) {
	m.answers = slices.DeleteFunc(m.answers, func(a answer) bool { return a.peer == p })
	m.EndContact(p)
}

// EndContact ends the contact with a peer, whether or not it was sent everything.
func (m *Monger) EndContact(p uint32) {
	if q := m.host.Peer(p); q.offering {
		q.offering = false
		m.owed--
	}
}

// Held is how many answers wait for their frames.
func (m *Monger) Held() int { return len(m.answers) }
