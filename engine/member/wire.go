package member

import (
	"encoding/binary"

	"github.com/quidnunc/quidnunc/codec"
)

// Sizes of the record bodies. All of them have a fixed layout, little endian.
const (
	ProbeBytes  = 4 + 8 + 4 + 1 + 1
	AckBytes    = 4 + 4 + 1 + 1
	VoteBytes   = 8 + 4 + 4 + 1 + 1
	FactBytes   = 8 + 4 + 1
	DigestBytes = 1 + Buckets*4

	// Buckets is the number of parts of the identifier space whose facts are compared in a digest.
	Buckets = 64
)

// Probe asks a member for a sign of life (record 10). It also tells the member how the sender sees it, so that a
// suspected or condemned one can refute in its answer (the Buddy System of Lifeguard §IV-C).
type Probe struct {
	Target      codec.OriginID // whom the sender believes to reach; anyone else stays silent
	Nonce       uint32         // repeated in the answer; unpredictable
	Incarnation uint32         // the last known to the sender
	Status      Status         // at that incarnation
	Health      uint8          // the sender's own, 0..HealthMax
}

// ProbeAck answers a probe (record 11).
type ProbeAck struct {
	Nonce       uint32
	Incarnation uint32 // the answering member's own
	Status      Status // Alive, or Left while it is leaving
	Health      uint8
}

// Stance is what an observer says of a subject.
type Stance uint8

// The stances. Every one of them shows that the observer itself is there.
const (
	Against Stance = 1 + iota // it missed a whole round of probes
	For                       // its last round was answered; also withdraws Against
	Abstain                   // it does not watch the subject
	stanceEnd
)

// Vote is an observer's word about a subject (record 12), for the other observers.
type Vote struct {
	Subject     codec.OriginID
	Incarnation uint32 // of the subject, as the voter knows it
	Round       uint32 // ascends with every vote that the voter sends: replays are found by it
	Stance      Stance
	Reply       bool // answers a vote, and is not answered itself
	Health      uint8
}

// replyBit is Vote.Reply, beside the stance.
const replyBit = 0x80

// Fact is an observed fact: this incarnation of the member has this status.
type Fact struct {
	ID          codec.OriginID
	Incarnation uint32
	Status      Status
}

// AppendProbe appends the body of a probe.
func AppendProbe(dst []byte, p *Probe) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, p.Nonce)
	dst = le.AppendUint64(dst, uint64(p.Target))
	dst = le.AppendUint32(dst, p.Incarnation)
	return append(dst, byte(p.Status), p.Health)
}

// ParseProbe reads the body of a probe into p.
func ParseProbe(b []byte, p *Probe) error {
	if len(b) != ProbeBytes {
		return codec.ErrBody
	}
	le := binary.LittleEndian
	*p = Probe{
		Nonce: le.Uint32(b), Target: codec.OriginID(le.Uint64(b[4:])), Incarnation: le.Uint32(b[12:]),
		Status: Status(b[16]), Health: b[17],
	}
	if p.Target == 0 {
		return codec.ErrOrigin
	}
	if p.Status >= statusEnd || p.Health > HealthMax {
		return codec.ErrUnsupported
	}
	return nil
}

// AppendAck appends the body of an answer to a probe.
func AppendAck(dst []byte, a *ProbeAck) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, a.Nonce)
	dst = le.AppendUint32(dst, a.Incarnation)
	return append(dst, byte(a.Status), a.Health)
}

// ParseAck reads the body of an answer into a.
func ParseAck(b []byte, a *ProbeAck) error {
	if len(b) != AckBytes {
		return codec.ErrBody
	}
	le := binary.LittleEndian
	*a = ProbeAck{Nonce: le.Uint32(b), Incarnation: le.Uint32(b[4:]), Status: Status(b[8]), Health: b[9]}
	if (a.Status != Alive && a.Status != Left) || a.Health > HealthMax {
		return codec.ErrUnsupported
	}
	return nil
}

// AppendVote appends the body of a vote.
func AppendVote(dst []byte, v *Vote) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(dst, uint64(v.Subject))
	dst = le.AppendUint32(dst, v.Incarnation)
	dst = le.AppendUint32(dst, v.Round)
	stance := byte(v.Stance)
	if v.Reply {
		stance |= replyBit
	}
	return append(dst, stance, v.Health)
}

// ParseVote reads the body of a vote into v.
func ParseVote(b []byte, v *Vote) error {
	if len(b) != VoteBytes {
		return codec.ErrBody
	}
	le := binary.LittleEndian
	*v = Vote{
		Subject: codec.OriginID(le.Uint64(b)), Incarnation: le.Uint32(b[8:]), Round: le.Uint32(b[12:]),
		Stance: Stance(b[16] &^ replyBit), Reply: b[16]&replyBit != 0, Health: b[17],
	}
	if v.Subject == 0 {
		return codec.ErrOrigin
	}
	if v.Stance == 0 || v.Stance >= stanceEnd || v.Health > HealthMax {
		return codec.ErrUnsupported
	}
	return nil
}

// AppendFact appends one fact: a body of record 13 is one or more of them.
func AppendFact(dst []byte, f Fact) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.ID))
	dst = binary.LittleEndian.AppendUint32(dst, f.Incarnation)
	return append(dst, byte(f.Status))
}

// Facts is the checked body of record 13: a view of the frame.
type Facts []byte

// ParseFacts checks a body of facts. Afterwards Len and At can't fail.
func ParseFacts(b []byte) (Facts, error) {
	if len(b) == 0 || len(b)%FactBytes != 0 {
		return nil, codec.ErrBody
	}
	for at := 0; at < len(b); at += FactBytes {
		if binary.LittleEndian.Uint64(b[at:]) == 0 {
			return nil, codec.ErrOrigin
		}
		if Status(b[at+12]) >= statusEnd {
			return nil, codec.ErrUnsupported
		}
	}
	return b, nil
}

// Len is the number of facts.
func (f Facts) Len() int { return len(f) / FactBytes }

// At is fact i.
func (f Facts) At(i int) Fact {
	b := f[i*FactBytes:][:FactBytes]
	return Fact{
		ID:          codec.OriginID(binary.LittleEndian.Uint64(b)),
		Incarnation: binary.LittleEndian.Uint32(b[8:]), Status: Status(b[12]),
	}
}

// Digest is the checked body of record 14: a view of the frame. It holds a sum of the sender's facts for each bucket.
type Digest []byte

// digestAnswer marks a digest that answers one, so that it isn't answered with a third.
const digestAnswer = 1

// ParseDigest checks the body of a digest.
func ParseDigest(b []byte) (Digest, error) {
	if len(b) != DigestBytes {
		return nil, codec.ErrBody
	}
	if b[0]&^digestAnswer != 0 {
		return nil, codec.ErrUnsupported
	}
	return b, nil
}

func (d Digest) answer() bool { return d[0]&digestAnswer != 0 }

func (d Digest) bucket(i int) uint32 { return binary.LittleEndian.Uint32(d[1+4*i:]) }
