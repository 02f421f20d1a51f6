package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/precise"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Receive takes one datagram. The bytes are borrowed until it returns. A sealed one
// is opened in place. No datagram can make it panic or allocate, except that a new
// member takes memory below the limits.
func (c *Core) Receive(now sched.Instant, from netip.AddrPort, datagram []byte) {
	c.enter(now)
	c.counters.FramesReceived++
	c.counters.BytesReceived += uint64(len(datagram))
	if c.flow.Shed(c.now, codec.IsRepair(datagram)) {
		c.counters.Drops[DropShed]++
		return
	}
	rest, err := codec.ParseHeader(datagram, &c.in.Header)
	if err != nil {
		c.in.KeyID = 0
		c.refuse(from, datagram, protect.Refusal{Err: err})
		return
	}
	switch h := &c.in.Header; {
	case h.Cluster != c.page.Cluster:
		c.refuse(from, datagram, protect.Refusal{Err: protect.ErrCluster})
		return
	}
	in := &c.in
	in.Now, in.From, in.Frame, in.Rest = now, from, datagram, rest
	in.Greeting, in.Peer = false, c.roster.Find(in.Sender)
	records, refused := c.guard.Open(in)
	in.Frame, in.Rest = nil, nil // borrowed
	switch {
	case in.Sender == c.me.ID && (refused.Err != nil || !in.Greeting):
		c.reject(from, DropSelf)
	case refused.Err != nil:
		c.refuse(from, datagram, refused)
	case in.Greeting:
		c.greeting(from, len(datagram), records)
	default:
		c.frame(from, datagram, in.Peer, records)
	}
}

// whose tells which peer a frame is of, 0 if it may not be heard, and whether it came from
// where that one is, or answers too. Its first record is the introduction of somebody new with a valid cookie.
func (c *Core) whose(from netip.AddrPort, datagram []byte, p uint32, t codec.Type, body []byte) (of uint32, here bool) {
	h := &c.in.Header
	usual := p != 0 && c.peers[p].Proven() && c.peers[p].at.Addr == from
	shown := !usual && h.Flags&codec.FlagCookie != 0 && c.door.Shows(c.now, from, &h.Salt, &h.Cookie)
	if in := &c.received.Intro; p == 0 && shown && t == codec.TypeIntro && codec.ParseIntro(body, in) == nil && in.ID == h.Sender {
		p = c.learn(in, from)
	}
	if p == 0 {
		c.refuse(from, datagram, stranger)
		return 0, false
	}
	q := &c.peers[p]
	too := !usual && q.at.Too(from)
	rests := too && q.claim.Rests(c.now)
	shown = shown && !rests
	if other := c.guard.Other(p, h); (shown || other) && !c.yields(p, from, other) {
		if other {
			c.reject(from, DropClaim)
			return 0, false
		}
		shown = false
	}
	c.guard.Adopt(p, h)
	if here = usual || from == q.at.Addr; here {
		q.claim.Heard(c.now)
	}
	switch {
	case shown:
		c.prove(p, from)
		here = from == q.at.Addr
	case !q.Proven():
		c.refuse(from, datagram, stranger)
		return 0, false
	case !here && !too && !c.guard.Sealed() && (h.Flags&codec.FlagFlow == 0 || !q.link.Unseen(h.Seq)):
		// In clear everybody can send again what they heard.
		c.refuse(from, datagram, protect.Refusal{Err: codec.ErrReplay, Greet: h.Flags&codec.FlagFlow == 0})
		return 0, false
	case !here && !rests:
		c.door.GreetBack(c.now, nil, from, len(datagram), false) // it may have moved; it is believed when it answers from there
	}
	return p, here || too
}

// frame handles a frame of peer p, 0 a stranger: it is well formed, of our cluster, and opened.
func (c *Core) frame(from netip.AddrPort, datagram []byte, p uint32, records []byte) {
	h := &c.in.Header
	t, body, rest := codec.NextRecord(records)
	p, here := c.whose(from, datagram, p, t, body)
	if p == 0 {
		return
	}
	if here || c.guard.Sealed() {
		c.flow.Took(len(datagram))
	}
	q := &c.peers[p]
	c.heardFrom(p)
	fresh := h.Flags&codec.FlagFlow != 0 && c.flowed(p)
	if h.Flags&codec.FlagPrints != 0 {
		if q.shown.Show(c.now, h.StatePrint); h.StatePrint != c.Fingerprint() {
			c.mail.Settle.Pace.Stir(c.now)
		}
		if c.differ.Scattered() && h.StatePrint == c.Fingerprint() && precise.Agreed(c.store, q.origin) {
			c.moved(q.origin)
			c.mail.Owe(c.now, p)
		}
		c.live.SeenPrint(c.now, p, h.LivePrint)
	}
	f := &c.received
	f.Begin(c.now, c.counters.FramesReceived, p)
	f.Author, f.Fresh, f.Ack, f.Printed, f.Print = q.origin, fresh, q.link.Told(h.Ack), h.Flags&codec.FlagPrints != 0, h.StatePrint
	c.store.Hop(int64(c.paths.Underway(&q.link)), q.id)
	for ; t != 0; t, body, rest = codec.NextRecord(rest) {
		c.record(p, t, body)
	}
	c.store.Hop(0, 0)
	if fresh && q.origin != 0 {
		q.shown.Have(f, q.origin, c.store, c.Fingerprint(), c.paths.Underway(&q.link))
	}
	if q.link.TakeHole() { // after its Have, which says from where on
		c.mail.Lost(c.now, p)
	}
	c.judged()
}

