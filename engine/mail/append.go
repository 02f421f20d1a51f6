package mail

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// slack is left free in a frame for an acknowledgement when a run is encoded for many
// peers: header, acknowledgement and checksum are each frame's own.
const slack = codec.RecordBytes + 16

// Append appends our writes after the peer's cursor. done reports that nothing more is
// due to it.
func (m *Mail) Append(b []byte, g *reconcile.Page) (out []byte, done bool) {
	c, own := m.parts.Host.Cursor(g.Peer), m.own()
	out, to := m.run(b, g, c.At())
	if out == nil {
		return b, c.At() >= own || g.Empty(b)
	}
	c.Mailed(to)
	m.parts.Count.MailSent++
	if to >= own && m.parts.Word != nil {
		out = m.parts.Word.Ride(out, g)
	}
	return out, to >= own
}

// AppendHave appends the acknowledgement of the peer's own writes, and whether there is
// no room for some of them. A peer that asks is told how far our own go, unless mail to it does
// so.
func (m *Mail) AppendHave(b []byte, g *reconcile.Page) (out []byte, done bool) {
	s, o := m.parts.Store, m.parts.Host.Origin(g.Peer)
	top := s.Max(o)
	if m.parts.Host.Debt(g.Peer).Pay(top, g.Header.AckMap != 0) {
		m.parts.Ack.Of(g.Peer).Cancel()
	}
	b = s.AppendFullAt(b, len(b)+codec.RecordBytes+codec.FullAtBytesMax, o)
	have := codec.Have{Max: top, Floor: s.Floor(o), Dirty: s.Dirty(o)}
	if m.large != nil {
		have.Open = min(m.large.Open(o), top)
	}
	b = codec.AppendHave(b, have)
	if m.parts.Host.Debt(g.Peer).Answers() && (!m.Mails() || m.parts.Host.Cursor(g.Peer).At() >= m.told()) {
		if out, _, _ := m.parts.Filler.Run(b, g.Limit, m.parts.Own, m.own()); out != nil {
			b = out
		}
		if m.parts.Word != nil {
			b = m.parts.Word.Answer(b, g)
		}
	} else if m.parts.Word != nil && m.Spread() == tune.SpreadDelegated {
		b = m.parts.Word.Ride(b, g) // delegates bring our news, and can't say what our log sums up to
	}
	return b, true
}

// AppendFull appends what there is no room for here, before a comparison: half of the
// frame is left for that.
func (m *Mail) AppendFull(b []byte, g *reconcile.Page) (out []byte, done bool) {
	return m.parts.Store.AppendFullAt(b, (len(b)+g.Limit)/2, m.parts.Host.Origin(g.Peer)), false
}

// run appends a run of our own origin from a peer's cursor; nil if nothing is due or
// fits.
func (m *Mail) run(b []byte, g *reconcile.Page, from uint64) ([]byte, uint64) {
	self := m.parts.Own
	if from >= m.own() {
		return nil, from
	}
	if from == 0 && !g.Introduced {
		if len(b)+m.parts.Filler.IntroBytes(self) > g.Limit {
			return nil, 0
		}
		b = m.parts.Filler.AppendIntro(b, self)
	} else if r := m.shared(g, from); r != nil && len(b)+len(r.Bytes()) <= g.Limit {
		m.parts.Shared.EntriesSent += uint64(r.Entries)
		return append(b, r.Bytes()...), r.To
	}
	out, to, n := m.parts.Filler.News(b, g.Limit, from, m.knows(g))
	m.parts.Shared.EntriesSent += uint64(n)
	return out, to
}

// shared gives the run from a cursor for frames as long as this one, and encodes it for
// the first who asks; nil if there is no place for it.
func (m *Mail) shared(g *reconcile.Page, from uint64) *Run {
	m.runs.Own(g.Now, m.parts.Store.ID(m.parts.Own), m.own())
	run, place := m.runs.Find(from, g.Limit, m.knows(g))
	if place == nil {
		return run
	}
	text := place.Room()
	room := min(g.Limit, cap(text)) - g.Header.Bytes() - slack
	out, to, n := m.parts.Filler.News(text, room, from, m.knows(g))
	if out == nil {
		return nil // it fits alone in a frame, or nowhere
	}
	place.From, place.To, place.Limit, place.Entries, place.Knows = from, to, g.Limit, n, m.knows(g)
	return m.runs.Keep(place, len(out))
}

// knows is the last kind of entries that is sent to a peer. One that is full, that was not told yet
// what our log sums up to, or that asks for it again and again, can't look up what is referred to.
func (m *Mail) knows(g *reconcile.Page) codec.Kind {
	if !m.parts.Host.Cursor(g.Peer).Sure() || !m.parts.Filler.Refers(g.Now, g.Peer) {
		return min(g.Kinds, codec.KindByRef-1)
	}
	return min(g.Kinds, codec.KindByRef)
}
