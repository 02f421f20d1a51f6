package codec

import "encoding/binary"

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

const (
	// TokenBytes is the body of a Repair record.
	TokenBytes = 1 + 8 + 8 + 8 + 4 + 4 + 4 + 4 + 4 + 8
	// HopsMax bounds the hops that a token may claim, so that a forged one ends.
	HopsMax = 1 << 21
)

// Token is the state of a walk of ring repair: a Repair record.
type Token struct {
	Kind    TokenKind
	Walk    uint64   // names the walk; not 0
	Starter OriginID // who gets the reports
	At      OriginID // TokenOpen: where the digest is to begin
	Hop     uint32   // hops done
	Hops    uint32   // hops in all
	Copied  uint32   // origins copied whole, so far
	Patched uint32   // origins repaired by a difference
	Skipped uint32   // successors that did not answer
	Entries uint64   // entries sent
}

// AppendToken appends a Repair record.
func AppendToken(dst []byte, t *Token) []byte {
	le := binary.LittleEndian
	dst = append(dst, byte(TypeRepair), TokenBytes, 0, byte(t.Kind))
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

// ParseToken reads the body of a Repair record into t.
func ParseToken(b []byte, t *Token) error {
	if len(b) != TokenBytes {
		return ErrBody
	}
	le := binary.LittleEndian
	*t = Token{
		Kind: TokenKind(b[0]), Walk: le.Uint64(b[1:]), Starter: OriginID(le.Uint64(b[9:])),
		At: OriginID(le.Uint64(b[17:])), Hop: le.Uint32(b[25:]), Hops: le.Uint32(b[29:]),
		Copied: le.Uint32(b[33:]), Patched: le.Uint32(b[37:]), Skipped: le.Uint32(b[41:]), Entries: le.Uint64(b[45:]),
	}
	switch {
	case t.Kind == 0 || t.Kind >= tokenEnd:
		return ErrUnsupported
	case t.Walk == 0 || t.Starter == 0:
		return ErrOrigin
	case t.Hop > t.Hops || t.Hops > HopsMax:
		return ErrOrder
	}
	return nil
}
