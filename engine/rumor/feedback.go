package rumor

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// Receive takes the body of a RumorFeedback record: what our offers came to, and what
// the peer shows of its own; an empty one opens a contact. The runs of the frame were
// applied before, or refused.
func (m *Monger) Receive(f *reconcile.Frame, body []byte) reconcile.Verdict {
	if len(body) == 0 {
		m.contacted(f)
		return reconcile.Taken
	}
	items, err := codec.ParseFeedbacks(body)
	if err != nil {
		return reconcile.Malformed
	}
	m.begin()
	var it codec.Feedback
	for items.Next(&it) {
		o := m.store.Find(it.Origin)
		switch {
		case o == 0:
		case it.Kind == Shown:
			m.shown(f, o, &it)
		default:
			m.table.Feedback(uint32(o), it.Hi, f.Peer, it.Kind, it.Counter)
			if it.Kind == Refused {
				m.hunt(f.Peer)
			}
		}
	}
	return reconcile.Taken
}

// contacted is the other side of an opened contact.
func (m *Monger) contacted(f *reconcile.Frame) {
	m.begin()
	if m.policy.Limit != 0 {
		m.cycles.End(f.Now) // the limit is one of a cycle, which has to end
	}
	if !m.table.Accept() {
		m.full = f.Number
		return
	}
	if m.policy.Shape != tune.ShapePush && m.table.Hot() > 0 {
		m.offer(f.Peer, false)
	}
}

// shown answers one window of a contact.
func (m *Monger) shown(f *reconcile.Frame, o state.Origin, it *codec.Feedback) {
	a := codec.Feedback{Kind: Known, Counter: m.table.Counter(uint32(o)), Origin: it.Origin, Hi: it.Hi}
	switch {
	case m.Refusing(f):
		a.Kind = Refused
	case m.store.Max(o) < it.Hi:
		a.Kind, a.Max = Gap, m.store.Max(o)
	case m.brought(f, o):
		a.Kind, m.news[o].counter = Needed, it.Counter
	default:
		m.table.Shown(uint32(o), it.Hi, f.Peer, it.Counter)
	}
	if len(m.answers) == cap(m.answers) {
		*m.busy++
		return
	}
	m.answers = append(m.answers, answer{f.Peer, a})
	m.board.Want(f.Peer, m.due.Answers)
}

// brought reports whether this frame brought news of an origin.
func (m *Monger) brought(f *reconcile.Frame, o state.Origin) bool {
	if int(o) >= len(m.news) {
		return false
	}
	x := &m.news[o]
	return x.waits && x.from == f.Peer && x.frame == f.Number
}

// hunt contacts somebody else instead of a peer that refused.
func (m *Monger) hunt(refuser uint32) {
	all := m.host.Partners()
	m.refused++
	if m.refused > len(all) || !m.table.Hunts(m.refused) || len(all) < 2 {
		return
	}
	if p := all[m.rand.Uint32n(uint32(len(all)))]; p != refuser {
		m.offer(p, true)
	}
}
