package door

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Door is what one node has for all who have not proved themselves.
type Door struct {
	Proofs
	Rejects
	Replies
	Seeds     Seeds
	hellos    Budget // greetings, and answers to them
	derives   Budget // keys of senders that show a cookie
	wakes     Budget // keys of members that were not talked with for a while
	refusals  Budget // of greetings
	greetings greetings
	strangers sched.Pacer // origins that members introduce
	meetings  sched.Pacer // members that answered, with whom what differs is looked for at once
	bare      int         // bytes of a frame with our greeting alone
	busy      *uint64     // answers that had no room
	named     codec.Intro // of the answer that is being made
}

var (
	// A greeting costs an opening, or a checksum, and an answer: about 1 µs.
	helloRate = Rate{Total: 8192, Burst: 2048, Each: 64, EachBurst: 64}
	// A derivation costs about 2 µs and allocates. It takes a cookie.
	deriveRate = Rate{Total: 1024, Burst: 2048, Each: 8, EachBurst: 8}
	// One for a known salt costs as much; whoever listened can bring it about.
	wakeRate = Rate{Total: 4096, Burst: 4096, Each: 64, EachBurst: 64}
	// A refusal costs no more than the answer in whose place it is.
	refusalRate = Rate{Total: 1024, Burst: 1024, Each: 4, EachBurst: 8}
)

// As many looks as members of a small cluster that forms, then a few.
const meetBurst, meetRate = 32, 20

// Config is what a door is told before it opens.
type Config struct {
	Key        [2]uint64 // behind cookies and challenges: random, and new in each life of the node
	Introduced int       // origins a second that become known because a member names them
	Busy       *uint64   // counts the answers that had no room
}

// Init opens the door.
func (d *Door) Init(now sched.Instant, c *Config) {
	*d = Door{busy: c.Busy}
	d.Proofs.Init(c.Key)
	d.Rejects.init(now)
	d.hellos.Init(now, helloRate)
	d.derives.Init(now, deriveRate)
	d.wakes.Init(now, wakeRate)
	d.refusals.Init(now, refusalRate)
	d.greetings.total.Init(now, greetRate, greetBurst)
	d.strangers.Init(now, uint64(c.Introduced), 2*c.Introduced)
	d.meetings.Init(now, meetRate, meetBurst)
}

// Measure says how long a frame with our greeting alone is.
func (d *Door) Measure(now sched.Instant, s *Sender) {
	var b [codec.FrameBytesMax]byte
	d.bare = len(d.appendHello(codec.AppendHeader(b[:0], s.Header), now, s, &Reply{Bare: true})) + s.Header.TrailerBytes()
}

// Meets asks whether what differs is looked for at once with a member that answered. Where many come at
// once everybody meets all: to look with each, while everything differs, would cost as often a digest of
// as many. The exchanges go on in any case.
func (d *Door) Meets(now sched.Instant) bool { return d.meetings.Take(now, 1) }

// Introduced asks whether an origin that a member introduces may become known.
func (d *Door) Introduced(now sched.Instant) bool { return d.strangers.Take(now, 1) }

// Elsewhere takes in where a peer that was heard last at a time is said to be, by itself if the
// word came from there. Who is silent where it is known is greeted where others say that it is: it
// may have moved, and has if it answers.
func (d *Door) Elsewhere(now sched.Instant, c *Contact, heard sched.Instant, addr, from netip.AddrPort) {
	if c.Named(addr, from) && now-heard > sched.Second && d.Introduced(now) {
		d.Push(&Reply{Kind: codec.TypeHello, To: addr})
	}
}

// Hello asks whether a greeting, or an answer to one, may be looked at.
func (d *Door) Hello(now sched.Instant, from netip.AddrPort) bool {
	return d.hellos.Take(now, d.Bucket(from))
}

// Derive asks whether a key may be derived for a sender.
func (d *Door) Derive(now sched.Instant, from netip.AddrPort) bool {
	return d.derives.Take(now, d.Bucket(from))
}

// Wake asks whether the key of a known member may be derived again.
func (d *Door) Wake(now sched.Instant, from netip.AddrPort) bool {
	return d.wakes.Take(now, d.Bucket(from))
}

// Greeted tells whether an answer of so many bytes is one to a greeting of ours
// to the address that it came from. If somebody was asked for it just now, but
// elsewhere, that address is greeted itself, and the seed remembers it.
func (d *Door) Greeted(now sched.Instant, from netip.AddrPort, size int, echo *[codec.SaltBytes]byte) bool {
	here, elsewhere := d.Answers(now, from, echo)
	if elsewhere && Room(size) >= d.bare && d.greetBacks.Take(now, 1) {
		d.Seeds.Elsewhere(now, &d.Proofs, from, echo)
		d.Push(&Reply{Kind: codec.TypeHello, To: from, Bare: true})
	}
	return here
}

// GreetBack greets somebody whose frame we could not use, within what may be sent
// there, and not too often; never in answer to such a greeting, so that two nodes
// that can't understand each other fall silent. e is the source's entry in the
// table, nil if it has none.
func (d *Door) GreetBack(now sched.Instant, e *Entry, from netip.AddrPort, size int, toHello bool) {
	if toHello && size < PaddedBytes || Room(size) < d.bare {
		return
	}
	if e != nil && e.greetedBack != 0 && now-e.greetedBack < GreetGap || !d.greetBacks.Take(now, 1) {
		return
	}
	if e != nil {
		e.greetedBack = max(1, now)
	}
	d.Push(&Reply{Kind: codec.TypeHello, To: from, Bare: true})
}

// Ask greets a known member at its address, if so, since somebody else said to be it, elsewhere. It
// is told where, if that one is of its own life: named is who it is, or 0.
func (d *Door) Ask(now bool, to netip.AddrPort, named state.Origin, at netip.AddrPort) {
	if now {
		d.Push(&Reply{Kind: codec.TypeHello, To: to, Bare: true, Named: named, At: at})
	}
}

// Said reads what stands behind a greeting: where somebody of an identifier is said to be, too;
// invalid: it does not say so.
func Said(rest []byte, id codec.OriginID) netip.AddrPort {
	var in codec.Intro
	if t, body, _ := codec.NextRecord(rest); t != codec.TypeIntro || codec.ParseIntro(body, &in) != nil || in.ID != id {
		return netip.AddrPort{}
	}
	return in.Addr
}

const (
	// PaddedBytes is the size of a padded greeting: no shorter than its answer.
	PaddedBytes = 512
	// HelloFirst is after what time the second greeting of an address leaves.
	HelloFirst = 200 * sched.Millisecond
	// GreetGap is the least time between two greetings of an address.
	GreetGap = HelloFirst / 2

	greetRate, greetBurst = 2048, 4096
)

// greetings remembers when padded hellos went to addresses that have not proved
// themselves: one each step of the backoff, however many names share one.
type greetings struct {
	at    [256]sched.Instant
	whom  [256]uint64
	total sched.Pacer
}

// mayGreet asks whether a padded hello may go to an address now.
func (d *Door) mayGreet(now sched.Instant, to netip.AddrPort) bool {
	g := &d.greetings
	h := mixAddr(to) | 1
	i := h >> 56
	if g.whom[i] == h && now-g.at[i] < GreetGap || !g.total.Take(now, 1) {
		return false
	}
	g.whom[i], g.at[i] = h, now
	return true
}
