package member

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Next gives the next thing to send, probes first. False: nothing for now. The state is the queue:
// whatever is not pulled stays due, and what is pulled later is what is believed then.
func (t *Table) Next(now sched.Instant, s *Send) bool {
	if t.quiet() {
		return false
	}
	*s = Send{}
	if t.queued != 0 {
		t.probe(now, bits.TrailingZeros64(t.queued), s)
		return true
	}
	if t.nextRevival(now, s) || t.nextReply(s) || t.nextVote(s) {
		return true
	}
	if t.nextCorrection(s) {
		return true
	}
	t.burst(now)
	for t.pushLeft > 0 {
		t.pushLeft--
		if h := t.anyone(); h != 0 && len(t.hot) > 0 {
			s.Kind, s.To, s.ID = SendFacts, h, t.ring.ID(h)
			return true
		}
	}
	return t.nextRepair(s)
}

// quiet: there is nothing to send. It is asked for each frame of any kind, and is nearly always so.
func (t *Table) quiet() bool {
	return t.queued|t.owe|t.votes == 0 && t.revive.queued+t.revive.called == 0 && t.correctionCount == 0 &&
		len(t.hot) == 0 && t.pushLeft == 0 && t.repair.replyTo|t.repair.askTo == 0
}

// nextReply tells a voter where this node stands.
func (t *Table) nextReply(s *Send) bool {
	for t.owe != 0 {
		i := bits.TrailingZeros64(t.owe)
		c := &t.cases[i]
		for j := range c.votes {
			b := &c.votes[j]
			if b.voter == 0 || !b.owe {
				continue
			}
			b.owe = false
			if t.live(b.voter) {
				t.vote(s, b.voter, c.subject, t.stance(c.subject))
				s.Vote.Reply = true
				return true
			}
		}
		t.owe &^= 1 << i
	}
	return false
}

// nextVote tells the next observer of a watched member where this node stands.
func (t *Table) nextVote(s *Send) bool {
	var o [Observers]uint32
	for t.votes != 0 {
		i := bits.TrailingZeros64(t.votes)
		w := &t.watches[i]
		n := t.observers(w.peer, o[:])
		for int(w.informed) < n {
			h := o[w.informed]
			w.informed++
			if h != t.self {
				t.vote(s, h, w.peer, w.stance)
				return true
			}
		}
		t.votes &^= 1 << i
	}
	return false
}

func (t *Table) vote(s *Send, to, subject uint32, stance codec.Stance) {
	t.round++
	s.Kind, s.To, s.ID = SendVote, to, t.ring.ID(to)
	s.Vote = codec.Vote{
		Subject: t.ring.ID(subject), Incarnation: t.Incarnation(subject), Round: t.round,
		Stance: stance, Health: t.health,
	}
	t.counters.VotesSent++
}

func (t *Table) nextRepair(s *Send) bool {
	r := &t.repair
	switch {
	case r.replyTo != 0:
		s.Kind, s.To, s.ID = SendReply, r.replyTo, t.ring.ID(r.replyTo)
		if r.frames--; r.frames <= 0 {
			r.replyTo = 0
		}
		t.counters.Replies++
	case r.askTo != 0:
		s.Kind, s.To, s.ID, s.answer = SendDigest, r.askTo, t.ring.ID(r.askTo), r.answer
		r.askTo = 0
		t.counters.Digests++
	default:
		return false
	}
	return true
}

// piggyback is how many hot facts ride on a probe, an answer or a vote at most, so that those
// frames stay small.
const piggyback = 8

// AppendSend appends the records of what Next gave, in at most room bytes; room is at least that of
// a digest. It may append nothing, when what was to be told is known by now: then there is nothing
// to send.
func (t *Table) AppendSend(dst []byte, room int, s *Send) []byte {
	start, body := len(dst), room-codec.RecordBytes
	switch s.Kind {
	case SendProbe, SendGrave:
		dst = codec.AppendProbe(dst, &s.Probe)
	case SendVote:
		dst = codec.AppendVote(dst, &s.Vote)
	case SendDigest:
		dst = codec.AppendObserved(dst, s.answer, &t.sums)
	case SendFacts:
		return t.AppendHot(dst, room)
	case SendReply:
		dst = t.appendReply(codec.BeginRecord(dst, codec.TypeVerdict), body, s.To)
		if t.repair.frames == 0 {
			t.repair.replyTo = 0
		}
		return endFacts(dst, start)
	case SendCorrection:
		dst = t.appendCorrections(codec.BeginRecord(dst, codec.TypeVerdict), body, s.To)
		return endFacts(dst, start)
	default:
		return dst
	}
	if s.Kind == SendGrave {
		return dst
	}
	return t.AppendHot(dst, min(room-(len(dst)-start), codec.RecordBytes+piggyback*codec.FactBytes))
}

// endFacts ends a record of facts, or takes it back when it is empty.
func endFacts(dst []byte, start int) []byte {
	if len(dst) == start+codec.RecordBytes {
		return dst[:start]
	}
	return codec.EndRecord(dst, start)
}

// AppendHot appends a record of hot facts in at most room bytes, or nothing: for any frame to a
// member.
func (t *Table) AppendHot(dst []byte, room int) []byte {
	if len(t.hot) == 0 || room < codec.RecordBytes+codec.FactBytes {
		return dst
	}
	start := len(dst)
	dst = t.AppendFacts(codec.BeginRecord(dst, codec.TypeVerdict), room-codec.RecordBytes)
	return codec.EndRecord(dst, start)
}

// AppendAnswer appends the answer to a probe as a record, with a few hot facts.
func (t *Table) AppendAnswer(dst []byte, room int, a *codec.ProbeAck) []byte {
	start := len(dst)
	dst = codec.AppendProbeAck(dst, a)
	return t.AppendHot(dst, min(room-(len(dst)-start), codec.RecordBytes+piggyback*codec.FactBytes))
}

// OnRecord takes in the body of a record of type Probe, ProbeAck, Vote, Verdict or Observed from a
// member, or from 0, a stranger. True: the sender is owed the answer in ack, now. A malformed body
// is counted and gives an error of codec; a record of another type is the caller's mistake and does
// nothing.
func (t *Table) OnRecord(now sched.Instant, from uint32, typ codec.Type, body []byte, ack *codec.ProbeAck) (bool, error) {
	if t.ring.ID(from) == 0 {
		from = 0
	}
	var err error
	switch typ {
	case codec.TypeProbe:
		var p codec.Probe
		if err = codec.ParseProbe(body, &p); err == nil {
			return t.OnProbe(now, from, &p, ack), nil
		}
	case codec.TypeProbeAck:
		var a codec.ProbeAck
		if err = codec.ParseProbeAck(body, &a); err == nil {
			t.OnAck(now, from, &a)
		}
	case codec.TypeVote:
		var v codec.Vote
		if err = codec.ParseVote(body, &v); err == nil {
			t.OnVote(now, from, &v)
		}
	case codec.TypeVerdict:
		var f codec.Facts
		if f, err = codec.ParseFacts(body); err == nil {
			t.OnFacts(now, from, f)
		}
	case codec.TypeObserved:
		var d codec.Observed
		if d, err = codec.ParseObserved(body); err == nil {
			t.OnDigest(now, from, d)
		}
	}
	if err != nil {
		t.counters.DropBody++
	}
	return false, err
}
