package codec

import "encoding/binary"

// RunHead says what a run is a piece of.
type RunHead struct {
	ID    OriginID
	From  uint64 // the run begins after this version
	Floor uint64 // deletes up to here were collected by the origin
	Max   uint64 // what the sender holds of the origin
	Dirty bool   // the sender may still hold keys whose deletes were collected
}

// Run is a parsed contiguous piece of one origin's log: every live key of the origin whose version
// is in (From, To], and nothing else. A replica that holds the prefix up to From or more holds it
// up to To after applying the run. Where To is Max it is level with the sender then: it holds a
// state that the origin was in.
type Run struct {
	RunHead
	To      uint64
	Count   int // number of entries
	entries []byte
}

// Level tells whether the run ends at all that its sender holds.
func (r *Run) Level() bool { return r.To == r.Max }

// The bits of a run's head, beside From.
const (
	runFloor = 1 << 0 // the floor follows
	runTo    = 1 << 1 // To stands at the end: the last entry is older
	runLevel = 1 << 2 // To is Max; else Max stands at the end
	runDirty = 1 << 3

	runBits = 4
)

// RunWriter appends a Run record entry by entry. A caller keeps one and uses it again.
type RunWriter struct {
	dst      []byte
	start    int
	limit    int
	count    int
	max      uint64
	version  uint64 // of the last entry
	end      uint64 // of the last entry's batch
	stamp    int64  // of the last entry that has one
	headAt   int
	keyBytes int
	key      [KeyBytesMax]byte
}

// Begin starts a record at the end of dst. limit bounds the length that dst may reach, not the
// record's. It reports false, and leaves dst alone, if not even an empty run fits. A Max below
// where the run ends counts as that end. Begin panics on versions above VersionMax.
func (w *RunWriter) Begin(dst []byte, limit int, h RunHead) bool {
	return w.begin(dst, limit, TypeRun, h)
}

// BeginPart is Begin for a Part record.
func (w *RunWriter) BeginPart(dst []byte, limit int, h RunHead) bool {
	return w.begin(dst, limit, TypePart, h)
}

func (w *RunWriter) begin(dst []byte, limit int, t Type, h RunHead) bool {
	if h.From > VersionMax || h.Floor > VersionMax || h.Max > VersionMax {
		panic("codec: version out of range")
	}
	limit = min(limit, len(dst)+RecordBytes+RecordBodyMax)
	if len(dst)+RunOverhead(h.From, h.Floor) > limit {
		return false
	}
	w.start, w.limit, w.count, w.max, w.version, w.end, w.stamp, w.keyBytes = len(dst), limit, 0, h.Max, h.From, h.From, 0, 0
	head := h.From<<runBits | uint64(boolByte(h.Floor != 0))*runFloor | uint64(boolByte(h.Dirty))*runDirty
	dst = binary.LittleEndian.AppendUint64(BeginRecord(dst, t), uint64(h.ID))
	w.headAt = len(dst)
	dst = appendUvarint(dst, head)
	if h.Floor != 0 {
		dst = appendUvarint(dst, h.Floor)
	}
	w.dst = dst
	return true
}

// Entry appends e. It reports false, and appends nothing, if e does not fit: it always fits the
// next empty frame. It panics if e is not newer than the entry before it (the first: than from) or
// is above the limits of the protocol.
func (w *RunWriter) Entry(e *Entry) bool {
	if e.Version <= w.version || e.Version > VersionMax {
		panic("codec: run out of order")
	}
	if e.Flags == EntryByRef && e.Rest == 0 {
		return w.reference(e)
	}
	if len(e.Key) == 0 && e.Flags&EntryByRef == 0 {
		panic("codec: entry without a key")
	}
	if len(e.Key) > KeyBytesMax || len(e.Key)+len(e.Value) > EntryBytesMax {
		panic("codec: entry above the protocol's limit")
	}
	if e.Flags != 0 && !e.wellFormed() {
		panic("codec: entry of no valid kind")
	}
	if e.Version <= w.end && e.End() != w.end {
		panic("codec: batch with two ends")
	}
	shared := commonPrefix(w.key[:w.keyBytes], e.Key)
	gap := e.Version - w.version - 1
	if len(w.dst)+entryBytes(e, gap, shared, w.stamp)+runTailBytes > w.limit {
		return false
	}
	w.dst = appendEntry(w.dst, e, gap, shared, w.stamp)
	if e.Flags&EntryStamp != 0 {
		w.stamp = e.Stamp
	}
	w.version, w.end = e.Version, max(w.end, e.End())
	w.count++
	if e.Flags&EntryByRef == 0 {
		w.keyBytes = shared + copy(w.key[shared:], e.Key[shared:])
	}
	return true
}

// reference is Entry for one that is no more than a reference and a value.
func (w *RunWriter) reference(e *Entry) bool {
	if e.Version < w.end || len(e.Value) > EntryBytesMax {
		panic("codec: reference within a batch, or above the protocol's limit")
	}
	head, ref, n := (e.Version-w.version-1)<<headBits|headRef, uint64(e.Ref), uint64(len(e.Value))
	if len(w.dst)+uvarintBytes(head)+uvarintBytes(ref)+uvarintBytes(n)+len(e.Value)+runTailBytes > w.limit {
		return false
	}
	w.dst = append(appendUvarint(appendUvarint(appendUvarint(w.dst, head), ref), n), e.Value...)
	w.version, w.end = e.Version, e.Version
	w.count++
	return true
}

// FitsBatch tells whether a batch has room whose writes take so much by BatchEntryBytes. Entry
// takes all of it then.
func (w *RunWriter) FitsBatch(bytes int) bool {
	return len(w.dst)+batchHeadBytes+bytes+runTailBytes <= w.limit
}

