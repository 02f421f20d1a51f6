package codec

// SyncKind says which way an exchange moves news.
type SyncKind uint8

// The ways of an exchange, named from the side that starts it.
const (
	SyncPush     SyncKind = 1
	SyncPull     SyncKind = 2
	SyncPushPull SyncKind = 3
)

// Sync asks the receiver to compare the state fingerprint in the header with its own, and to answer with a digest if
// they differ. Hint, 0 to SyncHintMax, is how large a difference the sender has seen lately: 0 is small.
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

// Have tells a node what the sender holds of that node's own origin: the prefix up to Max, and the floor that it knows.
// It acknowledges direct mail, cumulatively.
type Have struct{ Max, Floor uint64 }

// AppendHave appends a Have record.
func AppendHave(dst []byte, h Have) []byte {
	start := len(dst)
	dst = BeginRecord(dst, TypeHave)
	return EndRecord(appendUvarint(appendUvarint(dst, h.Max), h.Floor), start)
}

// ParseHave reads the body of a Have record.
func ParseHave(body []byte) (h Have, err error) {
	m, n := uvarint(body)
	if n == 0 || m > VersionMax {
		return Have{}, ErrVarint
	}
	f, k := uvarint(body[n:])
	if k == 0 || f > VersionMax {
		return Have{}, ErrVarint
	}
	if n+k != len(body) {
		return Have{}, ErrBody
	}
	return Have{m, f}, nil
}

// AppendPad appends a Pad record of n bytes in all, at least RecordBytes: fillers make frames equally long, and a hello
// at least as long as its answer. With a smaller n it appends nothing. Nobody reads the body.
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
