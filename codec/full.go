package codec

import "encoding/binary"

// FullAt says that the sender took an origin's log up to a version and has no room for what
// follows. It holds for the sender alone, and for one interval unless it is said again.
type FullAt struct {
	ID      OriginID
	Version uint64 // the prefix up to here is whole
	Through uint64 // of what follows, up to here, the sender took what takes the place of something; not below Version
	Missing uint64 // entries above Version that the sender knows of and does not hold, as far as it can tell; 0: unknown
}

// Strangers, as the identifier of a FullAt, are all origins that the sender does not know: it had no
// seat for one of them. It takes nothing of theirs while Through is not 0, and then their
// introductions before all else.
const Strangers = ^OriginID(0)

// AppendFullAt appends one origin: the body of a FullAt record is one or more of them, in ascending
// order.
func AppendFullAt(dst []byte, f *FullAt) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.ID))
	return appendUvarint(appendUvarint(appendUvarint(dst, f.Version), f.Through-f.Version), f.Missing)
}

// FullAtBytesMax is the longest encoding of one origin.
const FullAtBytesMax = 8 + 8 + 8 + 8

// FullAts is the checked body of a FullAt record, a view of the frame.
type FullAts struct{ rest []byte }

// ParseFullAts checks the body of a FullAt record. Iteration can't fail then.
func ParseFullAts(b []byte) (FullAts, error) {
	if len(b) == 0 {
		return FullAts{}, ErrBody
	}
	l, last := FullAts{b}, OriginID(0)
	for rest := b; len(rest) > 0; {
		var f FullAt
		var err error
		if rest, err = parseFullAt(rest, &f); err != nil {
			return FullAts{}, err
		}
		if f.ID == 0 {
			return FullAts{}, ErrOrigin
		}
		if f.ID <= last {
			return FullAts{}, ErrOrder
		}
		last = f.ID
	}
	return l, nil
}

// Next gives the next origin, or false at the end.
func (l *FullAts) Next(f *FullAt) bool {
	if len(l.rest) == 0 {
		return false
	}
	rest, err := parseFullAt(l.rest, f)
	l.rest = rest
	return err == nil
}

// Through is how far the sender has seen the log of an origin of which it is full; 0: it is not, as
// far as the list says.
func (l FullAts) Through(id OriginID) uint64 {
	for f := (FullAt{}); l.Next(&f) && f.ID <= id; {
		if f.ID == id {
			return f.Through
		}
	}
	return 0
}

// Origins tells whether the list names any, Strangers apart.
func (l FullAts) Origins() bool {
	f := FullAt{}
	return l.Next(&f) && f.ID != Strangers
}

// Strangers tells whether the sender has turned others away, and takes nobody for now. If not, it
// takes their introductions first.
func (l FullAts) Strangers() (shut, away bool) {
	for f := (FullAt{}); l.Next(&f); {
		if f.ID == Strangers {
			return f.Through > 0, true
		}
	}
	return false, false
}

func parseFullAt(b []byte, f *FullAt) (rest []byte, err error) {
	if len(b) < 8+1+1+1 {
		return nil, ErrBody
	}
	f.ID = OriginID(binary.LittleEndian.Uint64(b))
	b = b[8:]
	var n int
	if f.Version, n = uvarint(b); n == 0 || f.Version > VersionMax {
		return nil, ErrVarint
	}
	b = b[n:]
	if f.Through, n = uvarint(b); n == 0 || f.Through > VersionMax-f.Version {
		return nil, ErrVarint
	}
	f.Through += f.Version
	b = b[n:]
	if f.Missing, n = uvarint(b); n == 0 || f.Missing > VersionMax {
		return nil, ErrVarint
	}
	return b[n:], nil
}

// Checkpoint says what the live entries of an origin sum up to, without their ages, when its log
// ended at Version. Only who reached that version when it was the newest, and is clean and not
// full, must have the same sum: elsewhere two replicas may legally differ.
type Checkpoint struct {
	ID      OriginID
	Version uint64 // not 0
	Sum     uint64
}

// AppendCheckpoint appends a Checkpoint record. It panics on a version that is not from 1 to
// VersionMax.
func AppendCheckpoint(dst []byte, p *Checkpoint) []byte {
	if p.Version == 0 || p.Version > VersionMax {
		panic("codec: version out of range")
	}
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(BeginRecord(dst, TypeCheckpoint), uint64(p.ID))
	dst = binary.LittleEndian.AppendUint64(dst, p.Sum)
	return EndRecord(appendUvarint(dst, p.Version), start)
}

// CheckpointBytesMax is the longest Checkpoint record.
const CheckpointBytesMax = RecordBytes + 8 + 8 + 8

// ParseCheckpoint reads the body of a Checkpoint record.
func ParseCheckpoint(body []byte, p *Checkpoint) error {
	if len(body) < 8+8+1 {
		return ErrBody
	}
	le := binary.LittleEndian
	*p = Checkpoint{ID: OriginID(le.Uint64(body)), Sum: le.Uint64(body[8:])}
	if p.ID == 0 {
		return ErrOrigin
	}
	v, n := uvarint(body[16:])
	if n == 0 || v-1 >= VersionMax {
		return ErrVarint
	}
	if 16+n != len(body) {
		return ErrBody
	}
	p.Version = v
	return nil
}
