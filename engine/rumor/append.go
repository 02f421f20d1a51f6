package rumor

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
)

// AppendAnswers appends what the peer's offers came to. Here and below, done reports
// that nothing of its kind is due any more.
func (m *Monger) AppendAnswers(b []byte, g *reconcile.Page) (out []byte, done bool) {
	done = true
	start := len(b)
	b = codec.BeginRecord(b, codec.TypeRumorFeedback)
	for i := 0; i < len(m.answers); {
		if m.answers[i].peer != g.Peer {
			i++
			continue
		}
		if len(b)+codec.FeedbackGapBytes > g.Limit {
			done = false
			break
		}
		b = codec.AppendFeedback(b, &m.answers[i].item)
		m.answers[i] = m.answers[len(m.answers)-1]
		m.answers = m.answers[:len(m.answers)-1]
	}
	if len(b) == start+codec.RecordBytes {
		return b[:start], done
	}
	return codec.EndRecord(b, start), done
}

// AppendContact opens a contact: an empty feedback record.
func (m *Monger) AppendContact(b []byte, g *reconcile.Page) (out []byte, done bool) {
	m.host.Peer(g.Peer).opens = false
	start := len(b)
	return codec.EndRecord(codec.BeginRecord(b, codec.TypeRumorFeedback), start), true
}

// AppendWindows appends the hot windows that the peer has not been sent.
func (m *Monger) AppendWindows(b []byte, g *reconcile.Page) (out []byte, done bool) {
	q := m.host.Peer(g.Peer)
	if q.opens {
		b, _ = m.AppendContact(b, g)
	}
	before, sent, shows, limit := len(b), 0, !m.policy.Blind, g.Limit
	if shows {
		limit -= codec.RecordBytes
	}
	first := q.at
	for ; int(q.at) < len(m.offered); q.at++ {
		room := limit
		if shows {
			room -= (sent + 1) * codec.FeedbackBytes
		}
		out, had := m.appendWindow(b, room, g.Peer, m.offered[q.at])
		if out == nil {
			break
		}
		b = out
		if had {
			sent++
		}
	}
	if shows && sent > 0 {
		b = m.appendShown(b, g.Peer, m.offered[first:q.at])
	}
	if len(b) > before {
		m.n.RumorsSent++
	}
	if int(q.at) < len(m.offered) && (len(b) > before || before > g.Begun) {
		return b, false
	}
	m.EndContact(g.Peer)
	return b, true
}

// offers reports whether a window is to be sent to a peer, and from where.
func (m *Monger) offers(p uint32, o state.Origin) (lo uint64, ok bool) {
	if o == 0 || m.host.Author(o) == p {
		return 0, false
	}
	lo, _, ok = m.table.Window(uint32(o))
	if !ok || lo >= m.store.Max(o) || !m.policy.SendBack && m.table.Has(uint32(o), p) {
		return 0, false
	}
	return lo, true
}

// appendWindow appends one hot window; nil if it does not fit.
func (m *Monger) appendWindow(b []byte, room int, p uint32, o state.Origin) (out []byte, sent bool) {
	lo, ok := m.offers(p, o)
	if !ok || lo == 0 && !m.filler.Introduces(o) {
		return b, false
	}
	if lo == 0 {
		if len(b)+m.filler.IntroBytes(o) > room {
			return nil, false
		}
		b = m.filler.AppendIntro(b, o)
	}
	out, _, n := m.filler.Run(b, room, o, lo)
	m.shared.EntriesSent += uint64(n)
	if out != nil {
		m.table.Sent(uint32(o))
	}
	return out, out != nil
}

// appendShown appends our counters for the windows of this frame.
func (m *Monger) appendShown(b []byte, p uint32, offered []state.Origin) []byte {
	start := len(b)
	b = codec.BeginRecord(b, codec.TypeRumorFeedback)
	for _, o := range offered {
		if _, ok := m.offers(p, o); !ok {
			continue
		}
		_, hi, _ := m.table.Window(uint32(o))
		b = codec.AppendFeedback(b, &codec.Feedback{
			Kind: Shown, Counter: m.table.Counter(uint32(o)), Origin: m.store.ID(o), Hi: hi,
		})
	}
	return codec.EndRecord(b, start)
}
