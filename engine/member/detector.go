package member

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/sched"
)

// Host is what a [Detector] asks of the node around it.
type Host interface {
	// Reaches reports whether frames may go to a member.
	Reaches(m uint32) bool
	// Contact is how a member is reached.
	Contact(m uint32) Contact
	// Unproven is the member with this identifier that never answered, 0 for none.
	Unproven(id codec.OriginID) uint32
}

// Contact is how a member is reached.
type Contact struct {
	Addr   netip.AddrPort // where frames to it go
	Proven bool           // it has answered from there
	Heard  sched.Instant  // when the last frame of it came
}

// Detector is a node's part in the detection: its [Table], and what waits to be
// sent beside what the table wants. The zero Detector watches nobody: it sends
// nothing, and everybody is Alive. One caller at a time.
//
// A member that others named, and that never answered, is not watched: it is
// neither alive nor dead here. Two things make sure that such a one does not stay
// for ever. A node that hears of its death takes it into the table then, and it is
// condemned and buried as elsewhere. And a node that is told of an origin which it
// has buried says so, so that a member that missed the burial (it was cut off, or
// joined in the last minute) does not bring the dead back.
type Detector struct {
	on   bool
	left backlog
	Table
	ring    Ring
	host    Host
	answers answers
	pings   pings
	burials burials
	send    Send // the last that Next gave
	refusals
}

// backlog is how much waits to be sent beside what the table wants.
type backlog struct {
	answers, pings, burials int
}

// answers are those to probes: there is room for one from every observer and more;
// what does not fit is asked again.
type answers struct {
	to  [32]uint32
	ack [32]codec.ProbeAck
}

// pings are the probes that the host asked for, beside those of the table. They
// decide nothing.
type pings struct {
	list [16]ping
	next int
}

type ping struct {
	to     uint32 // 0: free
	nonce  uint32
	id     codec.OriginID
	due    bool
	number uint64
	sent   sched.Instant
}

// burials are told to members that named a buried origin: a few at a time, since
// they name it again.
type burials struct {
	to [16]uint32
	id [16]codec.OriginID
}

// Pong is the answer to a Ping.
type Pong struct {
	Number uint64
	Took   sched.Instant
}

// Init makes a detector for up to `members` members beside the node itself, whose
// handle is above theirs. Whom it buries it lays in the graves, whose key is that of the cluster's
// identifiers.
func (d *Detector) Init(cfg *Config, members int, id codec.OriginID, graves *names.Graves, seed uint64, now sched.Instant, host Host) {
	lim := DefaultLimits(members + 1)
	d.ring.Init(lim.Members, graves.Key())
	d.Table.Init(cfg, lim, &d.ring, uint32(members+1), id, seed, now)
	d.graves = graves
	d.on, d.host = true, host
	d.Table.witness = d
}

// Watch enters a member that is not in the table.
func (d *Detector) Watch(now sched.Instant, m uint32, id codec.OriginID) {
	if d.on && !d.entered(m) {
		d.Add(now, m, id)
	}
}

// Zone notes the zone that a member says it is in, watched or not, 0 being this node; a zone that is
// 0 is none.
func (d *Detector) Zone(now sched.Instant, m, zone uint32) {
	if m == 0 {
		m = d.Self()
	}
	if d.on {
		d.Table.Zone(now, m, uint16(zone))
	}
}

// Unwatch removes a member.
func (d *Detector) Unwatch(now sched.Instant, m uint32) {
	if d.on {
		d.Table.Zone(now, m, 0)
		d.Remove(now, m)
	}
}

// Watched is the handle of a member that is in the table, else 0.
func (d *Detector) Watched(m uint32) uint32 {
	if !d.on || !d.entered(m) {
		return 0
	}
	return m
}

// Status is what is believed of a member.
func (d *Detector) Status(m uint32) Status {
	if !d.on {
		return Alive
	}
	return d.Table.Status(m)
}

// Deadline is when Tick next has work.
func (d *Detector) Deadline() sched.Instant {
	if !d.on {
		return sched.Never
	}
	return d.Table.Deadline()
}

// Tick runs the timers of the table that are due.
func (d *Detector) Tick(now sched.Instant) {
	if d.on && d.Table.Deadline() <= now {
		d.Table.Tick(now)
	}
}

// Heard notes a frame of a member. False: it is condemned, and has to refute first.
func (d *Detector) Heard(now sched.Instant, m uint32) bool {
	if d.Watched(m) == 0 {
		return true
	}
	d.Table.Heard(now, m)
	return d.Table.Status(m) < Dead
}

// Answers is told that a member answers from its address, or from another one than before. One that
// is condemned is visited at once, so that it can refute: nothing else tells it. A visit to the old
// address has no answer.
func (d *Detector) Answers(now sched.Instant, m uint32, moved bool) {
	if d.Watched(m) == 0 || !d.parted(m) {
		return
	}
	if moved {
		d.revive.forget(m)
	}
	d.reviveSoon(now, m)
}

// SeenPrint takes the fingerprint in a frame of a member.
func (d *Detector) SeenPrint(now sched.Instant, from uint32, print uint64) {
	if d.on {
		d.Table.SeenPrint(now, d.Watched(from), print)
	}
}

// Leave makes it known that this node leaves.
func (d *Detector) Leave(now sched.Instant) {
	if d.on {
		d.Table.Leave(now)
	}
}