// Count is the number of entries so far.
func (w *RunWriter) Count() int { return w.count }

// Len is the length of dst with what was appended so far.
func (w *RunWriter) Len() int { return len(w.dst) }

// Last is the version of the last entry so far, or from.
func (w *RunWriter) Last() uint64 { return w.version }

// End completes the record, a run up to version to, and gives the extended dst. to must not be
// below the last entry; if it is, or within a batch, or above VersionMax, End panics.
func (w *RunWriter) End(to uint64) []byte {
	if to < w.end || to > VersionMax {
		panic("codec: run ends before its last entry")
	}
	dst, bits := w.dst, uint64(0)
	if to > w.version {
		bits |= runTo
		dst = appendVersion(dst, to)
	}
	if to >= w.max {
		bits |= runLevel
	} else {
		dst = appendVersion(dst, w.max)
	}
	orUvarint(dst[w.headAt:], bits)
	dst = EndRecord(dst, w.start)
	w.dst = nil
	return dst
}

// Cancel gives dst as it was before Begin.
func (w *RunWriter) Cancel() []byte {
	dst := w.dst[:w.start]
	w.dst = nil
	return dst
}

func appendVersion(dst []byte, v uint64) []byte {
	return append(dst, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40), byte(v>>48))
}

// RunOverhead is the size that a run takes of a frame's budget beside its entries.
func RunOverhead(from, floor uint64) int {
	n := RecordBytes + 8 + uvarintBytes(from<<runBits) + runTailBytes
	if floor != 0 {
		n += uvarintBytes(floor)
	}
	return n
}

// ParseRun checks the whole body of a Run record, every entry included, and fills r, whose entries
// are a view of it. Afterwards iteration can't fail.
func ParseRun(body []byte, r *Run) error {
	_, err := parseRun(body, r)
	return err
}

// ParsePart is ParseRun for the body of a Part record, which has no references: what it mends may be
// what they would lead to.
func ParsePart(body []byte, r *Run) error {
	flags, err := parseRun(body, r)
	if err == nil && flags&EntryByRef != 0 {
		err = ErrUnsupported
	}
	return err
}

// parseRun is ParseRun; it gives the flags that the entries have together.
func parseRun(body []byte, r *Run) (flags EntryFlags, err error) {
	if len(body) < 9 {
		return 0, ErrBody
	}
	r.ID = OriginID(binary.LittleEndian.Uint64(body))
	if r.ID == 0 {
		return 0, ErrOrigin
	}
	head, n := uvarint(body[8:])
	if n == 0 || head>>runBits > VersionMax {
		return 0, ErrVarint
	}
	b := body[8+n:]
	r.From, r.To, r.Floor, r.Max, r.Dirty, r.Count = head>>runBits, VersionMax, 0, 0, head&runDirty != 0, 0
	if head&runFloor != 0 {
		f, n := uvarint(b)
		if n == 0 || f-1 >= VersionMax { // a floor of 0 has no place here
			return 0, ErrVarint
		}
		r.Floor, b = f, b[n:]
	}
	if head&runLevel == 0 {
		if b, r.Max, err = cutVersion(b); err != nil {
			return 0, err
		}
	}
	if head&runTo != 0 {
		if b, r.To, err = cutVersion(b); err != nil {
			return 0, err
		}
	}
	r.entries = b
	if flags, err = r.checkEntries(head&runTo != 0); err != nil {
		return 0, err
	}
	if head&runLevel != 0 {
		r.Max = r.To
	} else if r.Max <= r.To {
		return 0, ErrOrder // who is level says so
	}
	return flags, nil
}

// cutVersion takes a version off the end of b.
func cutVersion(b []byte) (rest []byte, v uint64, err error) {
	end := len(b) - versionBytes
	if end < 0 {
		return nil, 0, ErrBody
	}
	return b[:end], load(b[end:], versionBytes), nil
}

// checkEntries walks the entries once. explicit says that the body named To: it must then be beyond
// the last entry.
func (r *Run) checkEntries(explicit bool) (flags EntryFlags, err error) {
	var it RunIter
	it.Reset(r)
	var e Entry
	end := r.From // of the batch that the last entry belongs to
	for len(it.rest) > 0 {
		if err := it.step(&e); err != nil {
			return 0, err
		}
		if e.Version <= end && e.Version+uint64(e.Rest) != end {
			return 0, ErrEntry // a batch has one end
		}
		end = max(end, e.Version+uint64(e.Rest))
		flags |= e.Flags
		r.Count++
	}
	if end > r.To || !explicit && end > it.version {
		return 0, ErrOrder // nobody is level within a batch
	}
	if explicit && r.To <= it.version {
		return 0, ErrOrder
	}
	if !explicit {
		r.To = it.version
	}
	return flags, nil
}

// RunIter walks the entries of a parsed run. It holds the bytes of the current key, so that an
// owner keeps one and uses it again: a local one would move to the heap.
type RunIter struct {
	rest     []byte
	version  uint64
	to       uint64
	stamp    int64 // of the last entry that has one
	keyBytes int
	key      [KeyBytesMax]byte
}

// Reset starts at the first entry of r.
func (it *RunIter) Reset(r *Run) {
	it.rest, it.version, it.to, it.stamp, it.keyBytes = r.entries, r.From, r.To, 0, 0
}

// Next gives the next entry in ascending order of versions, or false at the end. e.Key is a view of
// the iterator, valid until the next call; e.Value is a view of the frame.
func (it *RunIter) Next(e *Entry) bool {
	if len(it.rest) == 0 || it.step(e) != nil {
		return false
	}
	e.Key = nil
	if e.Flags&EntryByRef == 0 {
		e.Key = it.key[:it.keyBytes:it.keyBytes]
	}
	return true
}
