package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Rumors are spread in cycles; a flush is one. In a cycle this node contacts a
// few peers and sends each the windows that are hot. A frame of a contact is
//
//	[RumorFeedback, empty]   a contact opens: count it, and offer in return (pull)
//	Intro, Run ...           the windows
//	[RumorFeedback, Shown]   the sender's counter for each of them
//
// and the answer is RumorFeedback with needed, known, gap or refused for each.
// A policy that needs none of that (blind push) sends the runs alone. News that
// arrives during a cycle becomes a rumor with the next one, so that no peer of
// this cycle is counted as told.

// DefaultRumor is what Auto mongers with: each node pushes news once, blindly,
// to its fan-out. It is the fastest and sends no feedback; gaps are pulled and
// the residue is left to anti-entropy.
func DefaultRumor() rumor.Policy { return rumor.Policy{Blind: true, K: 1} }

// answersMax bounds the answers that wait for their frames; what does not fit
// is as if it was lost.
const answersMax = 256

type answer struct {
	peer uint32
	item codec.Feedback
}

// rumors makes the table ready when the first news needs it.
func (c *Core) readyRumors() {
	if c.hasRumors {
		return
	}
	c.rumors.Init(c.store.Limits().Handles(), c.cfg.Rumor, c.rand.Uint64())
	c.answers = make([]answer, 0, answersMax)
	c.hasRumors = true
}

// spoken reports whether contacts carry more than runs.
func (c *Core) spoken() bool {
	p := &c.cfg.Rumor
	return !p.Blind || p.Shape != rumor.Push || p.Limit != 0
}

// startRumor ends the last cycle and begins one. It returns the contacts.
func (c *Core) startRumor() int {
	f := &c.flush
	if len(f.hot) == 0 && !c.hasRumors {
		return 0
	}
	c.readyRumors()
	c.rumors.CycleEnd()
	for _, o := range f.hot {
		x := &c.origins[o]
		x.hot = false
		c.rumors.Learned(uint32(o), x.lo, c.store.Max(o), x.from, x.counter)
	}
	f.hot, f.hunted = f.hot[:0], 0
	targets := c.provenPeers()
	k := min(c.fanout(), len(targets))
	if k == 0 || c.rumors.Hot() == 0 || c.cfg.Rumor.Shape == rumor.Pull {
		return 0
	}
	k = sched.Sample(&c.rand, targets, c.picked[:k])
	for _, p := range c.picked[:k] {
		c.tellRumors(p, true)
	}
	return k
}

// tellRumors makes what is hot due at one peer.
func (c *Core) tellRumors(p uint32, open bool) {
	f, q := &c.flush, &c.peers[p]
	if q.due&dueRumor != 0 {
		return
	}
	if f.open == 0 {
		f.flying = f.flying[:0]
		for i := range c.rumors.Hot() {
			f.flying = append(f.flying, state.Origin(c.rumors.HotAt(i)))
		}
	}
	f.open++
	q.rumorAt, q.rumorOpen = 0, open && c.spoken()
	c.want(p, dueRumor)
}

// askRumors opens a contact with a few peers to learn what is hot there.
func (c *Core) askRumors() {
	if c.cfg.Rumor.Shape == rumor.Push || c.spread() != Rumor {
		return
	}
	c.readyRumors()
	targets := c.provenPeers()
	k := sched.Sample(&c.rand, targets, c.picked[:min(c.fanout(), len(targets))])
	for _, p := range c.picked[:k] {
		c.peers[p].rumorOpen = true
		c.want(p, dueContact)
	}
}

// contacted is the other side of an opened contact.
func (c *Core) contacted(p uint32) {
	c.readyRumors()
	if c.cfg.Rumor.Limit != 0 {
		c.armCycle() // the limit is one of a cycle, which has to end
	}
	if !c.rumors.Accept() {
		c.refusing = true
		return
	}
	if c.cfg.Rumor.Shape != rumor.Push && c.rumors.Hot() > 0 {
		c.tellRumors(p, false)
	}
}

