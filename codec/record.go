package codec

import "encoding/binary"

// Type is the type of a record. An unknown type is skipped.
type Type uint8

// The record types. Numbers from 48 on are free, and what the page reserves
// is not.
const (
	TypeHello         Type = 1  // who I am; the first word to a stranger
	TypeHelloReply    Type = 2  // the answer to it
	TypeIntro         Type = 3  // who an origin is
	TypeSync          Type = 4  // compare fingerprints, and answer if they differ
	TypeDigest        Type = 5  // a window of the version vector
	TypeRun           Type = 6  // a contiguous piece of one origin's log
	TypePull          Type = 7  // send me runs of these origins
	TypeHave          Type = 8  // what I hold of your own origin
	TypePad           Type = 9  // nothing, of a wanted length
	TypeProbe         Type = 10 // are you there?
	TypeProbeAck      Type = 11 // yes
	TypeVote          Type = 12 // an observer misses a member
	TypeVerdict       Type = 13 // observed facts about members
	TypeObserved      Type = 14 // digest of observed facts
	TypeRumorFeedback Type = 15 // which rumors were needed
	TypeEvent         Type = 16 // a user's broadcast
	TypeSketch        Type = 17 // linear sketch of the version vector
	TypeRepair        Type = 18 // ring repair: the token of a walk
	TypePreciseDigest Type = 19 // digest by key
	TypePreciseRun    Type = 20 // entries of one origin, with holes
	TypeKeyNotice     Type = 21 // which sealing keys I hold
	TypePrecisePull   Type = 23 // send me these entries
	TypeTurn          Type = 24 // one message of a comparison that takes several
	TypeRefusal       Type = 25 // why a greeting is not answered with one
	TypeFullAt        Type = 26 // where the sender stopped for want of room
	TypeCheckpoint    Type = 27 // what an origin's entries sum up to
	TypeSignature     Type = 28 // the owner's signature of what its log was
	TypePublicKey     Type = 29 // whose key took the place of a former one
	TypeDelegate      Type = 33 // pass the run before on
	TypeCovered       Type = 34 // I do, or I can't
	TypeIntervals     Type = 35 // what lives in intervals of an origin's log
	TypeIntervalPull  Type = 36 // tell me that
	TypeAudits        Type = 37 // what parts of an origin's log sum up to, contents too
	TypeAuditPull     Type = 38 // tell me that; with a step of 1: send me the entries
	TypePart          Type = 39 // all entries of a part of an origin's log
	TypeRanges        Type = 41 // fingerprints of parts of the version vector
	TypeFree          Type = 48 // the first free number
)

// BeginRecord appends the start of a record with an empty body. The caller appends the body and
// ends with EndRecord.
func BeginRecord(dst []byte, t Type) []byte { return append(dst, byte(t), 0, 0) }

// EndRecord writes the length of the record that BeginRecord started when dst had the length start.
// It panics if the body is longer than RecordBodyMax.
func EndRecord(dst []byte, start int) []byte {
	n := len(dst) - start - RecordBytes
	if n < 0 || n > RecordBodyMax {
		panic("codec: record body too long")
	}
	binary.LittleEndian.PutUint16(dst[start+1:], uint16(n))
	return dst
}

// AppendRecord appends a whole record whose body is at hand. It panics as EndRecord does.
func AppendRecord(dst []byte, t Type, body []byte) []byte {
	start := len(dst)
	return EndRecord(append(BeginRecord(dst, t), body...), start)
}

// ParseRecords checks the framing of all records in b.
func ParseRecords(b []byte) error {
	for len(b) > 0 {
		if len(b) < RecordBytes || b[0] == 0 {
			return ErrRecord
		}
		n := RecordBytes + int(binary.LittleEndian.Uint16(b[1:]))
		if len(b) < n {
			return ErrRecord
		}
		b = b[n:]
	}
	return nil
}

// NextRecord gives the first record of b, whose framing was checked at the door, and what follows
// it. At the end it gives type 0.
func NextRecord(b []byte) (t Type, body, rest []byte) {
	if len(b) == 0 {
		return 0, nil, nil
	}
	n := RecordBytes + int(binary.LittleEndian.Uint16(b[1:]))
	return Type(b[0]), b[RecordBytes:n:n], b[n:]
}
