package interval

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	asksMax  = 128 // questions that wait for their answers, of all peers
	asksPeer = 64  // of one peer
	asksAge  = 2 * sched.Second
)

// asks are the questions of others that are not answered yet, in the order in which they came.
type asks struct{ list []ask }

type ask struct {
	peer   uint32
	origin state.Origin
	id     codec.OriginID
	have   uint64 // what the asker holds
	part   codec.IntervalPull
	at     sched.Instant
}

// sound tells whether others may be mended from what is here: all that the owner deleted up to its
// floor is gone. What it rewrote may be missing where this replica is not level: the answer says how
// far the log is known to go (top), and whoever asks decides.
func sound(s *state.Store, o state.Origin) bool {
	return !s.Dirty(o) && (o == s.Owner() || s.Max(o) >= s.Floor(o))
}

// top is how far an answer looks: who holds less may miss what was rewritten. The owner's is what it
// has written, though it has promised more: what it rewrote and holds back is hidden until it is
// published, and whoever asks counts on that.
func top(s *state.Store, o state.Origin) uint64 {
	if o == s.Owner() {
		return max(s.Max(o), s.Last(o))
	}
	return s.Ahead(o)
}

// take notes the questions of a record, but of one who holds more: what was deleted up to there is not known
// here. It tells whether there are any, and whether there are
// tombstones in the way.
func (a *asks) take(s *state.Store, f *reconcile.Frame, l *codec.Intervals) (some, early bool) {
	o := s.Find(l.ID)
	if o == 0 || !sound(s, o) || o != s.Owner() && s.Max(o) < l.Max {
		return false, false
	}
	if a.list == nil {
		a.list = make([]ask, 0, asksMax)
	}
	n := a.expire(f)
	for x := (codec.IntervalPull{}); n < asksPeer && len(a.list) < cap(a.list) && l.NextPull(&x); n++ {
		a.list = append(a.list, ask{f.Peer, o, l.ID, l.Max, x, f.Now})
		some = true
	}
	return some, s.Collected(o) < min(s.Floor(o), s.Max(o))
}

// expire drops what waited for too long, and gives how many questions the peer has.
func (a *asks) expire(f *reconcile.Frame) (mine int) {
	kept := a.list[:0]
	for i := range a.list {
		if x := a.list[i]; f.Now-x.at < asksAge {
			kept = append(kept, x)
			if x.peer == f.Peer {
				mine++
			}
		}
	}
	a.list = kept
	return mine
}

// next is the place of a peer's first question that can be answered; -1 if there is none. Others
// are dropped.
func (a *asks) next(s *state.Store, p uint32) int {
	for i := 0; i < len(a.list); {
		x := &a.list[i]
		switch {
		case x.peer != p:
			i++
			continue
		case s.ID(x.origin) == x.id && sound(s, x.origin) && x.part.From < min(x.part.To, s.Collected(x.origin)):
			return i
		}
		a.drop(i)
	}
	return -1
}

func (a *asks) drop(i int) {
	copy(a.list[i:], a.list[i+1:])
	a.list = a.list[:len(a.list)-1]
}

// Append appends a question for the peer, or a frame of answers. done reports that nothing more is
// due to it.
func (m *Mender) Append(b []byte, g *reconcile.Page) (out []byte, done bool) {
	for i := range m.jobs {
		j := &m.jobs[i]
		if j.origin == 0 || j.source != g.Peer || m.Store.ID(j.origin) != j.id {
			continue
		}
		if out, done = m.appendAsk(b, g, j); !done {
			return out, false
		}
		b = out
	}
	i := m.asks.next(m.Store, g.Peer)
	if i < 0 {
		return m.appendAudit(b, g)
	}
	if !m.pace.Take(g.Now, 1) {
		return b, true // it asks again
	}
	return m.appendAnswer(b, g, i), false
}

// appendAsk asks for what is not asked for yet.
func (m *Mender) appendAsk(b []byte, g *reconcile.Page, j *job) (out []byte, done bool) {
	asked := 0
	for i := range j.todo {
		if j.todo[i].asked {
			asked++
		}
	}
	begun := false
	for i := range j.todo {
		x := &j.todo[i]
		if x.asked || asked >= askedMax {
			continue
		}
		if !begun && !m.w.Begin(b, g.Limit, codec.TypeIntervalPull, j.id, m.Store.Max(j.origin)) {
			return b, false
		}
		begun = true
		if !m.w.Ask(&codec.IntervalPull{From: x.from, To: x.to, Step: x.step()}) {
			if m.w.Count() == 0 {
				return m.w.Cancel(), false
			}
			return m.w.End(), false
		}
		x.asked = true
		j.at = g.Now
		asked++
	}
	if begun {
		b = m.w.End()
	}
	return b, true
}

// appendAnswer brings the asker of question i level, and answers it and those that follow about the
// same origin.
func (m *Mender) appendAnswer(b []byte, g *reconcile.Page, i int) []byte {
	s := m.Store
	o, id := m.asks.list[i].origin, m.asks.list[i].id
	if from := m.asks.list[i].have; from < s.Max(o) {
		out, to, n := m.Filler.Run(b, g.Limit, o, from)
		if out == nil {
			return b
		}
		b = out
		m.Shared.EntriesSent += uint64(n)
		for k := range m.asks.list {
			if x := &m.asks.list[k]; x.peer == g.Peer && x.origin == o {
				x.have = max(x.have, to)
			}
		}
		if to < s.Max(o) {
			return b
		}
	}
	if !m.w.Begin(b, g.Limit, codec.TypeIntervals, id, top(s, o)) {
		return b
	}
	end, budget := uint64(0), state.Budget{Words: wordsFrame}
	for ; i >= 0 && budget.Words > 0; i = m.asks.next(s, g.Peer) {
		x := &m.asks.list[i]
		if x.origin != o || x.part.From < end {
			break
		}
		part := x.part
		part.To = min(part.To, s.Collected(o))
		iv := s.Interval(o, &part, &budget)
		if !m.w.Add(&iv) {
			break
		}
		if end, x.part.From = iv.To, iv.To; iv.To >= part.To {
			m.asks.drop(i)
		}
	}
	if m.w.Count() == 0 {
		return m.w.Cancel()
	}
	return m.w.End()
}
