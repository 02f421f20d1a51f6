package names

import (
	"cmp"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// A node's identity is its name and its generation. The highest generation of
// a name wins everywhere, and the senior of two live processes sees to it that
// it has the highest: its seniority is the first generation of its boot, which
// no renewal makes younger. What can go wrong, and what happens then:
//
//   - we meet our own name with a higher generation, at our own address or at
//     one that does not answer: it was an earlier life of ours, with a clock
//     that was ahead. We take a generation above it.
//   - it answers: a live rival. Who is in service keeps a newcomer out (see
//     [Holder]); of two that are in service, as after a cut, the senior takes a
//     generation above the other's, once, and the junior stops writing and says
//     so. It greets the senior from time to time, and when that one is gone it
//     takes a generation above it and writes again.
//   - others hold more of our own generation than we wrote (a lost disk, or a
//     forgery): we renew, and publish what we have under the new generation.

const (
	rivalWait  = 250 * sched.Millisecond
	rivalTries = 3
	rivalWatch = 2 * sched.Second // between greetings of a rival that has won
)

// Self is who this node is, and what became of its name.
type Self struct {
	Key      [2]uint64 // keys identifiers: from the cluster name
	Name     []byte
	Addr     netip.AddrPort // where others reach it; may be unspecified
	Mode     uint32         // what all members must agree on
	Kinds    codec.Kind     // the last kind of entries that it knows
	Gen      uint64
	Since    uint64 // seniority: the first generation of this boot
	ID       codec.OriginID
	Renewals Renewals
	Silenced bool // a live rival has won: writes are refused
	rival    rival
	Double   Double
	ahead    sched.Wall // the wall clock less the core's
}

// rival is a process with our name that may or may not be alive.
type rival struct {
	gen   uint64
	addr  netip.AddrPort
	met   uint64 // the last one that was reported
	tries uint8  // greetings without an answer
	open  bool   // it is being found out whether it is alive
}

// Act is what has to be done about the own name; the zero Act is nothing.
type Act struct {
	Conflict   bool // tell of a live process with our name: Gen, at Addr
	Superseded bool // tell that it wins
	Restored   bool // tell that it is gone
	Gen        uint64
	Addr       netip.AddrPort

	Unbelieved bool           // a generation came that is not believed
	Greet      netip.AddrPort // where a greeting goes; invalid: nowhere
	Wake       sched.Instant  // when Wake is called; 0: as before
	Renew      uint64         // the lowest generation to take; 0: none
}

// Host is what a node knows of other generations.
type Host interface {
	// Believed is a generation that is believed, as high as gen if that one is.
	Believed(gen uint64) uint64
}

// Init gives the node its first generation. The dead are buried after deadAge.
func (s *Self) Init(key [2]uint64, name []byte, gen uint64, deadAge sched.Instant) {
	*s = Self{Key: key, Name: name, Kinds: codec.KindFree - 1, Gen: gen, Since: gen, ID: codec.MakeOriginID(key, name, gen)}
	s.Renewals.rest = deadAge
}

// Hello is what it says of itself, but for salt and flags.
func (s *Self) Hello() codec.Hello {
	return codec.Hello{Kinds: s.Kinds, Mode: s.Mode, Gen: s.Gen, Since: s.Since, Name: s.Name, Addr: s.Addr}
}

// Tell tells what the wall clock shows now, Wall what it showed then plus the time since.
func (s *Self) Tell(now sched.Instant, wall sched.Wall) { s.ahead = wall - sched.Wall(now) }
func (s *Self) Wall(now sched.Instant) sched.Wall       { return s.ahead + sched.Wall(now) }

// Stamp gives an own write its time: the one that is handed in, or, where entries are
// ordered by it, what the wall clock shows.
func (s *Self) Stamp(now sched.Instant, e *codec.Entry, given int64, ordered bool) {
	if given == 0 && !ordered {
		return
	}
	e.Flags |= codec.EntryStamp
	if e.Stamp = given; given == 0 {
		e.Stamp = int64(s.Wall(now))
	}
}

// renewalMost is the number of generations that a renewal draws from: a millisecond of the
// nanoseconds that generations are.
const renewalMost = 1 << 20

// Renew gives it a higher one: gen, or one drawn from those right above it. Several processes may
// have to be above the same generation, at once or one after the other: lives of a process that
// starts again and again with a clock that goes back, each of which meets the same earlier life, or
// a machine and its copy. If all took the next one, two of them were one origin to everybody, with
// other contents under the same versions, and who holds the one's would never ask for the other's.
// So two meet once in renewalMost. Above gen are ^gen numbers.
func (s *Self) Renew(now sched.Instant, gen uint64, r *sched.Rand) {
	s.Renewals.Renewed(now)
	s.Gen = gen + min(uint64(r.Uint32n(renewalMost)), ^gen)
	s.ID = codec.MakeOriginID(s.Key, s.Name, s.Gen)
}

// Behind is told that somebody holds more of our generation than we wrote.
func (s *Self) Behind(now sched.Instant) (a Act) {
	if s.Renewals.May(now) {
		a.Renew = s.Gen + 1
	}
	return a
}

// Senior is the seniority that is said with a generation: 0 counts as that.
func Senior(since, gen uint64) uint64 { return cmp.Or(since, gen) }

// outranks reports whether another boot with our name has it: a senior that has taken a
// generation above ours, as those do that are in service. Of two that began alike the
// higher generation has it.
func (s *Self) outranks(since, gen uint64) bool {
	return gen > s.Gen && Senior(since, gen) <= s.Since
}

// Holds reports whether a process that greets under our name is another boot that
// does not have it, since we do.
func (s *Self) Holds(h *codec.Hello) bool {
	return !s.Silenced && h.Gen != s.Gen && Senior(h.Since, h.Gen) > s.Since
}

// Met handles our name under another generation. live says that the news came from
// itself, not through a third node.
func (s *Self) Met(now sched.Instant, in *codec.Intro, live bool, h Host) Act {
	switch live = live && in.Addr != s.Addr; {
	case live && s.outranks(in.Since, in.Gen):
		return s.yield(now, in.Gen, in.Addr)
	case live:
		return s.conflict(in.Gen, in.Addr)
	case in.Gen < s.Gen:
		return Act{}
	}
	s.Double.same = Senior(in.Since, in.Gen) == s.Since // it may be a copy of this machine, which says our address
	return s.Outlived(now, in.Gen, in.Addr, h)
}

// conflict reports a rival that does not win, once a generation.
func (s *Self) conflict(gen uint64, addr netip.AddrPort) Act {
	if !s.Strange(gen) {
		return Act{}
	}
	s.rival.met = gen
	return Act{Conflict: true, Gen: gen, Addr: addr}
}

// Refused is told that somebody at an address does not take us, since our name is that
// of a live member at holder. Who is in service finds out who that is; who is not lets
// it know.
func (s *Self) Refused(now sched.Instant, from, holder netip.AddrPort, inService bool) (a Act) {
	switch r := &s.rival; {
	case s.Silenced && from == r.addr: // it is there
		r.tries, a.Wake = 0, now+rivalWatch
	case r.open && from == r.addr && holder == from: // it has the name itself
		r.open = false
		a = s.yield(now, r.gen, from)
	case s.Silenced || r.open || !holder.IsValid() || holder == s.Addr && !inService: // in service it is a copy that says our address
	case !inService && from != holder: // it should hear of us
		a.Greet = holder
	case inService && s.Renewals.May(now):
		*r = rival{gen: s.Gen, addr: holder, met: r.met, open: true}
		a.Wake = now
	}
	return a
}

// Strange reports whether a generation of our name is neither ours nor one that was
// reported. Whoever recorded a greeting under our name can send it from any address,
// so nothing is told of that: the address is greeted, and what answers is a process,
// and met.
func (s *Self) Strange(gen uint64) bool { return gen != s.Gen && gen != s.rival.met }

// Outlived handles a higher generation of our name, last seen at addr.
func (s *Self) Outlived(now sched.Instant, gen uint64, addr netip.AddrPort, h Host) (a Act) {
	switch r := &s.rival; {
	case gen < s.Gen || s.Silenced:
	case gen > h.Believed(gen):
		a.Unbelieved = true
	case !s.Renewals.May(now): // it is heard of again
	case !codec.Dialable(addr) || addr == s.Addr && !s.Double.same:
		a.Renew = gen + 1
	case !r.open || r.gen < gen:
		*r = rival{gen: gen, addr: addr, met: r.met, open: true}
		a.Wake = now
	}
	return a
}

// Wake greets the other one; silence means that it is history.
func (s *Self) Wake(now sched.Instant) (a Act) {
	r := &s.rival
	if !r.open && !s.Silenced {
		return a
	}
	if r.tries >= rivalTries && s.Renewals.May(now) {
		a = Act{Restored: s.Silenced, Gen: r.gen, Addr: r.addr, Renew: r.gen + 1}
		r.open, s.Silenced = false, false
		return a
	}
	wait := sched.Instant(rivalWait)
	if s.Silenced && r.tries == 0 {
		wait = rivalWatch
	}
	r.tries = min(r.tries+1, rivalTries)
	return Act{Greet: r.addr, Wake: now + wait}
}

// Answered looks whether an answer to a greeting came from the other one. A senior that
// is not in service leaves the name to it.
func (s *Self) Answered(now sched.Instant, id codec.OriginID, h *codec.Hello, inService bool) (a Act) {
	r := &s.rival
	switch {
	case id == s.ID || string(h.Name) != string(s.Name):
	case s.Silenced:
		r.gen, r.tries = max(r.gen, h.Gen), 0
		a.Wake = now + rivalWatch
	case r.open && s.outranks(h.Since, h.Gen):
		r.open = false
		a = s.yield(now, h.Gen, r.addr)
	case r.open && h.Gen >= r.gen:
		r.open = false
		if a = s.conflict(h.Gen, r.addr); inService && s.Renewals.May(now) {
			a.Renew = h.Gen + 1
		}
	}
	return a
}

// yield is what the loser of a name conflict does: it stops writing.
func (s *Self) yield(now sched.Instant, gen uint64, addr netip.AddrPort) Act {
	if s.Silenced {
		return Act{}
	}
	s.Silenced, s.rival = true, rival{gen: gen, addr: addr, met: s.rival.met}
	return Act{Conflict: true, Superseded: true, Gen: gen, Addr: addr, Wake: now + rivalWatch}
}
