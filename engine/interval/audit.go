package interval

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	auditWords = 8 << 10                // words of a log, hashing included, that a frame of sums looks at: some 1,000 small entries
	auditStep  = 64                     // entries of an interval
	auditTodo  = 64                     // parts that wait for their entries; where there are more the sweep waits
	auditAsks  = 32                     // questions of others that wait for an answer
	sumAge     = 10 * 60 * sched.Second // the own log is summed up anew when others go through it: its memory may rot, too
	auditTries = 4                      // questions to one owner that come to nothing, until the next owner's turn
)

// Audited counts what audits found. What is mended was damaged by a bug, or by memory that
// changes by itself.
type Audited struct {
	AuditEntries uint64 // entries here that were held against their owner's
	AuditPasses  uint64 // how often the log of an owner was gone through
	AuditMissing uint64 // entries that were not here, and were fetched
	AuditDamaged uint64 // entries whose contents were other ones, and were fetched
	AuditRemoved uint64 // entries that had been deleted long ago, and were dropped
	AuditForeign uint64 // entries that their owner does not have, and that may not be dropped
}

// audit holds the logs of others against what their owners hold, part by part, without end:
// each owner's from a place drawn by chance to the end, and from the beginning to there.
type audit struct {
	every sched.Instant
	at    sched.Instant // of the next question
	lap   codec.OriginID

	origin state.Origin // 0: the next owner's turn comes with the next question
	id     codec.OriginID
	start  uint64 // where the sweep began
	from   uint64 // and how far it has come
	end    uint64
	round  bool // it began anew at 0
	tries  int

	asks bool   // the next frame to the owner carries the question for sums
	todo []part // what differed

	doubted bool    // the owner's checkpoint is another one: doubt.go
	whole   bool    // though the sums are the same
	doubts  []doubt // that wait

	of     []ask // questions of others
	summed sched.Instant
}

// part is one that differed; it is asked for until its entries have come.
type part struct {
	from, to uint64
	asked    bool
}

func (m *Mender) initAudit(now sched.Instant) {
	a := &m.audit
	a.every = m.Audit
	if a.every > 0 {
		a.at, a.lap = now.After(a.every), codec.OriginID(m.Rand.Uint64())
	}
	a.todo, a.doubts = make([]part, 0, auditTodo), make([]doubt, 0, doubtsMax)
	a.of = make([]ask, 0, auditAsks)
}

// stepAudit makes the next question due.
func (m *Mender) stepAudit(now sched.Instant) {
	a := &m.audit
	if a.every <= 0 && !a.doubted || now < a.at {
		return
	}
	over := a.origin == 0 || m.Store.ID(a.origin) != a.id || a.tries >= auditTries
	if over && a.doubted {
		m.doubtNext(now)
	} else if over {
		m.nextOwner()
	}
	owner := m.Host.Author(a.origin)
	a.at = now.After(m.auditPace(owner))
	if a.tries++; a.origin == 0 || owner == 0 || !m.Host.Takes(owner) || !m.comparable() {
		return
	}
	for i := range a.todo {
		a.todo[i].asked = false
	}
	a.asks = len(a.todo) < auditTodo/2
	m.Board.Want(owner, m.Due)
}

// nextOwner turns to the log that follows, at a place drawn by chance.
func (m *Mender) nextOwner() {
	a, s := &m.audit, m.Store
	o := s.FirstAtOrAfter(a.lap)
	if o == 0 {
		o = s.FirstAtOrAfter(0)
	}
	if o == m.Own {
		if o = s.Following(o); o == 0 {
			o = s.FirstAtOrAfter(0)
		}
	}
	a.origin, a.todo, a.tries, a.asks = 0, a.todo[:0], 0, false
	if o == 0 || o == m.Own {
		return
	}
	a.origin, a.id, a.lap = o, s.ID(o), s.ID(o)+1
	a.end, a.round = s.Max(o), false
	a.start = 0
	if a.end > 0 {
		a.start = m.Rand.Uint64() % a.end
	}
	a.from = a.start
}

// comparable tells whether what is here of the owner is what it held at a moment.
func (m *Mender) comparable() bool {
	s, o := m.Store, m.audit.origin
	return !s.Dirty(o) && s.Level(o) && s.Max(o) > 0
}

// holds tells whether a record is about the log that is audited, and what is here is as old as
// what the owner held when it answered.
func (m *Mender) holds(f *reconcile.Frame, id codec.OriginID, newest uint64) bool {
	a := &m.audit
	return a.origin != 0 && id == a.id && m.Store.ID(a.origin) == id && m.Host.Author(a.origin) == f.Peer &&
		m.comparable() && m.Store.Max(a.origin) == newest
}

