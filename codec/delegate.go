package codec

import "encoding/binary"

// Delegate follows a Run: its sender wants the run acknowledged under a serial, and passed on to
// the members whose origins lie in a range of the ring of identifiers, if there is one. The range
// may pass the ring's end: then Lo is above Hi.
type Delegate struct {
	Serial uint32 // not 0; the sender's
	Back   uint64 // so far before the news did the run begin: its sender was behind
	Ranged bool   // Lo to Hi, both included, are to be covered
	Lazy   bool   // its acknowledgement may wait for a frame that leaves anyway
	Same   bool   // the range is that of the last Delegate of the frame; not with Ranged
	Lo, Hi uint64
}

// The bits of a Delegate's head, beside Back.
const (
	delegateRanged = 1 << 0
	delegateSame   = 1 << 1
	delegateLazy   = 1 << 2

	delegateBits = 3
)

// DelegateBytesMax is the longest Delegate record, CoveredBytes one serial of a Covered.
const (
	DelegateBytesMax = RecordBytes + 4 + 8 + 8 + 8
	CoveredBytes     = 4
	// CoveredHeadBytes is the body of a Covered without a serial.
	CoveredHeadBytes = 1
)

// AppendDelegate appends a Delegate record. It panics on the serial 0, and where both Ranged and
// Same are set.
func AppendDelegate(dst []byte, d *Delegate) []byte {
	if d.Serial == 0 || d.Ranged && d.Same {
		panic("codec: a delegation without a serial, or with two ranges")
	}
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(BeginRecord(dst, TypeDelegate), d.Serial)
	head := d.Back<<delegateBits | uint64(boolByte(d.Ranged))*delegateRanged | uint64(boolByte(d.Same))*delegateSame
	dst = appendUvarint(dst, head|uint64(boolByte(d.Lazy))*delegateLazy)
	if d.Ranged {
		dst = binary.LittleEndian.AppendUint64(dst, d.Lo)
		dst = binary.LittleEndian.AppendUint64(dst, d.Hi)
	}
	return EndRecord(dst, start)
}

// ParseDelegate reads the body of a Delegate record.
func ParseDelegate(body []byte, d *Delegate) error {
	le := binary.LittleEndian
	if len(body) < 4+1 {
		return ErrBody
	}
	*d = Delegate{Serial: le.Uint32(body)}
	head, n := uvarint(body[4:])
	if d.Back = head >> delegateBits; n == 0 || d.Back > VersionMax {
		return ErrVarint
	}
	body = body[4+n:]
	d.Ranged, d.Same, d.Lazy = head&delegateRanged != 0, head&delegateSame != 0, head&delegateLazy != 0
	switch {
	case d.Serial == 0:
		return ErrOrder
	case d.Ranged && d.Same:
		return ErrFlags
	case d.Ranged && len(body) != 16, !d.Ranged && len(body) != 0:
		return ErrBody
	case d.Ranged:
		d.Lo, d.Hi = le.Uint64(body), le.Uint64(body[8:])
	}
	return nil
}

// BeginCovered appends the start of a Covered record: whether what is named by the serials that
// follow is held and will be covered. The caller appends one serial at least, each with
// AppendSerial, and ends with EndRecord.
func BeginCovered(dst []byte, covers bool) []byte {
	return append(BeginRecord(dst, TypeCovered), boolByte(covers))
}

// AppendSerial appends the serial of a Delegate to a Covered.
func AppendSerial(dst []byte, serial uint32) []byte {
	return binary.LittleEndian.AppendUint32(dst, serial)
}

// Covered is the checked body of a Covered record, a view of the frame.
type Covered struct {
	Covers bool // false: the sender can't
	rest   []byte
}

// ParseCovered checks the body of a Covered record. Iteration can't fail then.
func ParseCovered(body []byte) (Covered, error) {
	if len(body) < CoveredHeadBytes+CoveredBytes || (len(body)-CoveredHeadBytes)%CoveredBytes != 0 {
		return Covered{}, ErrBody
	}
	if body[0] > 1 {
		return Covered{}, ErrFlags
	}
	return Covered{body[0] == 1, body[CoveredHeadBytes:]}, nil
}

// Next gives the next serial, or false at the end.
func (c *Covered) Next() (serial uint32, ok bool) {
	if len(c.rest) == 0 {
		return 0, false
	}
	serial = binary.LittleEndian.Uint32(c.rest)
	c.rest = c.rest[CoveredBytes:]
	return serial, true
}
