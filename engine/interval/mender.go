package interval

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/grace"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	jobsMax   = 4    // origins that are mended at a time
	spansMax  = 256  // of one of them
	askedMax  = 48   // spans that are asked for at a time
	stepFirst = 512  // entries of an interval while nothing is known
	joinMax   = 4096 // entries of spans that are asked for together

	wordsFrame = 6 << 10  // words of a log that a frame of answers looks at
	wordsHeld  = 20 << 10 // that holding it against what is here takes
	dropsFrame = 128

	stepClear = 512               // entries looked at for tombstones at a time
	again     = sched.Millisecond // until the next time

	// lateAfter is how long it is waited until nobody is ahead of what is here.
	lateAfter = grace.After

	// chokedAfter is how long where what was deleted takes the room of what is missing.
	chokedAfter = sched.Second

	patience     = 200 * sched.Millisecond // for an answer, at least
	patienceMost = 2 * sched.Second        // and at most

	answersPerSecond = 1000
	answersMost      = 200
)

// Host is the node around the mender.
type Host interface {
	// Source is whom to ask about an origin: its owner or, where that one can't be
	// asked or missed the last question, another member; 0: nobody now.
	Source(o state.Origin, missed uint32) uint32
	// RTT is the round trip to a peer.
	RTT(p uint32) *sched.RTT
	// Author is the peer that writes an origin, 0 for none, and Takes tells whether a peer
	// may be sent to.
	Author(o state.Origin) uint32
	Takes(p uint32) bool
	// Mended tells of keys of an origin that were dropped, and that others may have changed.
	Mended(o state.Origin, keys int)
}

// Parts are the parts of the node that the mender works with.
type Parts struct {
	Host   Host
	Store  *state.Store
	Own    state.Origin // never dirty, and always level
	Filler *reconcile.Filler
	Board  *due.Board
	Due    uint32      // on the board: Append has something for the peer
	Timer  sched.Timer // calls Step
	Shared *reconcile.Counters

	Doubts Doubts // hears what a doubt came to; nil: nobody

	Audit sched.Instant // between questions of the audit; 0: there is none
	Rand  *sched.Rand
	Count *Audited
}

// Mender compares dirty origins with who is whole, and answers those who do. It also
// decides how far the owner's own tombstones may go. Init comes first.
type Mender struct {
	Parts
	jobs     []job
	clearing bool // there are tombstones in the way
	asks     asks
	pace     sched.Pacer // of answers
	keep     grace.Keeper
	audit    audit
	w        codec.IntervalWriter
}

// job is one dirty origin.
type job struct {
	origin  state.Origin // 0: free
	id      codec.OriginID
	doubts  uint16 // of the store, when it began
	source  uint32
	horizon uint64        // up to here all is in todo, or compared
	at      sched.Instant // of the last question or answer
	began   sched.Instant
	below   bool   // something was compared below the floor, with whoever knew more
	todo    []span // what is left to compare, ascending
}

// span is a part of a log that is not compared yet.
type span struct {
	from, to    uint64
	held, extra int // entries here, and how many of them are not there; 0: not known
	asked       bool
	gone        bool // nothing lives here: what is left is dropped bit by bit
}

// step is the size of the intervals to ask for: they shall lack less than one entry.
func (x *span) step() uint64 {
	if x.extra <= 0 {
		return stepFirst
	}
	there, parts := x.held-x.extra, 2*x.extra
	if x.held <= 128 {
		parts = 6 * x.extra
	}
	return uint64(max(1, there/parts))
}

// Init makes the mender ready.
func (m *Mender) Init(now sched.Instant, p *Parts) {
	*m = Mender{Parts: *p}
	m.pace.Init(now, answersPerSecond, answersMost)
	m.initAudit(now)
}

// Collect raises the floor of the own origin as far as its tombstones may go. Every live
// member has acknowledged so much; 0: one is unknown.
func (m *Mender) Collect(now sched.Instant, confirmed uint64) {
	s := m.Store
	if dead := s.Tombstones(m.Own); dead > 0 {
		s.Collect(m.Own, m.keep.Floor(now, &grace.Owner{
			Max: s.Max(m.Own), Floor: s.Floor(m.Own), Confirmed: confirmed, Tombstones: dead, Budget: s.TombstoneShare(),
			Spent: s.SpentDenials(),
		}))
	}
}

