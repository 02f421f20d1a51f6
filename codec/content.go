package codec

import "encoding/binary"

// SumBytes is the size of a SHA-256.
const SumBytes = 32

// Content is a reference to a content: the value of an entry of KindContent.
type Content struct {
	Length uint32 // bytes of the plain value
	Sum    [SumBytes]byte
}

// ContentBytesMax is the longest reference.
const ContentBytesMax = 5 + SumBytes

// AppendContent appends a reference.
func AppendContent(dst []byte, c *Content) []byte {
	return append(appendUvarint(dst, uint64(c.Length)), c.Sum[:]...)
}

// ParseContent reads a value that is a reference and nothing else.
func ParseContent(b []byte, c *Content) error {
	rest, ok := parseUint32(b, &c.Length)
	if !ok || len(rest) != SumBytes {
		return ErrBody
	}
	copy(c.Sum[:], rest)
	return nil
}

// AskKind is what an ask on a stream asks for. It is the first byte of its head.
type AskKind uint8

// The kinds of asks.
const (
	AskContent AskKind = 1 // the content with a sum 32
	AskRuns    AskKind = 2 // what the asker lacks, if it is so many entries 4: a Digest record of what it has
)

// AppendAskRuns appends the head of an ask for runs, up to its Digest record.
func AppendAskRuns(dst []byte, least uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, byte(AskRuns)), least)
}

// ParseAskRuns reads the head of an ask for runs. The Digest record is a view, and not checked.
func ParseAskRuns(b []byte) (least uint32, window []byte, err error) {
	if len(b) < 5 || AskKind(b[0]) != AskRuns {
		return 0, nil, ErrBody
	}
	return binary.LittleEndian.Uint32(b[1:]), b[5:], nil
}

// AnswerStatus is what became of an ask. It is the first byte of the answer's head; with
// AnswerBusy, milliseconds 4 follow, after which to ask again.
type AnswerStatus uint8

// The statuses.
const (
	AnswerHere AnswerStatus = 1 // the body is what was asked for
	AnswerNone AnswerStatus = 2 // the answerer does not have it
	AnswerBusy AnswerStatus = 3 // it has, and other work
)

// AskBytes is the size of the head of an ask for a content.
const AskBytes = 1 + SumBytes

// AppendAsk appends the head of an ask for a content.
func AppendAsk(dst []byte, sum *[SumBytes]byte) []byte {
	return append(append(dst, byte(AskContent)), sum[:]...)
}

// ParseAsk reads the head of an ask. A kind that is not known gives ErrUnsupported.
func ParseAsk(b []byte, sum *[SumBytes]byte) error {
	switch {
	case len(b) == 0:
		return ErrBody
	case AskKind(b[0]) != AskContent:
		return ErrUnsupported
	case len(b) != AskBytes:
		return ErrBody
	}
	copy(sum[:], b[1:])
	return nil
}

// AppendAnswer appends the head of an answer. retry counts with AnswerBusy alone.
func AppendAnswer(dst []byte, s AnswerStatus, retry uint32) []byte {
	if dst = append(dst, byte(s)); s == AnswerBusy {
		dst = binary.LittleEndian.AppendUint32(dst, retry)
	}
	return dst
}

// ParseAnswer reads the head of an answer.
func ParseAnswer(b []byte) (s AnswerStatus, retry uint32, err error) {
	if len(b) == 0 {
		return 0, 0, ErrBody
	}
	switch s = AnswerStatus(b[0]); {
	case (s == AnswerHere || s == AnswerNone) && len(b) == 1:
		return s, 0, nil
	case s == AnswerBusy && len(b) == 5:
		return s, binary.LittleEndian.Uint32(b[1:]), nil
	}
	return 0, 0, ErrBody
}
