package codec

import "encoding/binary"

// PreciseRunWriter appends a PreciseRun record: entries of one origin in ascending order of version
// that need not be without holes. A caller keeps one and uses it again.
type PreciseRunWriter struct{ run RunWriter }

// PreciseRunOverhead is the size of a record without entries.
const PreciseRunOverhead = RecordBytes + 8

// Begin starts a record at the end of dst. limit bounds the length that dst may reach, not the
// record's. It reports false, and leaves dst alone, if not even an empty record fits.
func (w *PreciseRunWriter) Begin(dst []byte, limit int, id OriginID) bool {
	limit = min(limit, len(dst)+RecordBytes+RecordBodyMax)
	if len(dst)+PreciseRunOverhead > limit {
		return false
	}
	r := &w.run
	r.start, r.count, r.version, r.end, r.stamp, r.keyBytes = len(dst), 0, 0, 0, 0, 0
	r.limit = limit + runTailBytes // which it keeps free for what is not written here
	r.dst = binary.LittleEndian.AppendUint64(BeginRecord(dst, TypePreciseRun), uint64(id))
	return true
}

// Entry is as that of a RunWriter.
func (w *PreciseRunWriter) Entry(e *Entry) bool { return w.run.Entry(e) }

// Count is the number of entries so far.
func (w *PreciseRunWriter) Count() int { return w.run.count }

// End completes the record and gives the extended dst.
func (w *PreciseRunWriter) End() []byte {
	dst := EndRecord(w.run.dst, w.run.start)
	w.run.dst = nil
	return dst
}

// ParsePreciseRun checks the whole body of a PreciseRun record and fills r: From is 0 and To the
// last entry's version, which says nothing about what is between. Afterwards iteration can't fail.
func ParsePreciseRun(body []byte, r *Run) error {
	flags, err := parsePreciseRun(body, r)
	if err == nil && flags&^(entryFlagsStored&^(EntryMore|EntryByRef)) != 0 { // who takes any entries in any order keeps no batch together
		err = ErrUnsupported
	}
	return err
}

func parsePreciseRun(body []byte, r *Run) (EntryFlags, error) {
	if len(body) < 8 {
		return 0, ErrBody
	}
	*r = Run{RunHead: RunHead{ID: OriginID(binary.LittleEndian.Uint64(body))}, To: VersionMax, entries: body[8:]}
	if r.ID == 0 {
		return 0, ErrOrigin
	}
	return r.checkEntries(false)
}

// PrecisePullWriter appends a PrecisePull record: a list of entries by origin and version, which
// name one write.
type PrecisePullWriter struct {
	dst     []byte
	start   int
	limit   int
	group   group
	groups  int
	last    OriginID
	version uint64
}

// Begin starts a record at the end of dst. limit bounds the length that dst may reach, not the
// record's. It reports false, and leaves dst alone, if not even an empty record fits.
func (w *PrecisePullWriter) Begin(dst []byte, limit int) bool {
	limit = min(limit, len(dst)+RecordBytes+RecordBodyMax)
	if len(dst)+RecordBytes+1 > limit {
		return false
	}
	*w = PrecisePullWriter{dst: append(BeginRecord(dst, TypePrecisePull), 0), start: len(dst), limit: limit}
	return true
}

// Origin starts the group of an origin: the versions that are asked for follow. A group without any
// asks for all of the origin, and who it is. It reports false, and appends nothing, if it does not
// fit, or no version behind it would. Identifiers must ascend; if not, Origin panics.
func (w *PrecisePullWriter) Origin(id OriginID) bool {
	if id <= w.last {
		panic("codec: pull out of order")
	}
	if len(w.dst)+groupBytes+9 > w.limit {
		return false
	}
	w.last, w.version = id, 0
	w.dst = w.group.open(w.dst, id)
	w.groups++
	return true
}

// Version asks for a version of the group's origin. It reports false, and appends nothing, if it
// does not fit. Versions must ascend; if not, Version panics.
func (w *PrecisePullWriter) Version(v uint64) bool {
	if v <= w.version || v > VersionMax {
		panic("codec: pull out of order")
	}
	gap := v - w.version - 1
	if len(w.dst)+uvarintBytes(gap) > w.limit {
		return false
	}
	w.dst, w.version = appendUvarint(w.dst, gap), v
	w.group.add(w.dst)
	return true
}

// Groups is the number of origins so far.
func (w *PrecisePullWriter) Groups() int { return w.groups }

// Cancel gives dst as it was before Begin.
func (w *PrecisePullWriter) Cancel() []byte {
	dst := w.dst[:w.start]
	w.dst = nil
	return dst
}

// End completes the record and gives the extended dst. final says that no more of the list follows
// in other frames.
func (w *PrecisePullWriter) End(final bool) []byte {
	w.dst[w.start+RecordBytes] = boolByte(final)
	dst := EndRecord(w.dst, w.start)
	w.dst = nil
	return dst
}

// PrecisePull is a parsed PrecisePull record.
type PrecisePull struct {
	Final  bool
	Count  int // number of versions
	groups []byte
}

// ParsePrecisePull checks the whole body of a PrecisePull record and fills p, whose groups are a
// view of it. Afterwards iteration can't fail.
func ParsePrecisePull(body []byte, p *PrecisePull) error {
	if len(body) < 1 {
		return ErrBody
	}
	if body[0] > 1 {
		return ErrFlags
	}
	*p = PrecisePull{Final: body[0] == 1, groups: body[1:]}
	it := p.Groups()
	for len(it.rest) > 0 {
		if _, err := it.origin(); err != nil {
			return err
		}
		for it.left > 0 {
			if _, err := it.step(); err != nil {
				return err
			}
			p.Count++
		}
	}
	return nil
}

// PrecisePullIter walks the groups and versions of a parsed PrecisePull.
type PrecisePullIter struct {
	rest    []byte
	left    int
	last    OriginID
	version uint64
}

// Groups gives an iterator before the first group.
func (p *PrecisePull) Groups() PrecisePullIter { return PrecisePullIter{rest: p.groups} }

// Origin gives the next group and the number of its versions that follow, or false at the end. The
// versions of the group before must have been walked.
func (it *PrecisePullIter) Origin() (id OriginID, versions int, ok bool) {
	if len(it.rest) == 0 || it.left > 0 {
		return 0, 0, false
	}
	id, err := it.origin()
	return id, it.left, err == nil
}

// Version gives the next version of the group, or false at its end.
func (it *PrecisePullIter) Version() (uint64, bool) {
	if it.left == 0 {
		return 0, false
	}
	v, err := it.step()
	return v, err == nil
}

func (it *PrecisePullIter) origin() (OriginID, error) {
	if len(it.rest) < groupBytes {
		return 0, ErrBody
	}
	id := OriginID(binary.LittleEndian.Uint64(it.rest))
	switch {
	case id == 0:
		return 0, ErrOrigin
	case id <= it.last:
		return 0, ErrOrder
	}
	it.left, it.version, it.last = int(binary.LittleEndian.Uint16(it.rest[8:])), 0, id
	it.rest = it.rest[groupBytes:]
	return id, nil
}

func (it *PrecisePullIter) step() (uint64, error) {
	gap, n := uvarint(it.rest)
	if n == 0 || gap >= VersionMax-it.version {
		return 0, ErrVarint
	}
	it.left--
	it.version += gap + 1
	it.rest = it.rest[n:]
	return it.version, nil
}