// receiveAudit takes the body of one of the three records.
func (m *Mender) receiveAudit(f *reconcile.Frame, t codec.Type, body []byte) reconcile.Verdict {
	var l codec.Intervals
	switch t {
	case codec.TypeAuditPull:
		if codec.ParseIntervalPull(body, &l) != nil {
			return reconcile.Malformed
		}
		m.noteAudit(f, &l)
	case codec.TypeAudits:
		if codec.ParseIntervals(body, &l) != nil {
			return reconcile.Malformed
		}
		if m.holds(f, l.ID, l.Max) {
			m.sums(f.Now, &l)
		}
	default:
		if codec.ParsePart(body, &f.Run) != nil {
			return reconcile.Malformed
		}
		if m.holds(f, f.Run.ID, f.Run.Max) {
			m.entries(f)
		}
	}
	return reconcile.Taken
}

// noteAudit keeps the questions about the own log until they are answered, and drops those that
// their askers have given up.
func (m *Mender) noteAudit(f *reconcile.Frame, l *codec.Intervals) {
	if l.ID != m.Store.ID(m.Own) || l.Max > m.Store.Max(m.Own) || !m.Store.Level(m.Own) {
		return // while writes are held back, what they replace is missing here
	}
	a := &m.audit
	kept := a.of[:0]
	for _, x := range a.of {
		if x.peer != f.Peer && f.Now-x.at < asksAge {
			kept = append(kept, x)
		}
	}
	a.of = kept
	for x := (codec.IntervalPull{}); len(a.of) < cap(a.of) && l.NextPull(&x); {
		if x.From == 0 && x.Step > 1 && f.Now-a.summed >= sumAge {
			m.Store.Unsum(m.Own)
			a.summed = f.Now
		}
		a.of = append(a.of, ask{f.Peer, m.Own, l.ID, l.Max, x, f.Now})
		m.Board.Want(f.Peer, m.Due)
	}
}

// sums holds those of the owner against what is here.
func (m *Mender) sums(now sched.Instant, l *codec.Intervals) {
	a := &m.audit
	b := state.Budget{Words: 2 * auditWords}
	for x := (codec.Interval{}); l.Next(&x) && x.From == a.from && b.Words > 0; {
		if len(a.todo) == cap(a.todo) {
			break
		}
		here := codec.IntervalPull{From: x.From, To: x.To, Step: codec.VersionMax}
		ours := m.Store.Contents(a.origin, &here, &b)
		if ours.To != x.To && ours.Count <= x.Count {
			break // the budget ends here
		}
		m.Count.AuditEntries += ours.Count
		if ours != x || a.whole {
			a.todo = append(a.todo, part{from: x.From, to: x.To})
			m.Board.Want(m.Host.Author(a.origin), m.Due)
		}
		a.from, a.tries = x.To, 0
		a.asks = false
	}
	m.swept(now)
}

// swept goes on where the log begins when the sweep has come to its end, and ends it where it
// began.
func (m *Mender) swept(now sched.Instant) {
	a := &m.audit
	if a.doubted && !a.round {
		a.end = max(a.end, m.Store.Max(a.origin)) // what came meanwhile is in doubt, too
	}
	if !a.round && a.from >= a.end {
		a.round, a.from, a.end = true, 0, a.start
	}
	switch {
	case a.round && a.from >= a.end && len(a.todo) == 0:
		m.Count.AuditPasses++
		if a.origin = 0; a.doubted {
			m.Store.Unsum(m.Store.Find(a.id))
			m.doubtNext(now)
		}
	case a.doubted && a.from < a.end && len(a.todo) < auditTodo/2: // at once
		a.asks = true
		m.Board.Want(m.Host.Author(a.origin), m.Due)
	}
}

// entries makes a part of the log what the owner holds.
func (m *Mender) entries(f *reconcile.Frame) {
	a := &m.audit
	for i := range a.todo {
		x := &a.todo[i]
		if f.Run.From != x.from || f.Run.To >= x.to+codec.BatchMax { // it ends with a batch, maybe beyond what was asked for
			continue
		}
		h := m.Store.Heal(a.origin, &f.Run, &f.Iter, a.doubted)
		m.count(f.Now, &h)
		if h.Mended() > 0 {
			a.tries = 0
			m.Host.Mended(a.origin, h.Removed)
			m.edited(f.Now)
		}
		if x.from, x.asked = h.To, false; x.from < x.to {
			m.Board.Want(f.Peer, m.Due)
		} else {
			a.todo = append(a.todo[:i], a.todo[i+1:]...)
			m.swept(f.Now)
		}
		return
	}
}