// onFeedback takes the answers to what we offered, and what a peer shows.
func (c *Core) onFeedback(p uint32, body []byte) bool {
	if len(body) == 0 {
		c.contacted(p)
		return true
	}
	items, err := codec.ParseFeedbacks(body)
	if err != nil {
		return false
	}
	c.readyRumors()
	var it codec.Feedback
	for items.Next(&it) {
		o := c.store.Find(it.Origin)
		switch {
		case o == 0:
		case it.Kind == codec.FeedbackShown:
			c.shown(p, o, &it)
		case it.Kind == codec.FeedbackRefused:
			c.rumors.Feedback(uint32(o), it.Hi, p, it.Kind, it.Counter)
			c.hunt(p)
		default:
			c.rumors.Feedback(uint32(o), it.Hi, p, it.Kind, it.Counter)
		}
	}
	return true
}

// shown answers one window of a contact.
func (c *Core) shown(p uint32, o state.Origin, it *codec.Feedback) {
	x := &c.origins[o]
	a := codec.Feedback{Kind: codec.FeedbackKnown, Counter: c.rumors.Counter(uint32(o)), Origin: it.Origin, Hi: it.Hi}
	switch {
	case c.refusing:
		a.Kind = codec.FeedbackRefused
	case c.store.Max(o) < it.Hi:
		a.Kind, a.Max = codec.FeedbackGap, c.store.Max(o)
	case x.hot && x.from == p && x.frame == c.counters.FramesReceived:
		a.Kind, x.counter = codec.FeedbackNeeded, it.Counter
	default:
		c.rumors.Shown(uint32(o), it.Hi, p, it.Counter)
	}
	if len(c.answers) == cap(c.answers) {
		c.counters.Drops[DropBusy]++
		return
	}
	c.answers = append(c.answers, answer{p, a})
	c.want(p, dueAnswers)
}

// hunt contacts somebody else instead of a peer that refused.
func (c *Core) hunt(refuser uint32) {
	f := &c.flush
	f.hunted++
	if f.hunted > len(c.peers) || !c.rumors.Hunts(f.hunted) {
		return
	}
	targets := c.provenPeers()
	if len(targets) < 2 {
		return
	}
	p := targets[c.rand.Uint32n(uint32(len(targets)))]
	if p != refuser {
		c.tellRumors(p, true)
	}
}

// reheat lets anti-entropy make hot again what a peer turned out to lack, each
// version at most once, and not on the word of a frame that was seen before.
func (c *Core) reheat(o state.Origin, from uint64) {
	if c.fresh && c.hasRumors && c.rumors.Reheat(uint32(o), from, c.store.Max(o)) {
		c.armCycle()
	}
}

// armCycle makes sure that the cycle ends.
func (c *Core) armCycle() {
	if f := &c.flush; !f.armed {
		f.armed, f.idle = true, true
		c.wheel.Set(timerFlush, c.now+c.cfg.FlushMax)
	}
}

// forgetNews takes a removed origin out of the lists of news.
func (c *Core) forgetNews(o state.Origin) {
	f := &c.flush
	for i, h := range f.hot {
		if h == o {
			f.hot = append(f.hot[:i], f.hot[i+1:]...)
			break
		}
	}
	for i, h := range f.flying {
		if h == o {
			f.flying[i] = 0
		}
	}
	c.differ.Forget(o)
	if c.hasRumors {
		c.rumors.Forget(uint32(o))
	}
	c.events.Forget(uint32(o))
}

// composeAnswers appends what this peer's offers came to.
func (c *Core) composeAnswers(b []byte, limit int, p uint32) []byte {
	c.peers[p].due &^= dueAnswers
	start := len(b)
	b = codec.BeginRecord(b, codec.TypeRumorFeedback)
	for i := 0; i < len(c.answers); {
		if c.answers[i].peer != p {
			i++
			continue
		}
		if len(b)+codec.FeedbackGapBytes > limit {
			c.peers[p].due |= dueAnswers
			break
		}
		b = codec.AppendFeedback(b, &c.answers[i].item)
		c.answers[i] = c.answers[len(c.answers)-1]
		c.answers = c.answers[:len(c.answers)-1]
	}
	if len(b) == start+codec.RecordBytes {
		return b[:start]
	}
	return codec.EndRecord(b, start)
}

