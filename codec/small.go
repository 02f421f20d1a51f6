package codec

// SyncKind says which way an exchange moves news.
type SyncKind uint8

// The ways of an exchange, named from the side that starts it.
const (
	SyncPush     SyncKind = 1
	SyncPull     SyncKind = 2
	SyncPushPull SyncKind = 3
)

// Sync asks the receiver to compare the state fingerprint in the header with its own, and to answer
// with a digest if they differ. Hint, 0 to SyncHintMax, is how large a difference the sender has
// seen lately: 0 is small.
type Sync struct {
	Kind SyncKind
	Hint uint8
}

// SyncHintMax is the largest hint.
const SyncHintMax = 3

// AppendSync appends a Sync record.
func AppendSync(dst []byte, s Sync) []byte {
	return append(dst, byte(TypeSync), 1, 0, byte(s.Kind)|s.Hint<<2)
}

// ParseSync reads the body of a Sync record.
func ParseSync(body []byte) (Sync, error) {
	if len(body) != 1 {
		return Sync{}, ErrBody
	}
	s := Sync{Kind: SyncKind(body[0] & 3), Hint: body[0] >> 2}
	if s.Kind < SyncPush || s.Hint > SyncHintMax {
		return Sync{}, ErrUnsupported
	}
	return s, nil
}

// Have tells a node what the sender holds of that node's own origin: the prefix up to Max, and the
// floor that it knows. It acknowledges direct mail, cumulatively. Dirty: the sender may still hold
// keys whose deletes were collected.
type Have struct {
	Max, Floor uint64
	Open       uint64 // contents that entries refer to are here for versions up to Max - Open; 0: all
	Dirty      bool
}

// The bits of a Have's head, beside Max.
const (
	haveDirty = 1 << 0
	haveOpen  = 1 << 1 // Open follows the floor

	haveBits = 2
)

// AppendHave appends a Have record. It panics if Open is above Max.
func AppendHave(dst []byte, h Have) []byte {
	if h.Open > h.Max {
		panic("codec: more contents are open than there are versions")
	}
	start := len(dst)
	head := h.Max<<haveBits | uint64(boolByte(h.Dirty))*haveDirty | uint64(boolByte(h.Open != 0))*haveOpen
	dst = appendUvarint(appendUvarint(BeginRecord(dst, TypeHave), head), h.Floor)
	if h.Open != 0 {
		dst = appendUvarint(dst, h.Open)
	}
	return EndRecord(dst, start)
}

// ParseHave reads the body of a Have record.
func ParseHave(body []byte) (h Have, err error) {
	head, n := uvarint(body)
	h = Have{Max: head >> haveBits, Dirty: head&haveDirty != 0}
	if n == 0 || h.Max > VersionMax {
		return Have{}, ErrVarint
	}
	body = body[n:]
	if h.Floor, n = uvarint(body); n == 0 || h.Floor > VersionMax {
		return Have{}, ErrVarint
	}
	body = body[n:]
	if head&haveOpen != 0 {
		if h.Open, n = uvarint(body); n == 0 || h.Open-1 >= h.Max { // an Open of 0 has no place here
			return Have{}, ErrVarint
		}
		body = body[n:]
	}
	if len(body) != 0 {
		return Have{}, ErrBody
	}
	return h, nil
}

// AppendPad appends a Pad record of n bytes in all, at least RecordBytes: fillers make frames
// equally long, and a hello at least as long as its answer. With a smaller n it appends nothing.
// Nobody reads the body.
func AppendPad(dst []byte, n int) []byte {
	if n < RecordBytes {
		return dst
	}
	start := len(dst)
	dst = BeginRecord(dst, TypePad)
	for len(dst) < start+n {
		dst = append(dst, 0)
	}
	return EndRecord(dst, start)
}
