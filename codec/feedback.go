package codec

import "encoding/binary"

// FeedbackKind is what an answer says about an offered window of an origin's versions.
type FeedbackKind uint8

// The answers to an offer, and the offer itself.
const (
	FeedbackNeeded  FeedbackKind = 1 // the news was applied
	FeedbackKnown   FeedbackKind = 2 // it was known already; Counter is the answerer's
	FeedbackGap     FeedbackKind = 3 // it could not be applied: the answerer only holds up to Max
	FeedbackRefused FeedbackKind = 4 // the answerer's connection limit was reached
	FeedbackShown   FeedbackKind = 5 // not an answer: the sender's own counter for its hot window
	feedbackEnd     FeedbackKind = 6
)

// Sizes of the bodies.
const (
	// FeedbackBytes is one answer, FeedbackGapBytes one of kind FeedbackGap.
	FeedbackBytes    = 1 + 1 + 8 + 8
	FeedbackGapBytes = FeedbackBytes + 8
	// TurnBytes is the body of a Turn record without answers.
	TurnBytes = 1
)

// Feedback is one answer: what became of an offered window, or with FeedbackShown the sender's own
// counter for its hot window.
type Feedback struct {
	Kind    FeedbackKind
	Counter uint8
	Origin  OriginID
	Hi      uint64 // end of the offered window
	Max     uint64 // FeedbackGap only: what the answerer holds
}

// AppendFeedback appends one answer: the body of a RumorFeedback record is one or more of them.
func AppendFeedback(dst []byte, a *Feedback) []byte {
	dst = append(dst, byte(a.Kind), a.Counter)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(a.Origin))
	dst = binary.LittleEndian.AppendUint64(dst, a.Hi)
	if a.Kind == FeedbackGap {
		dst = binary.LittleEndian.AppendUint64(dst, a.Max)
	}
	return dst
}

// Feedbacks are the answers of a checked body, a view of the frame.
type Feedbacks struct{ rest []byte }

// ParseFeedbacks checks the body of a RumorFeedback record: every answer is whole, of a known kind,
// of an origin, and within the versions. Iteration can't fail then.
func ParseFeedbacks(b []byte) (Feedbacks, error) {
	a := Feedbacks{b}
	if len(b) == 0 {
		return Feedbacks{}, ErrBody
	}
	for len(b) > 0 {
		kind := FeedbackKind(b[0])
		if kind == 0 || kind >= feedbackEnd {
			return Feedbacks{}, ErrUnsupported
		}
		n := feedbackBytes(kind)
		if len(b) < n {
			return Feedbacks{}, ErrBody
		}
		if err := checkFeedback(b[:n]); err != nil {
			return Feedbacks{}, err
		}
		b = b[n:]
	}
	return a, nil
}

func feedbackBytes(k FeedbackKind) int {
	if k == FeedbackGap {
		return FeedbackGapBytes
	}
	return FeedbackBytes
}

func checkFeedback(b []byte) error {
	if binary.LittleEndian.Uint64(b[2:]) == 0 {
		return ErrOrigin
	}
	hi := binary.LittleEndian.Uint64(b[10:])
	if hi == 0 || hi > VersionMax {
		return ErrOrder
	}
	if len(b) == FeedbackGapBytes && binary.LittleEndian.Uint64(b[18:]) >= hi {
		return ErrOrder // who holds hi has no gap before it
	}
	return nil
}

// Next reads the next answer into a and returns false at the end.
func (s *Feedbacks) Next(a *Feedback) bool {
	if len(s.rest) == 0 {
		return false
	}
	b := s.rest
	*a = Feedback{
		Kind: FeedbackKind(b[0]), Counter: b[1],
		Origin: OriginID(binary.LittleEndian.Uint64(b[2:])),
		Hi:     binary.LittleEndian.Uint64(b[10:]),
	}
	if a.Kind == FeedbackGap {
		a.Max = binary.LittleEndian.Uint64(b[18:])
	}
	s.rest = b[feedbackBytes(a.Kind):]
	return true
}

// TurnEnd is the number of a Turn that wants no answer.
const TurnEnd = 255

// BeginTurn appends the start of a Turn record, one message of a comparison that takes several: the
// sender's fingerprint is in the frame's header. Answers may follow: what became of the peer's
// increments, and FeedbackShown for those in this frame. The caller ends it with EndRecord.
func BeginTurn(dst []byte, turn uint8) []byte { return append(BeginRecord(dst, TypeTurn), turn) }

// ParseTurn checks the body of a Turn record.
func ParseTurn(b []byte) (turn uint8, items Feedbacks, err error) {
	switch {
	case len(b) < TurnBytes:
		return 0, Feedbacks{}, ErrBody
	case len(b) > TurnBytes:
		items, err = ParseFeedbacks(b[TurnBytes:])
	}
	return b[0], items, err
}
