package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// The handshake, three frames, so that no address is believed before it
// answered and no state is kept for one that did not:
//
//	A -> B  Hello(challenge for B), padded to be no shorter than the answer
//	B -> A  HelloReply(the challenge, back), and a cookie in the header
//	A -> B  the cookie, Intro(A), Sync: B now knows A and its address
//
// B keeps nothing between the second and the third frame, A nothing after the
// first.
//
// An address that has not proved itself gets no more than three times what came
// from it; one that we chose, a padded hello each step of the backoff.

const (
	helloPadded     = 512                     // bytes of a padded hello frame
	helloFirst      = 200 * sched.Millisecond // the second hello leaves after this
	helloBackoffMax = 10 * sched.Second
)

// seed is an address that somebody told us to join.
type seed struct {
	addr  netip.AddrPort
	peer  uint32 // who answered there
	next  sched.Instant
	tries uint8
}

// Join adds an address to contact until somebody answers there, and again
// whenever that one falls silent. Adding it twice, or our own, is harmless.
func (c *Core) Join(now sched.Instant, addr netip.AddrPort) bool {
	c.now = now
	for i := range c.seeds {
		if c.seeds[i].addr == addr {
			c.seeds[i].next, c.seeds[i].tries = now, 0
			c.wheel.Set(timerSeeds, now)
			return true
		}
	}
	if len(c.seeds) >= c.cfg.Limits.Peers {
		return false
	}
	c.seeds = append(c.seeds, seed{addr: addr, next: now})
	c.wheel.Set(timerSeeds, now)
	return true
}

// Unjoin stops contacting a seed: its name stands for another address now.
// Members that were found through it stay.
func (c *Core) Unjoin(now sched.Instant, addr netip.AddrPort) {
	c.now = now
	for i := range c.seeds {
		if c.seeds[i].addr == addr {
			c.seeds[i] = c.seeds[len(c.seeds)-1]
			c.seeds = c.seeds[:len(c.seeds)-1]
			return
		}
	}
}

// Seeds is how many addresses are contacted.
func (c *Core) Seeds() int { return len(c.seeds) }

// Seed reports how far contacting the seed went: who answered, if anybody did.
func (c *Core) Seed(addr netip.AddrPort) (Peer, bool) {
	for i := range c.seeds {
		if c.seeds[i].addr == addr {
			return c.Peer(c.seeds[i].peer)
		}
	}
	return Peer{}, false
}

// contactSeeds greets the seeds that are due and not already in touch. One that
// left is greeted too: it may come back as another, or another may live there.
func (c *Core) contactSeeds() {
	next := sched.Never
	if c.leaving() {
		return
	}
	for i := range c.seeds {
		s := &c.seeds[i]
		if p := s.peer; p != 0 && c.peers[p].proven && !c.peers[p].quiet && !c.peers[p].left {
			s.next, s.tries = c.now+helloBackoffMax, 0
		} else if s.next <= c.now && !c.replies.push(reply{kind: codec.TypeHello, to: s.addr}) {
			s.next = c.now + helloFirst/20 // more seeds than fit at once
		} else if s.next <= c.now {
			s.next = c.now + c.jitter(backoff(helloFirst, s.tries, helloBackoffMax))
			s.tries = min(s.tries+1, 30)
		}
		next = min(next, s.next)
	}
	if next != sched.Never {
		c.wheel.Set(timerSeeds, next)
	}
}

func backoff(first sched.Instant, tries uint8, most sched.Instant) sched.Instant {
	return min(most, first<<min(tries, 16))
}

// greet sends hellos to a member that was named but has not answered yet.
func (c *Core) greet(p uint32) {
	q := &c.peers[p]
	if q.proven && !q.quiet || q.left || q.origin == 0 {
		return
	}
	if q.addr.IsValid() && !q.addr.Addr().IsUnspecified() && q.addr.Port() != 0 {
		c.want(p, dueHello)
		q.helloAt = c.now
	}
	most := sched.Instant(helloBackoffMax)
	if c.Status(p) >= member.Dead {
		most *= 6 // so we are told: it was dead before we came
	}
	c.wheel.Set(peerTimer(p, timerHello), c.now+c.jitter(backoff(helloFirst, q.hellos, most)))
	q.hellos = min(q.hellos+1, 30)
}

