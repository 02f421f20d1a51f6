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
// they differ.
type Sync struct{ Kind SyncKind }

// AppendSync appends a Sync record.
func AppendSync(dst []byte, s Sync) []byte { return append(dst, byte(TypeSync), 1, 0, byte(s.Kind)) }

// ParseSync reads the body of a Sync record.
func ParseSync(body []byte) (Sync, error) {
	if len(body) != 1 {
		return Sync{}, ErrBody
	}
	k := SyncKind(body[0])
	if k < SyncPush || k > SyncPushPull {
		return Sync{}, ErrUnsupported
	}
	return Sync{k}, nil
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
// at least as long as its answer. With a smaller n it appends nothing.
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

// ParsePad checks the body of a Pad record: zeros.
func ParsePad(body []byte) error {
	for _, c := range body {
		if c != 0 {
			return ErrFlags
		}
	}
	return nil
}
