package codec

import "encoding/binary"

// Status is what is believed of one incarnation of a member. A higher number wins at the same
// incarnation.
type Status uint8

// The statuses. Buried is what remains of a member that was dead, or had left, for long.
const (
	StatusAlive Status = iota
	StatusSuspect
	StatusClosed // suspected, and its host says that nobody listens at its port
	StatusDead
	StatusLeft
	StatusBuried
	Statuses // the number of statuses
)

var statusNames = [Statuses]string{"alive", "suspect", "closed", "dead", "left", "buried"}

// String gives the status in one lower-case word.
func (s Status) String() string {
	if s < Statuses {
		return statusNames[s]
	}
	return "unknown"
}

// HealthMax is the worst own health that a member may tell (Lifeguard §IV-A, S = 8); 0 is well.
const HealthMax = 8

// Sizes of the bodies about members.
const (
	ProbeBytes    = 4 + 8 + 4 + 1 + 1 + 1
	ProbeEchoes   = ProbeBytes + 4 + 4 // one that echoes
	ProbeAckBytes = 4 + 4 + 1 + 1
	VoteBytes     = 8 + 4 + 4 + 1 + 1
	FactBytes     = 8 + 4 + 1
	ObservedBytes = 1 + ObservedBuckets*4

	// ObservedBuckets is the number of parts of the identifier space whose facts an Observed record
	// sums up.
	ObservedBuckets = 64
)

// Probe asks a member for a sign of life. It also tells the member how the sender sees it, so that
// a suspected or condemned one can refute in its answer (the Buddy System of Lifeguard §IV-C).
type Probe struct {
	Target      OriginID // whom the sender believes to reach; anyone else stays silent
	Nonce       uint32   // repeated in the answer; unpredictable
	Incarnation uint32   // the last known to the sender
	Status      Status   // at that incarnation
	Health      uint8    // the sender's own, 0 to HealthMax

	Echoes bool   // it tells of the last answer of the target that arrived:
	Echo   uint32 // its nonce
	Held   uint32 // and how long ago that was, in microseconds
}

// ProbeAck answers a probe.
type ProbeAck struct {
	Nonce       uint32
	Incarnation uint32 // the answering member's own
	Status      Status // StatusAlive, or StatusLeft while it is leaving
	Health      uint8
}

// Stance is what an observer says of a subject.
type Stance uint8

// The stances. Every one of them shows that the observer itself is there.
const (
	StanceAgainst Stance = 1 + iota // it missed a whole round of probes
	StanceFor                       // its last round was answered; also withdraws StanceAgainst
	StanceAbstain                   // it does not watch the subject
	StanceClosed                    // as StanceAgainst, and the subject's host says that its port is closed
	stanceEnd
)

// Against tells whether the observer misses the subject.
func (s Stance) Against() bool { return s == StanceAgainst || s == StanceClosed }

// Vote is an observer's word about a subject, for the other observers.
type Vote struct {
	Subject     OriginID
	Incarnation uint32 // of the subject, as the voter knows it
	Round       uint32 // ascends with every vote that the voter sends: replays are found by it
	Stance      Stance
	Reply       bool // answers a vote, and is not answered itself
	Health      uint8
}

// voteReply is Vote.Reply, beside the stance.
const voteReply = 0x80

// AppendProbe appends a Probe record.
func AppendProbe(dst []byte, p *Probe) []byte {
	le := binary.LittleEndian
	size := byte(ProbeBytes)
	if p.Echoes {
		size = ProbeEchoes
	}
	dst = le.AppendUint32(append(dst, byte(TypeProbe), size, 0), p.Nonce)
	dst = le.AppendUint64(dst, uint64(p.Target))
	dst = le.AppendUint32(dst, p.Incarnation)
	if !p.Echoes {
		return append(dst, byte(p.Status), p.Health, 0)
	}
	dst = append(dst, byte(p.Status), p.Health, 1)
	return le.AppendUint32(le.AppendUint32(dst, p.Echo), p.Held)
}

// ParseProbe reads the body of a Probe record into p.
func ParseProbe(b []byte, p *Probe) error {
	if echoes := len(b) == ProbeEchoes; !echoes && len(b) != ProbeBytes || (b[ProbeBytes-1] == 1) != echoes || b[ProbeBytes-1] > 1 {
		return ErrBody
	}
	le := binary.LittleEndian
	*p = Probe{
		Nonce: le.Uint32(b), Target: OriginID(le.Uint64(b[4:])), Incarnation: le.Uint32(b[12:]),
		Status: Status(b[16]), Health: b[17],
	}
	if len(b) == ProbeEchoes {
		p.Echoes, p.Echo, p.Held = true, le.Uint32(b[ProbeBytes:]), le.Uint32(b[ProbeBytes+4:])
	}
	if p.Target == 0 {
		return ErrOrigin
	}
	if p.Status >= Statuses || p.Health > HealthMax {
		return ErrUnsupported
	}
	return nil
}

// AppendProbeAck appends a ProbeAck record.
func AppendProbeAck(dst []byte, a *ProbeAck) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(append(dst, byte(TypeProbeAck), ProbeAckBytes, 0), a.Nonce)
	dst = le.AppendUint32(dst, a.Incarnation)
	return append(dst, byte(a.Status), a.Health)
}

// ParseProbeAck reads the body of a ProbeAck record into a.
func ParseProbeAck(b []byte, a *ProbeAck) error {
	if len(b) != ProbeAckBytes {
		return ErrBody
	}
	le := binary.LittleEndian
	*a = ProbeAck{Nonce: le.Uint32(b), Incarnation: le.Uint32(b[4:]), Status: Status(b[8]), Health: b[9]}
	if (a.Status != StatusAlive && a.Status != StatusLeft) || a.Health > HealthMax {
		return ErrUnsupported
	}
	return nil
}

// AppendVote appends a Vote record.
func AppendVote(dst []byte, v *Vote) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(append(dst, byte(TypeVote), VoteBytes, 0), uint64(v.Subject))
	dst = le.AppendUint32(dst, v.Incarnation)
	dst = le.AppendUint32(dst, v.Round)
	stance := byte(v.Stance)
	if v.Reply {
		stance |= voteReply
	}
	return append(dst, stance, v.Health)
}

// ParseVote reads the body of a Vote record into v.
func ParseVote(b []byte, v *Vote) error {
	if len(b) != VoteBytes {
		return ErrBody
	}
	le := binary.LittleEndian
	*v = Vote{
		Subject: OriginID(le.Uint64(b)), Incarnation: le.Uint32(b[8:]), Round: le.Uint32(b[12:]),
		Stance: Stance(b[16] &^ voteReply), Reply: b[16]&voteReply != 0, Health: b[17],
	}
	if v.Subject == 0 {
		return ErrOrigin
	}
	if v.Stance == 0 || v.Stance >= stanceEnd || v.Health > HealthMax {
		return ErrUnsupported
	}
	return nil
}