// reply is a frame for somebody who is not a proven peer.
type reply struct {
	to    netip.AddrPort
	room  int          // what may go there
	salt  [16]byte     // theirs, to give back
	boot  [16]byte     // their boot salt, which the cookie is for; zero in clear
	known uint64       // highest generation that we know for their name
	named state.Origin // who that is, if it is higher than theirs
	kind  codec.Type
	alive bool
	bare  bool // not padded: it answers a frame that may be spoofed
	back  bool // it answers a greeting of somebody we thought we knew
}

// replyQueue is the one queue of the core; what does not fit is not answered.
type replyQueue struct {
	ring    [64]reply
	head, n uint32
}

func (q *replyQueue) init() { q.head, q.n = 0, 0 }

func (q *replyQueue) push(r reply) bool {
	if int(q.n) == len(q.ring) {
		return false
	}
	q.ring[(q.head+q.n)%uint32(len(q.ring))] = r
	q.n++
	return true
}

func (q *replyQueue) pop() (r reply, ok bool) {
	if q.n == 0 {
		return r, false
	}
	r = q.ring[q.head]
	q.head = (q.head + 1) % uint32(len(q.ring))
	q.n--
	return r, true
}

// composeReply encodes the oldest waiting reply that may go.
func (c *Core) composeReply(dst []byte) (n int, to netip.AddrPort, ok bool) {
	for {
		r, ok := c.replies.pop()
		if !ok {
			return 0, to, false
		}
		var b []byte
		switch {
		case r.kind == codec.TypeHelloReply:
			b = c.composeAnswer(dst, &r)
		case r.bare || c.mayGreet(r.to):
			c.out.Flags = c.base
			b = c.appendHello(codec.AppendHeader(dst[:0], &c.out), r.to, r.bare, r.back)
		}
		if len(b) == 0 {
			continue
		}
		if b = c.finishHello(b); len(b) > 0 {
			c.sent(len(b))
			return len(b), r.to, true
		}
	}
}

// composeAnswer encodes a HelloReply; nothing if it would be longer than it may
// be. What does not fit beside it is left out.
func (c *Core) composeAnswer(dst []byte, r *reply) []byte {
	h := &c.out
	h.Flags = c.base
	b := codec.AppendHeader(dst[:0], h)
	c.fillHello(&c.answer.Hello)
	c.answer.Salt = c.ownSalt()
	c.answer.Cookie = c.proofs.Cookie(c.now, r.to, &r.boot)
	c.answer.Echo, c.answer.KnownGen, c.answer.KnownAlive = r.salt, r.known, r.alive
	b = codec.AppendHelloReply(b, &c.answer)
	room := r.room - h.TrailerBytes()
	if len(b) > room {
		c.counters.Drops[DropBusy]++
		return b[:0]
	}
	if r.named != 0 && c.origins[r.named].known && len(b)+(*book)(c).IntroBytes(r.named) <= room {
		b = (*book)(c).AppendIntro(b, r.named)
	}
	return b
}

func (c *Core) fillHello(h *codec.Hello) {
	*h = codec.Hello{Mode: c.mode, Gen: c.gen, Name: c.cfg.Name, Addr: c.cfg.Advertise}
}

// ownSalt is our boot salt.
func (c *Core) ownSalt() [codec.SaltBytes]byte {
	if c.sealed != nil {
		return c.sealed.box.Salt()
	}
	return c.cfg.Salt
}

// appendHello appends our greeting; padded unless it is bare, so that it is at
// least as long as what it may be answered with.
func (c *Core) appendHello(b []byte, to netip.AddrPort, bare, back bool) []byte {
	c.fillHello(&c.hello)
	c.hello.Salt = c.proofs.Challenge(c.now, to)
	if back {
		c.hello.Flags = codec.HelloBack
	}
	b = codec.AppendHello(b, &c.hello)
	if bare {
		return b
	}
	return codec.AppendPad(b, helloPadded-len(b)-c.out.TrailerBytes())
}

