package core

import (
	"cmp"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// The handshake of package door, and what is learned by it.

// Join adds an address to contact until somebody answers there, and again
// whenever that one falls silent. Adding it twice, or our own, is harmless.
func (c *Core) Join(now sched.Instant, addr netip.AddrPort) bool {
	c.enter(now)
	if !c.door.Seeds.Add(now, addr, c.cfg.Limits.Peers) {
		return false
	}
	c.wheel.Set(timerSeeds, now)
	return true
}

// contactSeeds greets the seeds that are due and not already in touch. One that
// left is greeted too: it may come back as another, or another may live there.
func (c *Core) contactSeeds() {
	if c.origins[c.store.Owner()].left {
		return
	}
	if next := c.door.Seeds.Contact(c.now, &c.roster, &c.rand, &c.door.Replies); next != sched.Never {
		c.wheel.Set(timerSeeds, next)
	}
}

// greet sends hellos to a member that was named but has not answered yet.
func (c *Core) greet(p uint32) {
	q := &c.peers[p]
	if q.Takes() || q.Left() || q.Life == roster.Free {
		return
	}
	if codec.Dialable(q.at.Addr) {
		c.due.Want(p, dueHello)
		q.at.Greeted(c.now)
	}
	most := door.Patience(c.roster.Candidates())
	if c.live.Status(p) >= member.Dead {
		most = 6 * door.BackoffMax // so we are told: it was dead before we came
	} else if q.Proven() && q.at.Vain() {
		c.gaps.Ask(q.origin, c.roster.Witness(0)) // it may be elsewhere by now
	}
	c.wheel.Set(peerTimer(p, timerHello), c.now+c.rand.Jitter(door.Backoff(door.HelloFirst, q.at.Hellos, most)))
	q.at.Missed()
}

// composeReply encodes the oldest waiting reply that may go.
func (c *Core) composeReply(dst []byte) (n int, to netip.AddrPort, ok bool) {
	var r door.Reply
	for c.door.Pop(&r) {
		s := c.sender()
		b, err := c.door.Append(dst, c.now, &s, &r), error(nil)
		if len(b) == 0 {
			continue
		}
		if !r.Plain {
			b, err = c.guard.FinishHello(b)
		}
		if n = c.counters.sent(b, err); n > 0 {
			return n, r.To, true
		}
	}
	return 0, to, false
}

// sender is who we are to strangers.
func (c *Core) sender() door.Sender {
	return door.Sender{Header: c.head(0), Hello: c.me.Hello(), Salt: c.guard.Salt(), Book: c.filler.Book}
}

// reject counts a datagram that is dropped at the door.
func (c *Core) reject(from netip.AddrPort, why Drop) *door.Entry {
	c.counters.Drops[why]++
	return c.door.Note(c.now, from, uint8(why), c.in.KeyID)
}

// onHello answers a greeting. Nothing is kept of it: its source may be forged.
func (c *Core) onHello(from netip.AddrPort, size int, h *codec.Hello) {
	r := door.Answer(from, size, h, c.in.Salt)
	if why, detail := c.objects(from, h); why != 0 {
		e, reason := c.reject(from, why), refusalOf[why]
		if reason == codec.RefusedName {
			r.Named = c.store.FindName(h.Name)
			if r.Named == c.store.Owner() && c.me.Strange(h.Gen) { // what answers there is a process, and told of
				c.door.GreetBack(c.now, nil, from, size, false)
			}
		}
		if c.door.Refuse(c.now, r, reason, detail) && reason != codec.RefusedBusy && c.door.Say(c.now, e) {
			c.queue.Push(Event{Kind: Refuses, Addr: from, From: uint64(reason), To: detail})
		}
		return
	}
	o := c.store.FindName(h.Name)
	switch {
	case o == 0 && c.origins[c.store.Owner()].left:
		return // nobody should begin with one that goes
	case o != 0:
		p := &c.peers[c.origins[o].peer]
		r.Known = c.store.Gen(o)
		if r.Known > h.Gen && (o != c.store.Owner() || c.roster.Reach() > 0) { // a newcomer claims nothing
			r.Named = o
		}
		if o == c.store.Owner() && (h.Flags&codec.HelloNamesake != 0 || !c.door.Ours(c.now, &h.Salt)) && c.me.Strange(h.Gen) && size >= door.PaddedBytes {
			c.door.GreetBack(c.now, nil, from, size, false) // what answers there is a process
		}
		r.Alive = o == c.store.Owner() || p.Open()
		if p.Quiet() && p.at.Addr == from && h.Gen == r.Known && c.now-p.at.HelloAt > door.GreetGap {
			c.greet(c.origins[o].peer) // it is back: find out at once
		}
	}
	if !c.door.Push(&r) {
		c.counters.Drops[DropBusy]++
	}
	if h.Flags&codec.HelloBuried != 0 {
		c.door.GreetBack(c.now, nil, from, size, false)
	}
	q := &c.peers[c.roster.Find(c.in.Sender)]
	if h.Flags&codec.HelloBack == 0 && q.Proven() && q.at.Back(c.now, from) { // it has forgotten us, or knows somebody else under our name: its answer will say so
		c.door.Push(&door.Reply{Kind: codec.TypeHello, To: from, Flags: codec.HelloBack, Bare: size < door.PaddedBytes})
	}
}

// onHelloReply believes the address that answered our greeting: only who reads
// what is sent there knows the challenge.
func (c *Core) onHelloReply(from netip.AddrPort, id codec.OriginID, h *codec.HelloReply) {
	if h.Mode != c.me.Mode {
		c.reject(from, DropMode)
		return
	}
	c.rename(c.me.DoubleAnswered(c.now, id, from))
	c.rename(c.me.Answered(c.now, id, &h.Hello, c.roster.Reach() > 0))
	if h.KnownGen > c.me.Gen && !h.KnownAlive {
		c.rename(c.me.Outlived(c.now, h.KnownGen, netip.AddrPort{}, (*book)(c)))
	}
	p := c.learn(&codec.Intro{ID: id, Gen: h.Gen, Since: h.Since, Kinds: h.Kinds, Name: h.Name, Addr: h.Addr}, from)
	if p == 0 {
		if c.graves.Has(c.now, id) { // it does not know: it asks, and our answer has what to exceed
			c.door.Push(&door.Reply{Kind: codec.TypeHello, To: from, Bare: true, Flags: codec.HelloBack | codec.HelloBuried})
		}
		return
	}
	q, other := &c.peers[p], c.guard.Other(p, &c.in.Header)
	if !other {
		c.door.Seeds.Answered(from, p)
	}
	if !c.yields(p, from, other) {
		if !other {
			q.at.AnswersToo(from)
		}
		c.reject(from, DropClaim)
		return
	}
	if from == q.at.Addr {
		q.claim.Answered(c.now)
	}
	c.guard.Meet(p, &c.in.Header)
	c.door.Seeds.Answered(from, p)
	if took, ok := q.at.Answered(c.now); ok {
		c.paths.Answers(&q.link, c.now, took)
	}
	q.at.Shown(h.Cookie)
	q.at.Kinds = h.Kinds // whoever introduced it may have lied
	c.heardFrom(p)
	c.prove(p, from)
	if c.door.Meets(c.now) {
		c.startExchange(p)
	}
	c.events.Met(p)
}

// yields tells whether a peer's address, and its life if the claim is of another one, may be given
// to somebody who answers elsewhere: not while the known one is in service and answers from where
// it is known. Another life that answers at the old address is the end of the old one.
func (c *Core) yields(p uint32, from netip.AddrPort, other bool) bool {
	q := &c.peers[p]
	if !q.Open() || from == q.at.Addr || from == q.at.Advertised && q.at.Declared && !other {
		return true
	}
	silence := names.SameLife + 4*q.link.Far()
	if other {
		silence += names.OtherLife
	}
	take, challenge := q.claim.Ask(c.now, silence)
	c.door.Ask(challenge, q.at.Addr, q.origin, from)
	return take
}

// learn makes an origin and its peer known, after checking that the id belongs
// to the name and generation. It returns the peer; 0 if there is none.
func (c *Core) learn(in *codec.Intro, from netip.AddrPort) uint32 {
	if in.ID == c.me.ID {
		return 0
	}
	if codec.MakeOriginID(c.me.Key, in.Name, in.Gen) != in.ID {
		return c.counters.dropped(DropForged)
	}
	if p := c.roster.Find(in.ID); p != 0 {
		c.door.Elsewhere(c.now, &c.peers[p].at, c.peers[p].link.Heard(), in.Addr, from)
		return p
	}
	old := c.store.FindName(in.Name)
	if old != c.store.Owner() && c.graves.Has(c.now, in.ID) {
		return c.counters.dropped(DropBuried)
	}
	if c.roster.Reach() > 0 && in.Gen > (*book)(c).Believed(in.Gen) {
		return c.counters.dropped(DropGeneration)
	}
	addr := door.Place(from, in.Addr)
	switch {
	case old == c.store.Owner():
		c.rename(c.me.Met(c.now, &codec.Intro{Gen: in.Gen, Since: in.Since, Addr: addr}, from.IsValid(), (*book)(c)))
		return 0
	case !from.IsValid() && !names.FreshAge(in.Age): // it ends where it is known
		return c.counters.dropped(DropUnknown)
	case old != 0 && c.store.Gen(old) > in.Gen:
		return c.counters.dropped(DropBuried)
	case old != 0 && c.contest(old, in, from) != names.Succeeds:
		return c.counters.dropped(DropClaim)
	case old != 0:
		return c.replace(old, in, addr)
	case c.graves.Bars(c.now, in.Name, in.Gen+1) != 0: // a later life was here, and went
		return c.counters.dropped(DropBuried)
	}
	return c.enroll(in, addr, from.IsValid())
}

// enroll makes somebody whose name is new a peer, if there is room. answers: they sent this.
func (c *Core) enroll(in *codec.Intro, addr netip.AddrPort, answers bool) uint32 {
	if !c.cfg.Admit(in.Name, addr) {
		return c.counters.dropped(DropBanned)
	}
	if !c.seat(answers) {
		return 0
	}
	o, st := c.store.Add(in.ID, in.Gen, in.Name)
	if st != state.OK {
		return c.counters.dropped(DropFull)
	}
	c.noteOrigin(o)
	p := c.addPeer(o, addr)
	if p == 0 {
		c.store.Remove(o)
		c.origins.forget(o)
		return 0
	}
	c.peers[p].at.Introduced(in)
	c.notify(MemberJoined, p)
	c.greetSoon(p)
	return p
}

func (c *Core) greetSoon(p uint32) {
	c.wheel.Set(peerTimer(p, timerHello), c.now+c.rand.Jitter(sched.Millisecond))
}

// contest decides whether another boot with the name of an origin may have it.
func (c *Core) contest(o state.Origin, in *codec.Intro, from netip.AddrPort) names.Verdict {
	p := c.origins[o].peer
	q := &c.peers[p]
	holder := names.Holder{
		Gen: c.store.Gen(o), Since: q.at.Since, Open: q.Open(), Addr: q.at.Addr, Claim: &q.claim, RTT: q.link.Far(),
	}
	v, challenge := holder.Judge(c.now, in, from)
	c.door.Ask(challenge, q.at.Addr, 0, from)
	switch v {
	case names.Outlives:
		c.silent(p)
		return names.Succeeds
	case names.Unproven:
		c.door.GreetBack(c.now, nil, in.Addr, door.PaddedBytes, false)
	}
	return v
}

// replace puts a newer life of a member in the place of the old one.
func (c *Core) replace(old state.Origin, in *codec.Intro, addr netip.AddrPort) uint32 {
	p := c.origins[old].peer
	told := c.events.Ends(old, c.peers[p].at.Since, in)
	c.store.Echo(old, c.peers[p].at.Since == cmp.Or(in.Since, in.Gen))
	c.bury(old)
	o, st := c.store.Add(in.ID, in.Gen, in.Name)
	if st != state.OK {
		return c.counters.dropped(DropFull)
	}
	c.noteOrigin(o)
	c.events.Lives(o, told)
	c.resetPeer(p, o, addr)
	c.peers[p].at.Introduced(in)
	c.notify(MemberReplaced, p)
	c.greetSoon(p)
	return p
}

// bury removes an origin's state and remembers its id, so that it can't return.
func (c *Core) bury(o state.Origin) {
	keep := names.Retain(c.store.ID(o), c.me.ID)
	for p := range c.peers {
		if q := &c.peers[p]; q.origin != o && q.Proven() {
			keep.Count(q.id)
		}
	}
	c.graves.Bury(c.now, c.store.ID(o), c.store.Name(o), c.store.Gen(o), &keep)
	c.erase(o)
}

// erase removes an origin's state, and takes it out of what is told of it.
func (c *Core) erase(o state.Origin) {
	p := c.origins[o].peer
	if p != 0 {
		c.roster.Remove(c.peers[p].id)
		c.peers[p].id = 0
		c.differ.Drop(p)
	}
	c.store.Remove(o)
	c.origins.forget(o)
	c.queue.Reset(o)
	c.rumors.Forget(o)
	c.mail.Relay.Forget(o)
	c.differ.Forget(o)
	c.events.Forget(o)
}