// dropAnswers gives up the answers that a peer waits for.
func (c *Core) dropAnswers(p uint32) {
	drop := func(l []answer) []answer {
		for i := 0; i < len(l); {
			if l[i].peer != p {
				i++
				continue
			}
			l[i] = l[len(l)-1]
			l = l[:len(l)-1]
		}
		return l
	}
	c.answers = drop(c.answers)
}

// composeContact opens a contact: an empty feedback record.
func (c *Core) composeContact(b []byte, _ int, p uint32) []byte {
	q := &c.peers[p]
	q.due &^= dueContact
	q.rumorOpen = false
	start := len(b)
	return codec.EndRecord(codec.BeginRecord(b, codec.TypeRumorFeedback), start)
}

// composeRumor appends the hot windows that this peer has not been sent.
func (c *Core) composeRumor(b []byte, limit int, p uint32) []byte {
	f, q := &c.flush, &c.peers[p]
	if q.rumorOpen {
		b = c.composeContact(b, limit, p)
	}
	before, told, shows := len(b), 0, !c.cfg.Rumor.Blind
	if shows {
		limit -= codec.RecordBytes
	}
	first := q.rumorAt
	for ; int(q.rumorAt) < len(f.flying); q.rumorAt++ {
		room := limit
		if shows {
			room -= (told + 1) * codec.FeedbackBytes
		}
		out, sent := c.composeWindow(b, room, p, f.flying[q.rumorAt])
		if out == nil {
			break
		}
		b = out
		if sent {
			told++
		}
	}
	if shows && told > 0 {
		b = c.composeShown(b, p, int(first), int(q.rumorAt))
	}
	if len(b) > before {
		c.counters.RumorsSent++
	}
	if int(q.rumorAt) >= len(f.flying) || len(b) == before && before <= c.emptyFrame() {
		c.endRumor(p)
	}
	return b
}

// offers reports whether a window is to be sent to a peer, and from where.
func (c *Core) offers(p uint32, o state.Origin) (lo uint64, ok bool) {
	if o == 0 || !c.origins[o].known || c.origins[o].peer == p {
		return 0, false
	}
	lo, _, ok = c.rumors.Window(uint32(o))
	if !ok || lo >= c.store.Max(o) || !c.cfg.Rumor.SendBack && c.rumors.Has(uint32(o), p) {
		return 0, false
	}
	return lo, true
}

// composeWindow appends one hot window; nil if it does not fit.
func (c *Core) composeWindow(b []byte, room int, p uint32, o state.Origin) (out []byte, sent bool) {
	lo, ok := c.offers(p, o)
	if !ok {
		return b, false
	}
	if lo == 0 {
		if len(b)+(*book)(c).IntroBytes(o) > room {
			return nil, false
		}
		b = (*book)(c).AppendIntro(b, o)
	}
	out, _, n := c.filler.Run(b, room, o, lo)
	c.counters.EntriesSent += uint64(n)
	if out != nil {
		c.rumors.Sent(uint32(o))
	}
	return out, out != nil
}

// composeShown appends our counters for the windows of this frame.
func (c *Core) composeShown(b []byte, p uint32, from, to int) []byte {
	start := len(b)
	b = codec.BeginRecord(b, codec.TypeRumorFeedback)
	for _, o := range c.flush.flying[from:to] {
		if _, ok := c.offers(p, o); !ok {
			continue
		}
		_, hi, _ := c.rumors.Window(uint32(o))
		b = codec.AppendFeedback(b, &codec.Feedback{
			Kind: codec.FeedbackShown, Counter: c.rumors.Counter(uint32(o)), Origin: c.store.ID(o), Hi: hi,
		})
	}
	return codec.EndRecord(b, start)
}

// endRumor notes that the peer has been sent the news of this cycle.
func (c *Core) endRumor(p uint32) {
	c.peers[p].due &^= dueRumor
	c.flush.open--
}