// bareHelloBytes is the size of a frame with our greeting alone.
func (c *Core) bareHelloBytes() int {
	var b [codec.FrameBytesMax]byte
	c.out.Flags = c.base
	return len(c.appendHello(codec.AppendHeader(b[:0], &c.out), netip.AddrPort{}, true, false)) + c.out.TrailerBytes()
}

// onHello answers a greeting. Nothing is kept of it: its source may be forged.
func (c *Core) onHello(from netip.AddrPort, size int, h *codec.Hello) {
	r := reply{kind: codec.TypeHelloReply, to: from, salt: h.Salt, boot: c.in.Salt, room: door.Room(size)}
	if size >= helloPadded {
		r.room = size
	}
	if h.Mode != c.mode { // it finds out by our answer, and can say so
		c.reject(from, DropMode)
		c.replies.push(r)
		return
	}
	o := c.store.FindName(h.Name)
	switch {
	case o == 0 && c.leaving():
		return // nobody should begin with one that goes
	case o == 0:
		if last := c.buriedLife(h.Name); last >= h.Gen {
			r.known = last + 1 // it was taken for dead for too long: only another life can come in
		}
	case o != 0:
		p := &c.peers[c.origins[o].peer]
		r.known = c.store.Gen(o)
		if r.known > h.Gen {
			r.named = o
		}
		if o == c.self && !c.proofs.Ours(c.now, &h.Salt) {
			c.namesakeGreets(from, size, h.Gen)
		}
		r.alive = o == c.self || (p.proven && !p.quiet && !p.left)
		if p.quiet && p.addr == from && h.Gen == r.known && c.now-p.helloAt > greetGap {
			c.greet(c.origins[o].peer) // it is back: find out at once
		}
	}
	if !c.replies.push(r) {
		c.counters.Drops[DropBusy]++
	}
	if p := c.byID.find(c.in.Sender); p != 0 && h.Flags&codec.HelloBack == 0 {
		c.greetBack(p, from, size < helloPadded)
	}
}

// greetBack greets a proven peer that greets us: it has forgotten us, or knows
// somebody else under our name, and its answer will say so.
func (c *Core) greetBack(p uint32, from netip.AddrPort, bare bool) {
	q := &c.peers[p]
	if q.proven && from == q.addr && c.now-q.helloAt > greetGap {
		q.helloAt = c.now
		c.replies.push(reply{kind: codec.TypeHello, to: from, back: true, bare: bare})
	}
}

// onHelloReply believes the address that answered our greeting: only who reads
// what is sent there knows the challenge.
func (c *Core) onHelloReply(from netip.AddrPort, id codec.OriginID, h *codec.HelloReply) {
	if h.Mode != c.mode {
		c.reject(from, DropMode)
		return
	}
	c.rivalAnswered(id, &h.Hello)
	if h.KnownGen > c.gen && !h.KnownAlive {
		c.outlived(h.KnownGen, netip.AddrPort{})
	}
	p := c.learn(id, h.Gen, h.Name, h.Addr, from)
	if p == 0 {
		return
	}
	if !c.meetLife(p) {
		c.reject(from, DropReplay)
		return
	}
	for i := range c.seeds {
		if c.seeds[i].addr == from {
			c.seeds[i].peer = p
		}
	}
	q := &c.peers[p]
	if q.helloAt != 0 {
		q.link.RTT.Sample(c.now - q.helloAt)
		q.helloAt = 0
	}
	q.cookie, q.hasCookie = h.Cookie, true
	c.heardFrom(p)
	c.prove(p, from)
	c.startExchange(p)
	c.askBroadcasts(p)
}

