package codec

import "encoding/binary"

// PullWriter appends a Pull record: a list of origins, each with the version that the sender has,
// in any order.
type PullWriter struct {
	dst   []byte
	start int
	limit int
	count int
}

// Begin starts a record at the end of dst. limit bounds the length that dst may reach, not the
// record's. It reports false, and leaves dst alone, if not even an empty record fits.
func (w *PullWriter) Begin(dst []byte, limit int) bool {
	limit = min(limit, len(dst)+RecordBytes+RecordBodyMax)
	if len(dst)+RecordBytes > limit {
		return false
	}
	*w = PullWriter{BeginRecord(dst, TypePull), len(dst), limit, 0}
	return true
}

// Add asks for runs of id that start at have or below. It reports false, and appends nothing, if
// that does not fit.
func (w *PullWriter) Add(id OriginID, have uint64) bool {
	if len(w.dst)+8+uvarintBytes(have) > w.limit {
		return false
	}
	w.dst = appendUvarint(binary.LittleEndian.AppendUint64(w.dst, uint64(id)), have)
	w.count++
	return true
}

// Count is the number of origins so far.
func (w *PullWriter) Count() int { return w.count }

// End completes the record and gives the extended dst.
func (w *PullWriter) End() []byte {
	dst := EndRecord(w.dst, w.start)
	w.dst = nil
	return dst
}

// Pull is a parsed Pull record.
type Pull struct {
	Count   int // number of origins
	entries []byte
}

// ParsePull checks the whole body of a Pull record and fills p, whose entries are a view of it.
// Afterwards iteration can't fail.
func ParsePull(body []byte, p *Pull) error {
	p.Count, p.entries = 0, body
	it := PullIter{body}
	for len(it.rest) > 0 {
		if _, _, err := it.step(); err != nil {
			return err
		}
		p.Count++
	}
	return nil
}

// PullIter walks the origins of a parsed Pull.
type PullIter struct{ rest []byte }

// Entries gives an iterator from the first origin.
func (p *Pull) Entries() PullIter { return PullIter{p.entries} }

// Next gives the next origin and what the asker has of it, or false at the end.
func (it *PullIter) Next() (id OriginID, have uint64, ok bool) {
	if len(it.rest) == 0 {
		return 0, 0, false
	}
	id, have, err := it.step()
	return id, have, err == nil
}

func (it *PullIter) step() (id OriginID, have uint64, err error) {
	b := it.rest
	if len(b) < 9 {
		return 0, 0, ErrBody
	}
	id = OriginID(binary.LittleEndian.Uint64(b))
	if id == 0 {
		return 0, 0, ErrOrigin
	}
	have, n := uvarint(b[8:])
	if n == 0 || have > VersionMax {
		return 0, 0, ErrVarint
	}
	it.rest = b[8+n:]
	return id, have, nil
}