// edited tells that the log was mended.
func (m *Mender) edited(now sched.Instant) {
	if m.Doubts != nil {
		m.Doubts.Edited(now, m.audit.origin)
	}
}

// count notes what was found, and tells of it if the owner's checkpoint was another one.
func (m *Mender) count(now sched.Instant, h *state.Healed) {
	if m.audit.doubted && h.First != 0 && m.Doubts != nil {
		m.Doubts.Differed(now, m.audit.origin, h)
	}
	m.Count.AuditMissing += uint64(h.Missing)
	m.Count.AuditDamaged += uint64(h.Damaged)
	m.Count.AuditRemoved += uint64(h.Removed)
	m.Count.AuditForeign += uint64(h.Foreign)
}

// appendAudit appends the questions for a peer, or a frame of answers.
func (m *Mender) appendAudit(b []byte, g *reconcile.Page) (out []byte, done bool) {
	if out, done = m.appendQuestions(b, g); !done {
		return out, false
	}
	b = out
	for i := range m.audit.of {
		if m.audit.of[i].peer != g.Peer {
			continue
		}
		if !m.pace.Take(g.Now, 1) {
			return b, true // it asks again
		}
		return m.appendAudited(b, g, i), false
	}
	return b, true
}

// appendQuestions asks for the next sums, and for the entries of parts that differed.
func (m *Mender) appendQuestions(b []byte, g *reconcile.Page) (out []byte, done bool) {
	a, s := &m.audit, m.Store
	if a.origin == 0 || s.ID(a.origin) != a.id || m.Host.Author(a.origin) != g.Peer {
		return b, true
	}
	begun := false
	ask := func(x *codec.IntervalPull) bool {
		if !begun && !m.w.Begin(b, g.Limit, codec.TypeAuditPull, a.id, s.Max(a.origin)) {
			return false
		}
		begun = true
		return m.w.Ask(x)
	}
	end := uint64(0)
	for i := range a.todo {
		x := &a.todo[i]
		if x.asked || x.from < end {
			continue
		}
		if !ask(&codec.IntervalPull{From: x.from, To: x.to, Step: 1}) {
			break
		}
		x.asked, end = true, x.to
	}
	if a.asks && a.from >= end && a.from < a.end && ask(&codec.IntervalPull{From: a.from, To: a.end, Step: auditStep}) {
		a.asks = false
	}
	switch {
	case !begun:
		return b, true
	case m.w.Count() == 0:
		return m.w.Cancel(), false
	}
	return m.w.End(), true
}

// appendAudited brings the asker of question i level, and answers it: sums in the frame that does
// so, entries in frames of their own.
func (m *Mender) appendAudited(b []byte, g *reconcile.Page, i int) []byte {
	a, s := &m.audit, m.Store
	x := &a.of[i]
	if behind := x.have < s.Max(m.Own); behind || x.part.Step > 1 {
		out, to, n := m.Filler.Run(b, g.Limit, m.Own, x.have)
		if out == nil {
			return b
		}
		b = out
		m.Shared.EntriesSent += uint64(n)
		for k := range a.of {
			if a.of[k].peer == x.peer {
				a.of[k].have = to
			}
		}
		if to < s.Max(m.Own) || x.part.Step == 1 {
			return b
		}
	}
	var end uint64
	if x.part.Step == 1 {
		n := 0
		b, end, n = m.Filler.Part(b, g.Limit, m.Own, &x.part)
		m.Shared.EntriesSent += uint64(n)
	} else {
		b, end = m.appendSums(b, g, &x.part)
	}
	// Sums end with their frame: the next question goes on there. Entries are sent whole.
	if end >= x.part.To || x.part.Step > 1 && end > x.part.From {
		a.of = append(a.of[:i], a.of[i+1:]...)
		return b
	}
	x.part.From = end
	return b
}

// appendSums appends sums of a part of the own log, as many as fit, and gives where they end.
func (m *Mender) appendSums(b []byte, g *reconcile.Page, part *codec.IntervalPull) (out []byte, end uint64) {
	s := m.Store
	if !m.w.Begin(b, g.Limit, codec.TypeAudits, s.ID(m.Own), s.Max(m.Own)) {
		return b, part.From
	}
	budget := state.Budget{Words: auditWords}
	for end = part.From; end < part.To && budget.Words > 0; {
		rest := *part
		rest.From = end
		x := s.Contents(m.Own, &rest, &budget)
		if !m.w.Add(&x) {
			break
		}
		end = x.To
	}
	if m.w.Count() == 0 {
		return m.w.Cancel(), part.From
	}
	return m.w.End(), end
}
