package compare

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// The update list with feedback and count, as XGOSSIP compares: a few updates
// with their contents and the fingerprint first; the other side says which of
// them it needed; an update that was needless too often leaves the list; the full
// state is compared only when fingerprints still differ and no update is left to
// try. A frame of it is
//
//	Run ...                                   updates, least needless ones first
//	[Turn n, answers to the peer's, Shown for each of ours]
const incrementsMax = 8

// answersMax bounds the answers that wait for their frames; what does not fit is
// as if it was lost.
const answersMax = 256

type answer struct {
	peer uint32
	item codec.Feedback
}

// onIncrements takes feedback on our increments, and notes what became of the
// peer's. The runs of the frame were applied before.
func (c *Compare) onIncrements(f *reconcile.Frame, items *codec.Feedbacks) {
	var it codec.Feedback
	for items.Next(&it) {
		o := c.store.Find(it.Origin)
		if o == 0 || c.cfg.Diff != tune.DiffUpdates {
			continue
		}
		switch it.Kind {
		case codec.FeedbackShown:
			c.answerIncrement(f, o, &it)
		case codec.FeedbackNeeded, codec.FeedbackGap:
			c.updates.Feedback(uint32(o), true)
		case codec.FeedbackKnown:
			if it.Hi >= min(c.moves[o].told, c.store.Max(o)) { // not about an older version
				c.updates.Feedback(uint32(o), false)
			}
		}
	}
}

func (c *Compare) answerIncrement(f *reconcile.Frame, o state.Origin, it *codec.Feedback) {
	a := codec.Feedback{Kind: codec.FeedbackKnown, Origin: it.Origin, Hi: it.Hi}
	switch m := &c.moves[o]; {
	case c.store.Max(o) < it.Hi:
		a.Kind, a.Max = codec.FeedbackGap, c.store.Max(o)
	case m.frame == f.Number:
		a.Kind = codec.FeedbackNeeded
	}
	if len(c.answers) == cap(c.answers) {
		*c.busy++
		return
	}
	c.answers = append(c.answers, answer{f.Peer, a})
}

// answerIncrements sends the answers that p waits for, if any.
func (c *Compare) answerIncrements(p uint32) {
	for i := range c.answers {
		if c.answers[i].peer == p {
			c.say(p, sayEnd)
			return
		}
	}
}

// nextIncrements goes on with a comparison that has not closed.
func (c *Compare) nextIncrements(p uint32) {
	t := c.host.Peer(p)
	left := c.updates.Len() - int(t.offered)
	switch Answer(false, left, int(t.turn)) {
	case Increment:
		t.turn++
		c.say(p, sayUpdates)
	case Full:
		c.answerIncrements(p)
		c.compareAll(p)
	default:
		c.answerIncrements(p)
	}
}

// appendIncrements appends updates, answers, and the fingerprint's turn.
func (c *Compare) appendIncrements(b []byte, g *reconcile.Page) []byte {
	t := c.host.Peer(g.Peer)
	const fixed = codec.RecordBytes + codec.TurnBytes
	turn := t.turn
	var sent [incrementsMax]uint32
	n := 0
	if t.say&sayUpdates != 0 {
		answers := (g.Limit - len(b)) / 4 / codec.FeedbackGapBytes * codec.FeedbackGapBytes
		b, n = c.appendUpdates(b, g.Limit-fixed-min(answers, len(c.answers)*codec.FeedbackGapBytes), g.Peer, sent[:])
	} else {
		turn = codec.TurnEnd
	}
	if len(b)+fixed > g.Limit {
		return b
	}
	t.say &^= sayUpdates | sayEnd | sayTurn
	c.n.TurnsSent++
	start := len(b)
	b = codec.BeginTurn(b, turn)
	for _, h := range sent[:n] {
		o := state.Origin(h)
		b = codec.AppendFeedback(b, &codec.Feedback{Kind: codec.FeedbackShown, Origin: c.store.ID(o), Hi: c.moves[o].told})
	}
	for i := 0; i < len(c.answers); {
		if c.answers[i].peer != g.Peer || len(b)+codec.FeedbackGapBytes > g.Limit {
			i++
			continue
		}
		b = codec.AppendFeedback(b, &c.answers[i].item)
		c.answers[i] = c.answers[len(c.answers)-1]
		c.answers = c.answers[:len(c.answers)-1]
	}
	return codec.EndRecord(b, start)
}

// appendUpdates appends the next updates of the list; those of which something was sent are in
// sent: of one that takes more than a frame its beginning is, and who has that says so.
func (c *Compare) appendUpdates(b []byte, limit int, p uint32, sent []uint32) (out []byte, n int) {
	t := c.host.Peer(p)
	var next [incrementsMax]uint32
	most := min(len(next), c.updates.Len()-int(t.offered))
	if most <= 0 {
		return b, 0
	}
	for _, h := range next[:c.updates.Take(next[:most])] {
		o := state.Origin(h)
		t.offered++
		lo := c.moves[o].lo
		if c.host.Author(o) == p || lo >= c.store.Max(o) || lo == 0 && !c.filler.Introduces(o) {
			continue // it is its own, or only a new name
		}
		room, start := limit-codec.FeedbackBytes*(n+1), len(b)
		if lo == 0 {
			if len(b)+c.filler.IntroBytes(o) > room {
				break
			}
			b = c.filler.AppendIntro(b, o)
		}
		out, to, entries := c.filler.Run(b, room, o, lo)
		c.shared.EntriesSent += uint64(entries)
		if out == nil {
			b = b[:start]
			continue
		}
		b, c.moves[o].told = out, to
		sent[n] = h
		n++
	}
	return b, n
}
