package interval

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// A replica whose sum is another one than its owner's checkpoint (engine/checkpoint) holds
// something that the owner did not write, or lacks something that it wrote. The audit turns to that
// log at once, goes through it without pause, from where the two were equal last, and drops what
// the owner does not have: it was not deleted, it was never there.

const doubtsMax = 16 // logs that wait for their turn; what finds no place comes again with the next checkpoint

// Doubts hears what was mended, and what was found where a checkpoint was another one.
type Doubts interface {
	// Differed tells of a part that was not what the owner holds. It is mended.
	Differed(now sched.Instant, o state.Origin, h *state.Healed)
	// Edited tells that a part was mended, for whatever reason.
	Edited(now sched.Instant, o state.Origin)
}

// doubt is a log that is to be gone through.
type doubt struct {
	id    codec.OriginID
	from  uint64
	whole bool
}

// Doubt goes through the log of an origin, first what is above a version, up to which it was what
// its owner holds. whole: its sums are the owner's, and its entries are not for sure, so all of
// them are fetched.
func (m *Mender) Doubt(now sched.Instant, o state.Origin, from uint64, whole bool) {
	a, id := &m.audit, m.Store.ID(o)
	if a.doubted && a.id == id && a.origin == o {
		return
	}
	for i := range a.doubts {
		if x := &a.doubts[i]; x.id == id {
			x.from, x.whole = min(x.from, from), x.whole || whole
			return
		}
	}
	if len(a.doubts) == cap(a.doubts) {
		return
	}
	a.doubts = append(a.doubts, doubt{id, from, whole})
	if !a.doubted {
		m.doubtNext(now)
	}
}

// doubtNext turns to the log that has waited for longest, or lets the audit go on.
func (m *Mender) doubtNext(now sched.Instant) {
	a, s := &m.audit, m.Store
	a.origin, a.todo, a.tries, a.asks, a.doubted, a.whole = 0, a.todo[:0], 0, false, false, false
	for len(a.doubts) > 0 && a.origin == 0 {
		d := a.doubts[0]
		a.doubts = append(a.doubts[:0], a.doubts[1:]...)
		a.origin, a.id, a.start, a.whole = s.Find(d.id), d.id, d.from, d.whole
	}
	if a.origin == 0 {
		a.at = now.After(max(a.every, 0))
		return
	}
	a.doubted, a.round, a.end, a.at = true, false, s.Max(a.origin), now
	if a.start = min(a.start, a.end); a.start == a.end {
		a.start = 0
	}
	a.from = a.start
	m.Timer.Set(now)
}

// auditPace is the time between two questions to an owner: those of a doubt are asked again when no
// answer came.
func (m *Mender) auditPace(owner uint32) sched.Instant {
	if m.audit.doubted && owner != 0 {
		return m.Host.RTT(owner).RTO(patience, patienceMost)
	}
	return max(m.audit.every, again)
}
