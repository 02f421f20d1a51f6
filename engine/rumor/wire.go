package rumor

import (
	"encoding/binary"

	"github.com/quidnunc/quidnunc/codec"
)

// Sizes of the record bodies. Fixed layouts, little endian.
const (
	// AnswerBytes is one answer in a RumorFeedback body; AnswerGapBytes one of kind Gap.
	AnswerBytes    = 1 + 1 + 8 + 8
	AnswerGapBytes = AnswerBytes + 8
	// TokenBytes is the body of a Repair record.
	TokenBytes = 1 + 8 + 8 + 8 + 4 + 4 + 4 + 4 + 4 + 8
	// TurnBytes is a Turn body without answers.
	TurnBytes = 1
	// TopicBytesMax bounds a topic's name.
	TopicBytesMax = codec.NameBytesMax
	// EventPayloadMax bounds topic and payload of a user event together.
	EventPayloadMax = codec.EntryBytesMax
	// EventBytesMax bounds the body of an Event record.
	EventBytesMax = eventFixedBytes + EventPayloadMax

	eventFixedBytes = 8 + 8 + 8 + 1
)

// A full event fits the smallest frame, sealed and with every header block.
const _ uint = codec.FrameBytesFloor - codec.HeaderBytesMax - codec.TagBytes - codec.RecordBytes - EventBytesMax

// Item is one answer of a RumorFeedback record (15): what became of an offered
// window, or with Shown the sender's own counter for its hot window.
type Item struct {
	Kind    Kind
	Counter uint8
	Origin  codec.OriginID
	Hi      uint64 // end of the offered window
	Max     uint64 // Gap only: what the answerer holds
}

// AppendAnswer appends one item: the body of record 15 is one or more of them.
func AppendAnswer(dst []byte, a *Item) []byte {
	dst = append(dst, byte(a.Kind), a.Counter)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(a.Origin))
	dst = binary.LittleEndian.AppendUint64(dst, a.Hi)
	if a.Kind == Gap {
		dst = binary.LittleEndian.AppendUint64(dst, a.Max)
	}
	return dst
}

// Answers is a checked body of record 15, a view of the frame.
type Answers struct{ rest []byte }

// ParseAnswers checks the body of record 15: every item is whole, of a known kind,
// of an origin, and within the versions. Iteration can't fail then.
func ParseAnswers(b []byte) (Answers, error) {
	a := Answers{b}
	if len(b) == 0 {
		return Answers{}, codec.ErrBody
	}
	for len(b) > 0 {
		n := AnswerBytes
		if b[0] < byte(Needed) || b[0] > byte(Shown) {
			return Answers{}, codec.ErrUnsupported
		}
		if Kind(b[0]) == Gap {
			n = AnswerGapBytes
		}
		if len(b) < n {
			return Answers{}, codec.ErrBody
		}
		if err := checkAnswer(b[:n]); err != nil {
			return Answers{}, err
		}
		b = b[n:]
	}
	return a, nil
}

func checkAnswer(b []byte) error {
	if binary.LittleEndian.Uint64(b[2:]) == 0 {
		return codec.ErrOrigin
	}
	hi := binary.LittleEndian.Uint64(b[10:])
	if hi == 0 || hi > codec.VersionMax {
		return codec.ErrOrder
	}
	if len(b) == AnswerGapBytes && binary.LittleEndian.Uint64(b[18:]) >= hi {
		return codec.ErrOrder // who holds hi has no gap before it
	}
	return nil
}

// Next reads the next item into a and returns false at the end.
func (s *Answers) Next(a *Item) bool {
	if len(s.rest) == 0 {
		return false
	}
	b := s.rest
	*a = Item{
		Kind: Kind(b[0]), Counter: b[1],
		Origin: codec.OriginID(binary.LittleEndian.Uint64(b[2:])),
		Hi:     binary.LittleEndian.Uint64(b[10:]),
	}
	n := AnswerBytes
	if a.Kind == Gap {
		a.Max = binary.LittleEndian.Uint64(b[18:])
		n = AnswerGapBytes
	}
	s.rest = b[n:]
	return true
}

// Event is a user's broadcast (record 16). Topic and Payload are views of the frame.
type Event struct {
	Origin  codec.OriginID // who sent it first
	Seq     uint64         // its number among that origin's events, from 1
	Time    uint64         // Lamport time, at most TimeMax
	Topic   []byte         // 1 to TopicBytesMax bytes
	Payload []byte
}

// Fits tells whether the sizes of e are within the limits.
func (e *Event) Fits() bool {
	return len(e.Topic) > 0 && len(e.Topic) <= TopicBytesMax && len(e.Topic)+len(e.Payload) <= EventPayloadMax
}

