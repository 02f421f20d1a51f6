package member

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// repair is the anti-entropy of observed facts: at most one question and one reply wait to be
// pulled.
type repair struct {
	askTo  uint32
	answer bool // the question answers one
	askedAt,
	askNext sched.Instant
	replyTo uint32
	replyAt sched.Instant // when it was asked for
	mask    uint64        // buckets to send
	frames  int           // that the reply may still take
	left    int           // facts to look at
	cursor  uint32        // fact at which this or the next reply goes on
}

// correction is a member about which another believes an accusation that has been refuted.
type correction struct{ to, about uint32 }

// correctSoon queues a correction, at most one for each pair.
func (t *Table) correctSoon(to, about uint32) {
	c := correction{to, about}
	for _, have := range t.corrections[:t.correctionCount] {
		if have == c {
			return
		}
	}
	if t.correctionCount == len(t.corrections) {
		t.counters.FullQueue++
		return
	}
	t.corrections[t.correctionCount] = c
	t.correctionCount++
}

// nextCorrection takes all that is to be corrected at one member out of the queue: it stands behind it until
// it is appended, and is gone if it is not, as all that was pulled.
func (t *Table) nextCorrection(s *Send) bool {
	if t.correctionCount == 0 {
		return false
	}
	kept, all := 0, t.corrections[:t.correctionCount]
	s.Kind, s.To = SendCorrection, all[0].to
	s.ID = t.ring.ID(s.To)
	for i, c := range all {
		if c.to != s.To {
			all[i], all[kept] = all[kept], c
			kept++
		}
	}
	t.correcting, t.correctionCount = t.correctionCount, kept
	return true
}

// appendCorrections appends what was taken for one member.
func (t *Table) appendCorrections(dst []byte, room int, to uint32) []byte {
	for _, c := range t.corrections[min(t.correctionCount, t.correcting):t.correcting] {
		if f := &t.facts[t.standings[c.about].fact]; c.to == to && room >= codec.FactBytes && f.member != 0 && (!f.alone() || c.about == to) {
			dst = codec.AppendFact(dst, codec.Fact{ID: t.ring.ID(c.about), Incarnation: f.incarnation, Status: f.status})
			t.counters.FactsSent++
			room -= codec.FactBytes
		}
	}
	t.correcting = 0
	return dst
}

// replyFrames bounds the answer to one digest.
const replyFrames = 4

func (r *repair) forget(h uint32) {
	if r.askTo == h {
		r.askTo = 0
	}
	if r.replyTo == h {
		r.replyTo = 0
	}
}

// SeenPrint compares the live fingerprint in a member's header with the own one. When they differ,
// and not just because news is on its way, a digest is queued for that member: at most one a
// period.
func (t *Table) SeenPrint(now sched.Instant, from uint32, print uint64) {
	r := &t.repair
	if print == t.print || from == 0 || from == t.self || now < r.askNext || !t.live(from) || t.leaving {
		return
	}
	if now-t.printAt < t.cfg.Period/2 && now-r.askedAt < 4*t.cfg.Period {
		return
	}
	r.askTo, r.answer = from, false
	r.askedAt, r.askNext = now, now+t.cfg.Period
}

// OnDigest takes in a member's digest: the facts of all buckets that differ go back to it, up to a
// few frames, and, unless it was an answer, a digest of our own, so that both sides are repaired.
func (t *Table) OnDigest(now sched.Instant, from uint32, d codec.Observed) {
	if from == 0 || from == t.self {
		t.counters.DropStranger++
		return
	}
	t.Heard(now, from)
	var mask uint64
	for i, s := range t.sums {
		if uint32(s) != d.Sum(i) {
			mask |= 1 << i
		}
	}
	r := &t.repair
	switch {
	case mask == 0:
		return
	case !t.live(from):
		t.reviveSoon(now, from)
		return
	case r.replyTo != 0 && r.replyTo != from:
		t.counters.FullQueue++
		return
	}
	r.replyTo, r.replyAt, r.mask, r.frames, r.left = from, now, mask, replyFrames, int(t.used)
	if !d.Answer() {
		r.askTo, r.answer = from, true
	}
}

// appendReply appends facts of the wanted buckets in at most room bytes, for one member. A reply that is cut short
// goes on with the next digest where this one ended, so that every fact has its turn.
func (t *Table) appendReply(dst []byte, room int, to uint32) []byte {
	r := &t.repair
	for ; r.left > 0 && room >= codec.FactBytes; r.left-- {
		if r.cursor++; r.cursor > t.used {
			r.cursor = 1
		}
		f := &t.facts[r.cursor]
		id := t.ring.ID(f.member)
		if f.member == 0 || f.status == Buried || f.alone() && f.member != to || r.mask>>bucket(id)&1 == 0 || key(f.incarnation, f.status) == 0 {
			continue
		}
		dst = codec.AppendFact(dst, codec.Fact{ID: id, Incarnation: f.incarnation, Status: f.status})
		t.counters.FactsSent++
		room -= codec.FactBytes
	}
	if r.left == 0 {
		dst = t.appendGraves(dst, room)
		r.frames = 0
	}
	return dst
}

// appendGraves appends the burials of the wanted buckets: who has not buried yet, does so on
// hearing it.
func (t *Table) appendGraves(dst []byte, room int) []byte {
	for i := range t.graves.Len() {
		if room < codec.FactBytes {
			break
		}
		if id, incarnation, ok := t.graves.Member(t.repair.replyAt, i); ok && t.repair.mask>>bucket(id)&1 != 0 {
			dst = codec.AppendFact(dst, codec.Fact{ID: id, Incarnation: incarnation, Status: Buried})
			room -= codec.FactBytes
		}
	}
	return dst
}

// SendKind says what a Send carries.
type SendKind uint8

// The kinds, in the order in which they are sent.
const (
	SendProbe      SendKind = 1 + iota // Probe, to a member
	SendGrave                          // Probe, to the address of a buried member
	SendVote                           // Vote
	SendFacts                          // hot facts
	SendDigest                         // a digest
	SendReply                          // facts that a digest asked for
	SendCorrection                     // facts that the receiver is behind with

	// Of a Detector alone, and before all of the above.
	SendAnswer  // to a probe
	SendPing    // a probe that the host asked for
	SendBurials // graves of those whom the receiver named
)

// Send is one thing to send.
type Send struct {
	Kind   SendKind
	To     uint32         // member; 0 for SendGrave
	Grave  int            // for SendGrave: its place (names.Graves)
	ID     codec.OriginID // of the receiver
	Probe  codec.Probe
	Vote   codec.Vote
	answer bool
	ack    codec.ProbeAck
}