// Take applies an introduction or a run that the node of an origin gave by
// another way than its frames, and that is no older than held.
func (c *Core) Take(now, held sched.Instant, from state.Origin, t codec.Type, body []byte) {
	c.enter(now)
	c.store.Hop(int64(held), c.store.ID(from))
	defer c.store.Hop(0, 0)
	if p := c.origins[from].peer; p != 0 {
		c.received.Begin(c.now, 0, p) // no frame, so none whose contact was refused
		c.record(p, t, body)
	}
}

// greeting handles the frames of the handshake, which carry one record.
func (c *Core) greeting(from netip.AddrPort, size int, records []byte) {
	t, body, rest := codec.NextRecord(records)
	if t == codec.TypeHello {
		var h codec.Hello
		switch {
		case codec.ParseHello(body, &h) != nil:
			c.reject(from, DropRecord)
		case c.in.Sender == c.me.ID && (h.Flags&codec.HelloNamesake == 0 || c.door.Mirrored(c.now, from, c.me.Double.Addr, &h.Salt)):
			c.reject(from, DropSelf)
		default:
			if c.onHello(from, size, &h); c.peers[c.roster.Find(c.in.Sender)].Proven() {
				c.rename(c.me.Doubled(c.now, door.Said(rest, c.me.ID)))
			}
		}
		return
	}
	var why door.Turned
	if t == codec.TypeRefusal && why.Parse(body, rest) == nil {
		c.turned(from, &why)
		return
	}
	h := new(codec.HelloReply) // it stays on the stack
	if codec.ParseHelloReply(body, h) != nil {
		c.reject(from, DropRecord)
		return
	}
	if codec.MakeOriginID(c.me.Key, h.Name, h.Gen) != c.in.Sender || !c.door.Greeted(c.now, from, size, &h.Echo) {
		c.reject(from, DropForged)
		return
	}
	known := h.KnownGen > c.me.Gen
	c.onHelloReply(from, c.in.Sender, h)
	if t, body, _ = codec.NextRecord(rest); known && t == codec.TypeIntro {
		c.record(0, t, body) // who bears our name
	}
}

// stranger is somebody we don't know, or no longer know: they are greeted, with
// at most three times what came.
var stranger = protect.Refusal{Err: protect.ErrStranger, Greet: true}

// flowed keeps the record of which frames arrived, and takes theirs. It reports
// whether this one is newer than all before it from the peer, and so no replay.
func (c *Core) flowed(p uint32) (fresh bool) {
	q, h := &c.peers[p], &c.in.Header
	fresh = q.link.Received(h.Seq)
	if c.paths.Acked(&q.link, c.now, h.Ack, h.AckMap) {
		q.at.Knows() // it has seen a frame of ours that carried it
	}
	if q.events.Acked(h.Ack, h.AckMap, q.link.Means(h.Ack)) {
		c.due.Want(p, dueCast)
	}
	if q.link.Probing() {
		c.probeSize(p)
	}
	if least := q.link.RTT().Min(); least > c.cfg.Detector.TimeoutMax {
		c.live.Long(p, least) // probes get the time that the path takes; the first is told
		if c.paths.Long(&q.link, c.cfg.Detector.TimeoutMax) {
			c.queue.Push(Event{Kind: PathLong, Origin: q.origin, Peer: p, Addr: q.at.Addr, To: uint64(least)})
		}
	}
	if h.AckMap != 0 {
		c.guard.Acked(p, h.Ack, h.AckMap)
	}
	c.flowedBack(p, fresh)
	if h.Mark&codec.MarkAsk != 0 {
		q.debt.Answer()
		c.due.Want(p, dueHave)
	}
	return fresh
}

// drops are the errors of those who open frames, as they are counted: first those that floods of
// whole frames end in, since each comparison costs them time.
var drops = [...]struct {
	err error
	why Drop
}{
	{protect.ErrRate, DropRate},
	{protect.ErrStranger, DropStranger},
	{codec.ErrKey, DropKey},
	{codec.ErrAuth, DropAuth},
	{protect.ErrUnsealed, DropUnsealed},
	{protect.ErrCluster, DropCluster},
	{codec.ErrChecksum, DropChecksum},
	{protect.ErrCookie, DropCookie},
	{codec.ErrReplay, DropReplay},
	{codec.ErrMagic, DropMagic},
	{codec.ErrVersion, DropVersion},
	{codec.ErrFlags, DropFlags},
	{codec.ErrShort, DropShort},
	{codec.ErrLong, DropLong},
	{codec.ErrSealed, DropSealed},
	{codec.ErrExhausted, DropExhausted},
}

func dropOf(err error) Drop {
	for i := range drops {
		if drops[i].err == err {
			return drops[i].why
		}
	}
	return DropRecord
}
