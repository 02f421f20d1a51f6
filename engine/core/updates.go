package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/state"
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

// onIncrements takes feedback on our increments, and notes what became of the
// peer's. The runs of the frame were applied before.
func (c *Core) onIncrements(p uint32, items *codec.Feedbacks) {
	k := &c.comparing
	var it codec.Feedback
	for items.Next(&it) {
		o := c.store.Find(it.Origin)
		if o == 0 || c.cfg.Diff != DiffUpdates {
			continue
		}
		switch it.Kind {
		case codec.FeedbackShown:
			c.answerIncrement(p, o, &it)
		case codec.FeedbackNeeded, codec.FeedbackGap:
			k.updates.Feedback(uint32(o), true)
		case codec.FeedbackKnown:
			if it.Hi >= c.store.Max(o) { // not about an older version
				k.updates.Feedback(uint32(o), false)
			}
		}
	}
}

func (c *Core) answerIncrement(p uint32, o state.Origin, it *codec.Feedback) {
	k := &c.comparing
	a := codec.Feedback{Kind: codec.FeedbackKnown, Origin: it.Origin, Hi: it.Hi}
	switch m := &k.moves[o]; {
	case c.store.Max(o) < it.Hi:
		a.Kind, a.Max = codec.FeedbackGap, c.store.Max(o)
	case m.frame == c.counters.FramesReceived:
		a.Kind = codec.FeedbackNeeded
	}
	if len(k.answers) == cap(k.answers) {
		c.counters.Drops[DropBusy]++
		return
	}
	k.answers = append(k.answers, answer{p, a})
}

// answerIncrements sends the answers that p waits for, if any.
func (c *Core) answerIncrements(p uint32) {
	for i := range c.comparing.answers {
		if c.comparing.answers[i].peer == p {
			c.say(p, sayEnd)
			return
		}
	}
}

// nextIncrements goes on with a comparison that has not closed.
func (c *Core) nextIncrements(p uint32) {
	t := &c.peers[p].talk
	left := c.comparing.updates.Len() - int(t.offered)
	switch compare.Answer(false, left, int(t.turn)) {
	case compare.Increment:
		t.turn++
		c.say(p, sayUpdates)
	case compare.Full:
		c.answerIncrements(p)
		c.compareAll(p)
	default:
		c.answerIncrements(p)
	}
}

// composeIncrements appends updates, answers, and the fingerprint's turn.
func (c *Core) composeIncrements(b []byte, limit int, p uint32) []byte {
	t, k := &c.peers[p].talk, &c.comparing
	const fixed = codec.RecordBytes + codec.TurnBytes
	turn := t.turn
	var sent [incrementsMax]uint32
	n := 0
	if t.say&sayUpdates != 0 {
		answers := (limit - len(b)) / 4 / codec.FeedbackGapBytes * codec.FeedbackGapBytes
		b, n = c.composeUpdates(b, limit-fixed-min(answers, len(k.answers)*codec.FeedbackGapBytes), p, sent[:])
	} else {
		turn = codec.TurnEnd
	}
	if len(b)+fixed > limit {
		return b
	}
	t.say &^= sayUpdates | sayEnd | sayTurn
	c.counters.TurnsSent++
	start := len(b)
	b = codec.BeginTurn(b, turn)
	for _, h := range sent[:n] {
		o := state.Origin(h)
		b = codec.AppendFeedback(b, &codec.Feedback{Kind: codec.FeedbackShown, Origin: c.store.ID(o), Hi: c.store.Max(o)})
	}
	for i := 0; i < len(k.answers); {
		if k.answers[i].peer != p || len(b)+codec.FeedbackGapBytes > limit {
			i++
			continue
		}
		b = codec.AppendFeedback(b, &k.answers[i].item)
		k.answers[i] = k.answers[len(k.answers)-1]
		k.answers = k.answers[:len(k.answers)-1]
	}
	return codec.EndRecord(b, start)
}

// composeUpdates appends the next updates of the list; those of which everything
// was sent are in sent.
func (c *Core) composeUpdates(b []byte, limit int, p uint32, sent []uint32) (out []byte, n int) {
	t, k := &c.peers[p].talk, &c.comparing
	var next [incrementsMax]uint32
	most := min(len(next), k.updates.Len()-int(t.offered))
	if most <= 0 {
		return b, 0
	}
	for _, h := range next[:k.updates.Take(next[:most])] {
		o := state.Origin(h)
		t.offered++
		lo := k.moves[o].lo
		if c.origins[o].peer == p || lo >= c.store.Max(o) {
			continue // it is its own, or only a new name
		}
		room, start := limit-codec.FeedbackBytes*(n+1), len(b)
		if lo == 0 {
			if len(b)+(*book)(c).IntroBytes(o) > room {
				break
			}
			b = (*book)(c).AppendIntro(b, o)
		}
		out, to, entries := c.filler.Run(b, room, o, lo)
		c.counters.EntriesSent += uint64(entries)
		if out == nil {
			b = b[:start]
			continue
		}
		b = out
		if to == c.store.Max(o) {
			sent[n] = h
			n++
		}
	}
	return b, n
}