// Step opens jobs for origins that are dirty, and goes on with what waits: it is called
// once an interval and when Wake said.
func (m *Mender) Step(now sched.Instant) {
	if m.Store.DirtyOrigins() > m.busy() {
		m.open(now)
	}
	for i := range m.jobs {
		if j := &m.jobs[i]; j.origin != 0 {
			m.step(now, j)
		}
	}
	m.stepAudit(now)
	if m.clearing {
		if m.clearing = m.Store.Clear(stepClear); m.clearing {
			m.Timer.Set(now + again)
		}
	}
	if m.audit.doubted {
		m.Timer.SetOnce(m.audit.at)
	}
}

func (m *Mender) busy() (n int) {
	for i := range m.jobs {
		if m.jobs[i].origin != 0 {
			n++
		}
	}
	return n
}

// open begins with the dirty origins that have no job, as far as there is room.
func (m *Mender) open(now sched.Instant) {
	if m.jobs == nil {
		m.jobs = make([]job, jobsMax)
		for i := range m.jobs {
			m.jobs[i].todo = make([]span, 0, spansMax)
		}
	}
	for o := m.Store.FirstAtOrAfter(0); o != 0; o = m.Store.Following(o) {
		if !m.Store.Dirty(o) || o == m.Own || m.job(o) != nil {
			continue
		}
		j := m.job(0)
		if j == nil {
			return
		}
		*j = job{origin: o, id: m.Store.ID(o), todo: j.todo, began: now}
		j.begin(m.Store, now)
	}
}

// job is that of an origin; nil if there is none.
func (m *Mender) job(o state.Origin) *job {
	for i := range m.jobs {
		if m.jobs[i].origin == o {
			return &m.jobs[i]
		}
	}
	return nil
}

// begin starts over.
func (j *job) begin(s *state.Store, now sched.Instant) {
	j.doubts, j.horizon, j.todo, j.at = s.Doubts(j.origin), 0, j.todo[:0], now
	j.below = false
}

// late reports that the owner has held writes back for so long that it is compared with as
// it is, as for a newcomer: what it rewrites and does not publish yet is hidden until then.
// What it deleted would else be shown for as long as it writes more than its rate.
func (j *job) late(now sched.Instant) bool { return now-j.began >= lateAfter }

// step goes on with a job.
func (m *Mender) step(now sched.Instant, j *job) {
	s := m.Store
	if s.ID(j.origin) != j.id || !s.Dirty(j.origin) {
		j.origin = 0
		return
	}
	if s.Doubts(j.origin) != j.doubts {
		j.begin(s, now)
	}
	end := min(s.Floor(j.origin), s.Max(j.origin))
	if end < s.Floor(j.origin) && !s.Choked(j.origin) && !s.Keyed() {
		return // who knows no more than is here may not know of all deletes up to the floor
	}
	if j.below && end == s.Floor(j.origin) {
		j.begin(s, now) // who was asked may not have known of all deletes up to the floor
	}
	if s.Collected(j.origin) < end {
		m.clearing = true
		return
	}
	level := end == s.Floor(j.origin) && (s.Level(j.origin) || j.late(now))
	if j.extend(max(1, end)); (level || s.Choked(j.origin)) && m.dropGone(j) {
		m.Timer.Set(now + again)
	}
	if level && len(j.todo) == 0 {
		s.Repaired(j.origin)
		j.origin = 0
		return
	}
	m.ask(now, j)
}

// dropGone drops some entries where nothing lives, and tells whether there are more.
func (m *Mender) dropGone(j *job) (more bool) {
	b := state.Budget{Words: wordsFrame, Drops: dropsFrame}
	keys := 0
	for i := 0; i < len(j.todo); i++ {
		s := &j.todo[i]
		if !s.gone {
			continue
		}
		if b.Drops == 0 || b.Words <= 0 {
			more = true
			break
		}
		x := codec.Interval{From: s.from, To: s.to}
		did := m.Store.Mend(j.origin, &x, &b)
		j.compared(i, &x, &did)
		keys += did.Removed
		i--
	}
	m.dropped(j, keys)
	return more
}

