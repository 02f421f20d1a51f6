package codec

import "encoding/binary"

// Run is a parsed contiguous piece of one origin's log: every live key of the origin whose version is in (From, To], and
// nothing else. A replica that holds the prefix up to From or more holds it up to To after applying the run.
type Run struct {
	ID       OriginID
	From, To uint64
	Floor    uint64 // deletes up to here were collected by the origin
	Count    int    // number of entries
	entries  []byte
}

// RunWriter appends a Run record entry by entry. A caller keeps one and uses it again.
type RunWriter struct {
	dst      []byte
	start    int
	limit    int
	count    int
	from     uint64
	version  uint64 // of the last entry
	headAt   int
	hasFloor uint64
	keyBytes int
	key      [KeyBytesMax]byte
}

// Begin starts a record at the end of dst. limit bounds the length that dst may reach, not the record's. It reports
// false, and leaves dst alone, if not even an empty run fits. It panics on versions above VersionMax.
func (w *RunWriter) Begin(dst []byte, limit int, id OriginID, from, floor uint64) bool {
	if from > VersionMax || floor > VersionMax {
		panic("codec: version out of range")
	}
	limit = min(limit, len(dst)+RecordBytes+RecordBodyMax)
	if len(dst)+RunOverhead(from, floor) > limit {
		return false
	}
	w.start, w.limit, w.count, w.from, w.version, w.keyBytes = len(dst), limit, 0, from, from, 0
	w.hasFloor = uint64(boolByte(floor != 0))
	dst = binary.LittleEndian.AppendUint64(BeginRecord(dst, TypeRun), uint64(id))
	w.headAt = len(dst)
	dst = appendUvarint(dst, from<<2|w.hasFloor)
	if floor != 0 {
		dst = appendUvarint(dst, floor)
	}
	w.dst = dst
	return true
}

// Entry appends e. It reports false, and appends nothing, if e does not fit: it always fits the next empty frame. It
// panics if e is not newer than the entry before it (the first: than from) or is above the limits of the protocol.
func (w *RunWriter) Entry(e *Entry) bool {
	if e.Version <= w.version || e.Version > VersionMax {
		panic("codec: run out of order")
	}
	if len(e.Key) == 0 && e.Flags&EntryByRef == 0 {
		panic("codec: entry without a key")
	}
	if len(e.Key) > KeyBytesMax || len(e.Key)+len(e.Value) > EntryBytesMax {
		panic("codec: entry above the protocol's limit")
	}
	shared := commonPrefix(w.key[:w.keyBytes], e.Key)
	gap := e.Version - w.version - 1
	if len(w.dst)+entryBytes(e, gap, shared)+runToBytes > w.limit {
		return false
	}
	w.dst = appendEntry(w.dst, e, gap, shared)
	w.version = e.Version
	w.count++
	if e.Flags&EntryByRef == 0 {
		w.keyBytes = shared + copy(w.key[shared:], e.Key[shared:])
	}
	return true
}

// Count is the number of entries so far.
func (w *RunWriter) Count() int { return w.count }

// Len is the length of dst with what was appended so far.
func (w *RunWriter) Len() int { return len(w.dst) }

// Last is the version of the last entry so far, or from.
func (w *RunWriter) Last() uint64 { return w.version }

// End completes the record, a run up to version to, and gives the extended dst. to must not be below the last entry; if
// it is, or above VersionMax, End panics.
func (w *RunWriter) End(to uint64) []byte {
	if to < w.version || to > VersionMax {
		panic("codec: run ends before its last entry")
	}
	dst := w.dst
	if to > w.version {
		head := dst[w.headAt:]
		appendUvarint(head[:0], w.from<<2|2|w.hasFloor) // the same length
		dst = append(dst, byte(to), byte(to>>8), byte(to>>16), byte(to>>24), byte(to>>32), byte(to>>40), byte(to>>48))
	}
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

// RunOverhead is the size that a run takes of a frame's budget beside its entries.
func RunOverhead(from, floor uint64) int {
	n := RecordBytes + 8 + uvarintBytes(from<<2) + runToBytes
	if floor != 0 {
		n += uvarintBytes(floor)
	}
	return n
}

// ParseRun checks the whole body of a Run record, every entry included, and fills r, whose entries are a view of it.
// Afterwards iteration can't fail. Runs with entries by reference, which no sender makes yet, give ErrUnsupported.
func ParseRun(body []byte, r *Run) error {
	flags, err := parseRun(body, r)
	if err == nil && flags&entryFlagsRefs != 0 {
		err = ErrUnsupported
	}
	return err
}

// parseRun is ParseRun with all kinds of entries; it gives the flags that they have together.
func parseRun(body []byte, r *Run) (flags EntryFlags, err error) {
	if len(body) < 9 {
		return 0, ErrBody
	}
	r.ID = OriginID(binary.LittleEndian.Uint64(body))
	if r.ID == 0 {
		return 0, ErrOrigin
	}
	head, n := uvarint(body[8:])
	if n == 0 || head>>2 > VersionMax {
		return 0, ErrVarint
	}
	b := body[8+n:]
	r.From, r.To, r.Floor, r.Count = head>>2, VersionMax, 0, 0
	if head&1 != 0 {
		f, n := uvarint(b)
		if n == 0 || f-1 >= VersionMax { // a floor of 0 has no place here
			return 0, ErrVarint
		}
		r.Floor, b = f, b[n:]
	}
	if head&2 != 0 {
		if len(b) < runToBytes {
			return 0, ErrBody
		}
		end := len(b) - runToBytes
		r.To, b = load(b[end:], runToBytes), b[:end]
	}
	r.entries = b
	return r.checkEntries(head&2 != 0)
}

// checkEntries walks the entries once. explicit says that the body named To: it must then be beyond the last entry.
func (r *Run) checkEntries(explicit bool) (flags EntryFlags, err error) {
	var it RunIter
	it.Reset(r)
	var e Entry
	for len(it.rest) > 0 {
		if err := it.step(&e); err != nil {
			return 0, err
		}
		flags |= e.Flags
		r.Count++
	}
	if explicit && r.To <= it.version {
		return 0, ErrOrder
	}
	if !explicit {
		r.To = it.version
	}
	return flags, nil
}

// RunIter walks the entries of a parsed run. It holds the bytes of the current key, so that an owner keeps one and uses
// it again: a local one would move to the heap.
type RunIter struct {
	rest     []byte
	version  uint64
	to       uint64
	keyBytes int
	key      [KeyBytesMax]byte
}

// Reset starts at the first entry of r.
func (it *RunIter) Reset(r *Run) {
	it.rest, it.version, it.to, it.keyBytes = r.entries, r.From, r.To, 0
}

// Next gives the next entry in ascending order of versions, or false at the end. e.Key is a view of the iterator, valid
// until the next call; e.Value is a view of the frame.
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