// AppendEvent appends the body of an event that Fits.
func AppendEvent(dst []byte, e *Event) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Origin))
	dst = binary.LittleEndian.AppendUint64(dst, e.Seq)
	dst = binary.LittleEndian.AppendUint64(dst, e.Time)
	dst = append(dst, byte(len(e.Topic)))
	dst = append(dst, e.Topic...)
	return append(dst, e.Payload...)
}

// ParseEvent reads the body of an event into e.
func ParseEvent(b []byte, e *Event) error {
	if len(b) < eventFixedBytes || len(b) > EventBytesMax {
		return codec.ErrBody
	}
	*e = Event{
		Origin: codec.OriginID(binary.LittleEndian.Uint64(b)),
		Seq:    binary.LittleEndian.Uint64(b[8:]),
		Time:   binary.LittleEndian.Uint64(b[16:]),
	}
	topic, rest := int(b[24]), b[eventFixedBytes:]
	switch {
	case e.Origin == 0:
		return codec.ErrOrigin
	case e.Seq == 0 || e.Time > TimeMax:
		return codec.ErrOrder
	case topic == 0 || topic > TopicBytesMax:
		return codec.ErrName
	case topic > len(rest):
		return codec.ErrBody
	}
	e.Topic, e.Payload = rest[:topic:topic], rest[topic:len(rest):len(rest)]
	return nil
}

// TokenKind says what a Repair record does.
type TokenKind uint8

// The kinds of Repair records.
const (
	TokenOpen    TokenKind = 1 + iota // to the successor: show me what you hold, I repair you
	TokenPass                         // to the successor: you are level, the walk is yours
	TokenConfirm                      // back to the predecessor: I have it
	TokenReport                       // to the starter: the walk has come this far
	tokenEnd
)

// Token is the state of a walk of ring repair (record 18).
type Token struct {
	Kind    TokenKind
	Walk    uint64         // names the walk; not 0
	Starter codec.OriginID // who gets the reports
	At      codec.OriginID // TokenOpen: where the digest is to begin
	Hop     uint32         // hops done
	Hops    uint32         // hops in all
	Copied  uint32         // origins copied whole, so far
	Patched uint32         // origins repaired by a difference
	Skipped uint32         // successors that did not answer
	Entries uint64         // entries sent
}

// AppendToken appends the body of a Repair record.
func AppendToken(dst []byte, t *Token) []byte {
	le := binary.LittleEndian
	dst = append(dst, byte(t.Kind))
	dst = le.AppendUint64(dst, t.Walk)
	dst = le.AppendUint64(dst, uint64(t.Starter))
	dst = le.AppendUint64(dst, uint64(t.At))
	dst = le.AppendUint32(dst, t.Hop)
	dst = le.AppendUint32(dst, t.Hops)
	dst = le.AppendUint32(dst, t.Copied)
	dst = le.AppendUint32(dst, t.Patched)
	dst = le.AppendUint32(dst, t.Skipped)
	return le.AppendUint64(dst, t.Entries)
}

// HopsMax bounds the hops that a token may claim, so that a forged one ends.
const HopsMax = 1 << 21

// ParseToken reads the body of a Repair record into t.
func ParseToken(b []byte, t *Token) error {
	if len(b) != TokenBytes {
		return codec.ErrBody
	}
	le := binary.LittleEndian
	*t = Token{
		Kind: TokenKind(b[0]), Walk: le.Uint64(b[1:]), Starter: codec.OriginID(le.Uint64(b[9:])),
		At: codec.OriginID(le.Uint64(b[17:])), Hop: le.Uint32(b[25:]), Hops: le.Uint32(b[29:]),
		Copied: le.Uint32(b[33:]), Patched: le.Uint32(b[37:]), Skipped: le.Uint32(b[41:]), Entries: le.Uint64(b[45:]),
	}
	switch {
	case t.Kind == 0 || t.Kind >= tokenEnd:
		return codec.ErrUnsupported
	case t.Walk == 0 || t.Starter == 0:
		return codec.ErrOrigin
	case t.Hop > t.Hops || t.Hops > HopsMax:
		return codec.ErrOrder
	}
	return nil
}

// TurnEnd is the number of a Turn that wants no answer.
const TurnEnd = 255

// AppendTurn appends the start of a Turn body (record 24), one message of a
// comparison that takes several: the sender's fingerprint is in the frame's
// header. Answers may follow: what became of the peer's increments, and Shown for
// those in this frame.
func AppendTurn(dst []byte, turn uint8) []byte { return append(dst, turn) }

// ParseTurn checks the body of a Turn record.
func ParseTurn(b []byte) (turn uint8, items Answers, err error) {
	switch {
	case len(b) < TurnBytes:
		return 0, Answers{}, codec.ErrBody
	case len(b) > TurnBytes:
		items, err = ParseAnswers(b[TurnBytes:])
	}
	return b[0], items, err
}
