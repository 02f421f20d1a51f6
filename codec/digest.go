package codec

import "encoding/binary"

// DigestFlags says what the sender of a digest wants.
type DigestFlags uint8

// The digest flags; the rest are reserved and must be 0.
const (
	DigestWantRuns DigestFlags = 1  // send me what I lack
	DigestOffer    DigestFlags = 2  // pull from me what you lack
	DigestFinal    DigestFlags = 4  // the last window of a whole set
	DigestPartial  DigestFlags = 16 // some origins of the range: nothing is said of those not listed

	digestFlagsKnown = DigestWantRuns | DigestOffer | DigestFinal | DigestPartial
)

// Digest is a parsed window of a version vector. Any origin in the closed range from Lo to Hi that
// it does not list is unknown to its sender, unless it is partial.
type Digest struct {
	Flags   DigestFlags
	Lo, Hi  OriginID
	Count   int // number of entries
	entries []byte
}

const (
	digestFixed = 1 + 8 + 8
	// digestEntryBytesMin: an identifier and a version vector entry of one byte.
	digestEntryBytesMin = 9
)

// DigestWriter appends a Digest record entry by entry.
type DigestWriter struct {
	dst   []byte
	start int
	limit int
	count int
	last  OriginID
	lo    OriginID
}

// Begin starts a record at the end of dst. limit bounds the length that dst may reach, not the
// record's. It reports false, and leaves dst alone, if not even an empty digest fits.
func (w *DigestWriter) Begin(dst []byte, limit int, flags DigestFlags, lo OriginID) bool {
	limit = min(limit, len(dst)+RecordBytes+RecordBodyMax)
	if len(dst)+RecordBytes+digestFixed > limit || flags&^digestFlagsKnown != 0 {
		return false
	}
	w.start, w.limit, w.count, w.last, w.lo = len(dst), limit, 0, 0, lo
	dst = append(BeginRecord(dst, TypeDigest), byte(flags))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(lo))
	w.dst = binary.LittleEndian.AppendUint64(dst, 0)
	return true
}

// Add appends an entry. It reports false, and appends nothing, if the entry does not fit.
// Identifiers must ascend and not be below lo; if not, Add panics.
func (w *DigestWriter) Add(e DigestEntry) bool {
	if e.ID <= w.last || e.ID < w.lo {
		panic("codec: digest out of order")
	}
	if len(w.dst)+DigestEntryBytes(e) > w.limit {
		return false
	}
	w.last = e.ID
	w.count++
	w.dst = appendUvarint(binary.LittleEndian.AppendUint64(w.dst, uint64(e.ID)), e.head())
	if e.Floor != 0 {
		w.dst = appendUvarint(w.dst, e.Floor)
	}
	return true
}

// Count is the number of entries so far.
func (w *DigestWriter) Count() int { return w.count }

// End completes the record, which covers identifiers up to hi, and gives the extended dst. hi must
// not be below the last entry or lo; if it is, End panics.
func (w *DigestWriter) End(hi OriginID) []byte {
	if hi < w.last || hi < w.lo {
		panic("codec: digest does not cover its entries")
	}
	binary.LittleEndian.PutUint64(w.dst[w.start+RecordBytes+9:], uint64(hi))
	dst := EndRecord(w.dst, w.start)
	w.dst = nil
	return dst
}

// DigestEntryBytes is the encoded size of an entry of a digest.
func DigestEntryBytes(e DigestEntry) int {
	n := 8 + uvarintBytes(e.head())
	if e.Floor != 0 {
		n += uvarintBytes(e.Floor)
	}
	return n
}

// DigestOverhead is the encoded size of a digest without entries.
const DigestOverhead = RecordBytes + digestFixed

// ParseDigest checks the whole body of a Digest record and fills d, whose entries are a view of it.
// Afterwards iteration can't fail.
func ParseDigest(body []byte, d *Digest) error {
	if len(body) < digestFixed {
		return ErrBody
	}
	d.Flags = DigestFlags(body[0])
	if d.Flags&^digestFlagsKnown != 0 {
		return ErrFlags
	}
	d.Lo = OriginID(binary.LittleEndian.Uint64(body[1:]))
	d.Hi = OriginID(binary.LittleEndian.Uint64(body[9:]))
	if d.Lo > d.Hi {
		return ErrOrder
	}
	d.entries, d.Count = body[digestFixed:], 0
	it := DigestIter{rest: d.entries}
	last := OriginID(0)
	for len(it.rest) > 0 {
		var e DigestEntry
		if err := it.step(&e); err != nil {
			return err
		}
		if e.ID <= last || e.ID < d.Lo || e.ID > d.Hi {
			return ErrOrder
		}
		last = e.ID
		d.Count++
	}
	return nil
}

// DigestEntry says that the sender holds the prefix of an origin up to Max, and knows of its floor.
// Dirty: it may still hold keys whose deletes were collected.
type DigestEntry struct {
	ID         OriginID
	Max, Floor uint64
	Dirty      bool
}

// The bits of the head of an entry, beside Max.
const (
	digestFloor = 1 << 0 // the floor follows
	digestDirty = 1 << 1

	digestBits = 2
)

func (e DigestEntry) head() uint64 {
	return e.Max<<digestBits | uint64(boolByte(e.Floor != 0))*digestFloor | uint64(boolByte(e.Dirty))*digestDirty
}

// DigestIter walks the entries of a parsed digest.
type DigestIter struct{ rest []byte }

// Entries gives an iterator from the first entry.
func (d *Digest) Entries() DigestIter { return DigestIter{d.entries} }

// Next gives the next entry, in ascending order of identifiers, or false at the end.
func (it *DigestIter) Next(e *DigestEntry) bool { return len(it.rest) > 0 && it.step(e) == nil }

func (it *DigestIter) step(e *DigestEntry) error {
	b := it.rest
	if len(b) < digestEntryBytesMin {
		return ErrBody
	}
	e.ID = OriginID(binary.LittleEndian.Uint64(b))
	v, n := uvarint(b[8:])
	e.Max, e.Floor, e.Dirty = v>>digestBits, 0, v&digestDirty != 0
	if n == 0 || e.Max > VersionMax {
		return ErrVarint
	}
	b = b[8+n:]
	if v&digestFloor != 0 {
		f, n := uvarint(b)
		if n == 0 || f-1 >= VersionMax { // a floor of 0 has no place here
			return ErrVarint
		}
		e.Floor, b = f, b[n:]
	}
	it.rest = b
	return nil
}