// learn makes an origin and its peer known, after checking that the id belongs
// to the name and generation. It returns the peer; 0 if there is none.
func (c *Core) learn(id codec.OriginID, gen uint64, name []byte, adv, from netip.AddrPort) uint32 {
	if id == c.id {
		return 0
	}
	if codec.MakeOriginID(c.idKey, name, gen) != id {
		c.counters.Drops[DropForged]++
		return 0
	}
	if p := c.byID.find(id); p != 0 {
		if adv.IsValid() && from.IsValid() {
			c.peers[p].advertised = adv
		}
		return p
	}
	if c.graves.has(id) {
		c.counters.Drops[DropBuried]++
		return 0
	}
	if gen > generationMax(c.wall, c.cfg.Generation) {
		c.counters.Drops[DropGeneration]++
		return 0
	}
	addr := from
	if adv.IsValid() && !adv.Addr().IsUnspecified() && adv.Port() != 0 && !from.IsValid() {
		addr = adv
	}
	old := c.store.FindName(name)
	switch {
	case old == c.self:
		c.meetNamesake(gen, addr, from.IsValid())
		return 0
	case old != 0 && c.store.Gen(old) > gen:
		c.counters.Drops[DropBuried]++
		return 0
	case old != 0:
		return c.replace(old, id, gen, name, addr)
	case c.buriedLife(name) > gen: // a later life was here, and went
		c.counters.Drops[DropBuried]++
		return 0
	}
	if !from.IsValid() && !c.mayLearn() {
		return 0
	}
	o, st := c.store.Add(id, gen, name)
	if st != state.OK {
		c.counters.Drops[DropFull]++
		return 0
	}
	c.noteOrigin(o)
	p := c.addPeer(o, addr)
	if p == 0 {
		c.store.Remove(o)
		c.origins[o].known = false
		return 0
	}
	c.tell(MemberJoined, p)
	c.greetSoon(p)
	return p
}

func (c *Core) greetSoon(p uint32) {
	c.wheel.Set(peerTimer(p, timerHello), c.now+c.jitter(sched.Millisecond))
}

// replace puts a newer life of a member in the place of the old one.
func (c *Core) replace(old state.Origin, id codec.OriginID, gen uint64, name []byte, addr netip.AddrPort) uint32 {
	p := c.origins[old].peer
	c.bury(old)
	o, st := c.store.Add(id, gen, name)
	if st != state.OK {
		c.counters.Drops[DropFull]++
		return 0
	}
	c.noteOrigin(o)
	c.resetPeer(p, o, addr)
	c.tell(MemberReplaced, p)
	c.greetSoon(p)
	return p
}

// bury removes an origin's state and remembers its id, so that it can't return.
func (c *Core) bury(o state.Origin) {
	c.grave(c.store.ID(o), c.store.Name(o), c.store.Gen(o))
	c.erase(o)
}

// erase removes an origin's state.
func (c *Core) erase(o state.Origin) {
	x := &c.origins[o]
	p := x.peer
	if p != 0 {
		c.byID.remove(c.peers[p].id)
		c.peers[p].id = 0
		c.dropJob(&c.peers[p].job)
		c.dropJob(&c.peers[p].ask)
	}
	c.store.Remove(o)
	q := x.queued
	*x = origin{queued: q}
	c.forgetNews(o)
}

// graves remember the origins that were replaced or forgotten, oldest out first:
// by id, so that they can't return, and by name, so that no life before them can.
type graves struct {
	ids   []codec.OriginID
	lives []stone
	next  int
}

// stone is a generation of a name, the name by its keyed hash.
type stone struct{ name, gen uint64 }

const gravesMax = 1024

func (g *graves) init() {
	g.ids, g.lives, g.next = make([]codec.OriginID, 0, 16), make([]stone, 0, 16), 0
}

func (g *graves) has(id codec.OriginID) bool {
	for _, x := range g.ids {
		if x == id {
			return true
		}
	}
	return false
}

// last is the highest buried generation of a name; 0 if there is none.
func (g *graves) last(name uint64) (gen uint64) {
	for i := range g.lives {
		if x := &g.lives[i]; x.name == name {
			gen = max(gen, x.gen)
		}
	}
	return gen
}

func (g *graves) add(id codec.OriginID, s stone) {
	if len(g.ids) < gravesMax {
		g.ids, g.lives = append(g.ids, id), append(g.lives, s)
		return
	}
	g.ids[g.next], g.lives[g.next] = id, s
	g.next = (g.next + 1) % gravesMax
}

// grave puts an origin into the graves.
func (c *Core) grave(id codec.OriginID, name []byte, gen uint64) {
	c.graves.add(id, stone{codec.SipHash(c.idKey, name), gen})
}

// buriedLife is the highest generation of the name that was replaced or
// forgotten here; 0 if there is none.
func (c *Core) buriedLife(name []byte) uint64 {
	return c.graves.last(codec.SipHash(c.idKey, name))
}