// dropped tells of keys that were dropped.
func (m *Mender) dropped(j *job, keys int) {
	if keys > 0 {
		m.Store.Cleared(j.origin)
		m.Host.Mended(j.origin, keys)
	}
}

// extend adds what is not in the list yet.
func (j *job) extend(end uint64) {
	if end <= j.horizon {
		return
	}
	if n := len(j.todo); n == cap(j.todo) {
		j.todo[n-1].to = end
		j.todo[n-1].asked = false
	} else {
		j.todo = append(j.todo, span{from: j.horizon, to: end})
	}
	j.horizon = end
}

// ask makes questions due, those too that were not answered in time.
func (m *Mender) ask(now sched.Instant, j *job) {
	if j.source == 0 || now-j.at > m.Host.RTT(j.source).RTO(patience, patienceMost) {
		j.source, j.at = m.Host.Source(j.origin, j.source), now
		for i := range j.todo {
			j.todo[i].asked = j.todo[i].gone
		}
	}
	if j.source == 0 {
		return
	}
	for i := range j.todo {
		if !j.todo[i].asked {
			m.Board.Want(j.source, m.Due)
			return
		}
	}
}

// Receive takes the body of a record of the repair by intervals, or of the audit.
func (m *Mender) Receive(f *reconcile.Frame, t codec.Type, body []byte) reconcile.Verdict {
	if t >= codec.TypeAudits {
		return m.receiveAudit(f, t, body)
	}
	var l codec.Intervals
	if t == codec.TypeIntervalPull {
		if codec.ParseIntervalPull(body, &l) != nil {
			return reconcile.Malformed
		}
		some, early := m.asks.take(m.Store, f, &l)
		if some {
			m.Board.Want(f.Peer, m.Due)
		}
		if early {
			m.clearing = true
			m.Timer.Set(f.Now + again)
		}
		return reconcile.Taken
	}
	if codec.ParseIntervals(body, &l) != nil {
		return reconcile.Malformed
	}
	if j := m.job(m.Store.Find(l.ID)); j != nil && j.origin != 0 && j.source == f.Peer {
		m.answered(f.Now, j, &l)
	}
	return reconcile.Taken
}

// believes tells whether what an answer lacks was deleted: it looks at what is here up to its top. Late,
// it is taken as it is from the owner; from others only where nobody can be asked who knows more.
func (m *Mender) believes(now sched.Instant, j *job, top uint64) bool {
	o := j.origin
	choked := m.Store.Choked(o) && (top <= m.Store.Seen(o) || now-j.began >= chokedAfter)
	switch {
	case choked && m.Store.Max(o) < m.Store.Floor(o) && top >= m.Store.Floor(o):
		j.below = true // all is compared again
		return true
	case top <= m.Store.Max(o):
		return m.Store.Level(o) || choked || j.late(now)
	}
	owner := m.Host.Author(o)
	return (choked || j.late(now)) && (owner == j.source || owner == 0 || !m.Host.Takes(owner))
}

// answered holds an answer against what is here.
func (m *Mender) answered(now sched.Instant, j *job, l *codec.Intervals) {
	s := m.Store
	if s.ID(j.origin) != j.id || !s.Dirty(j.origin) || s.Doubts(j.origin) != j.doubts {
		return
	}
	if !m.believes(now, j, l.Max) {
		return // it is asked again
	}
	b := state.Budget{Words: wordsHeld, Drops: dropsFrame}
	keys := 0
	for x := (codec.Interval{}); l.Next(&x); {
		i := j.find(&x)
		if i < 0 {
			continue
		}
		if b.Words <= 0 {

			j.todo[i].asked = false
			continue
		}
		did := s.Mend(j.origin, &x, &b)
		j.compared(i, &x, &did)
		keys += did.Removed
	}
	j.at = now
	m.dropped(j, keys)
	m.step(now, j)
}