// Left notes that a member said that it leaves; id enters it if it is not watched,
// so that it is buried in time like the others. False: nobody is watched, and no
// change will tell of it.
func (d *Detector) Left(now sched.Instant, m uint32, id codec.OriginID) bool {
	d.Watch(now, m, id)
	if d.Watched(m) == 0 {
		return false
	}
	d.Table.Left(now, m)
	return true
}

// Renew gives the node itself another identifier.
func (d *Detector) Renew(now sched.Instant, id codec.OriginID) {
	if d.on {
		d.Table.Renew(now, id)
	}
}

// NextChange gives the next change of a status; false: there is none.
func (d *Detector) NextChange(c *Change) bool { return d.on && d.Table.NextChange(c) }

// Ending tells whether Renewal has something to report: it is asked with each frame.
func (d *Detector) Ending() bool { return d.on && (d.buried || d.spent) }

// Renewal reports that the node needs another identifier: its own was buried
// elsewhere and it may take one now, or its incarnations are used up.
func (d *Detector) Renewal(may bool) bool {
	return d.on && (d.BuriedSelf() && may || d.Exhausted())
}

// BuryOldest buries one of the dead, else of those that left, before their time
// (Table.BuryOldest). It returns who has to be forgotten now; 0: nobody.
func (d *Detector) BuryOldest(now sched.Instant) uint32 {
	if !d.on {
		return 0
	}
	return d.Table.BuryOldest(now)
}

// BuryNow buries a member that is dead or left before its time (Table.BuryNow);
// NextChange tells of it. False: it is neither, or nobody is watched.
func (d *Detector) BuryNow(now sched.Instant, m uint32) bool {
	return d.Watched(m) != 0 && d.Table.BuryNow(now, m)
}

// Bury keeps the address of a member that is being forgotten, since graves are
// probed. It returns the place of the grave, -1 if there is none.
func (d *Detector) Bury(now sched.Instant, id codec.OriginID, addr netip.AddrPort) int {
	if !d.on {
		return -1
	}
	return d.lies(now, id, addr)
}

// Phi is how unusual a member's silence is, in thousandths (Table.Phi). It decides
// nothing. False: not heard often enough.
func (d *Detector) Phi(now sched.Instant, m uint32) (thousandths uint32, ok bool) {
	if d.Watched(m) == 0 {
		return 0, false
	}
	return d.Table.Phi(m, now)
}

// Explain fills in why a member has its status; nothing for one that is not watched
// by anybody.
func (d *Detector) Explain(now sched.Instant, m uint32, e *Evidence) {
	*e = Evidence{}
	if d.Watched(m) != 0 {
		d.Table.Explain(now, m, e)
	}
}

// Ping probes a member, with a nonce from rand. Receive gives the answer with the
// number. Nothing is told of one that does not come. There is room for 16
// at once; the oldest gives way. False: nobody is watched.
func (d *Detector) Ping(m uint32, id codec.OriginID, rand *sched.Rand, number uint64) bool {
	if !d.on {
		return false
	}
	s := &d.pings
	g := &s.list[s.next]
	s.next = (s.next + 1) % len(s.list)
	if g.due {
		d.left.pings--
	}
	*g = ping{to: m, id: id, nonce: uint32(rand.Uint64()), number: number, due: true}
	d.left.pings++
	return true
}

// Receive takes the body of a record of type Probe, ProbeAck, Vote, Verdict or
// Observed. took: it answers a Ping. An error
// says that it can't be parsed.
func (d *Detector) Receive(now sched.Instant, from uint32, t codec.Type, body []byte) (p Pong, took bool, err error) {
	if !d.on {
		return p, false, nil
	}
	switch t {
	case codec.TypeProbeAck:
		p, took = d.pong(now, from, body)
	case codec.TypeVerdict:
		d.enterDead(now, from, body)
	}
	var ack codec.ProbeAck
	owed, err := d.OnRecord(now, d.Watched(from), t, body, &ack)
	if a, n := &d.answers, &d.left.answers; owed && *n < len(a.to) {
		a.to[*n], a.ack[*n] = from, ack
		*n++
	}
	return p, took, err
}

// pong looks whether an answer to a probe is one to a Ping.
func (d *Detector) pong(now sched.Instant, from uint32, body []byte) (p Pong, took bool) {
	var a codec.ProbeAck
	if codec.ParseProbeAck(body, &a) != nil || from == 0 {
		return p, false
	}
	for i := range d.pings.list {
		if g := &d.pings.list[i]; g.to == from && g.nonce == a.Nonce && !g.due {
			p = Pong{Number: g.number, Took: max(0, now-g.sent)}
			*g = ping{}
			return p, true
		}
	}
	return p, false
}

// enterDead takes members into the table whose death is told before they ever
// answered.
func (d *Detector) enterDead(now sched.Instant, from uint32, body []byte) {
	facts, err := codec.ParseFacts(body)
	if err != nil || d.Watched(from) == 0 || d.Table.Status(from) >= Dead {
		return
	}
	for i := range facts.Len() {
		if f := facts.At(i); f.Status >= Dead {
			if m := d.host.Unproven(f.ID); m != 0 {
				d.Watch(now, m, f.ID)
			}
		}
	}
}

// Named answers a member that speaks of an origin which is buried here, and looks whether that one is
// back.
func (d *Detector) Named(now sched.Instant, by uint32, id codec.OriginID) {
	b, n := &d.burials, &d.left.burials
	if by == 0 || d.Watched(by) == 0 {
		return
	}
	if d.spokenOf(now, id); *n == len(b.to) {
		return
	}
	for i := range *n {
		if b.to[i] == by && b.id[i] == id {
			return
		}
	}
	b.to[*n], b.id[*n] = by, id
	*n++
}
