package codec

import "encoding/binary"

// Precise reconciliation compares entry by entry instead of origin by origin. Its records stand in
// the order of (origin, key), in which both sides hold the same things at the same places whatever
// the versions are.

// PreciseEnd says of a window that it covers everything to the end of the order.
const PreciseEnd DigestFlags = 8

// PrecisePrints says of a window that it is by origin: each has one key, of 8 bytes, which is a print
// of what its sender holds of it, and version 1. It covers whole origins.
const PrecisePrints DigestFlags = 32

const preciseFlagsKnown = DigestWantRuns | DigestOffer | DigestFinal | PreciseEnd | PrecisePrints

// Place is a place in the order of (origin, key): after all that the origin has up to the key. With
// an empty key it is after the origin itself and before its keys; the zero Place is before
// everything.
type Place struct {
	ID  OriginID
	Key []byte
}

// groupBytes is what stands before the members of a group: the origin and their number.
const groupBytes = 8 + 2

// PreciseDigest is a parsed window of what its sender holds, by key. It covers what comes after
// After up to its last group's last key, both included, or up to the end with PreciseEnd: what is
// in there and not listed, be it an origin or a key, is unknown to the sender.
type PreciseDigest struct {
	Flags  DigestFlags
	After  Place    // its Key is a view of the frame
	Last   OriginID // of the last group; 0 without any
	Count  int      // number of keys
	groups []byte
}

// group is an open group of a record: its place in dst and its size so far.
type group struct{ at, n int }

func (g *group) open(dst []byte, id OriginID) []byte {
	g.n = 0
	dst = binary.LittleEndian.AppendUint64(dst, uint64(id))
	g.at = len(dst)
	return append(dst, 0, 0)
}

func (g *group) add(dst []byte) {
	g.n++
	binary.LittleEndian.PutUint16(dst[g.at:], uint16(g.n))
}

// PreciseDigestWriter appends a PreciseDigest record. A caller keeps one and uses it again.
type PreciseDigestWriter struct {
	dst      []byte
	start    int
	limit    int
	count    int
	groups   int
	group    group
	last     OriginID
	first    bool // the next group may go on behind After
	after    int  // bytes of After's key
	keyBytes int
	key      [KeyBytesMax]byte
}

// Begin starts a record at the end of dst. limit bounds the length that dst may reach, not the
// record's. It reports false, and leaves dst alone, if not even an empty window fits. It panics if
// after has a key but no origin.
func (w *PreciseDigestWriter) Begin(dst []byte, limit int, after Place) bool {
	if after.ID == 0 && len(after.Key) > 0 || len(after.Key) > KeyBytesMax {
		panic("codec: no such place")
	}
	limit = min(limit, len(dst)+RecordBytes+RecordBodyMax)
	n := RecordBytes + 1 + 8
	if after.ID != 0 {
		n += 1 + len(after.Key)
	}
	if len(dst)+n > limit {
		return false
	}
	w.start, w.limit, w.count, w.groups, w.last, w.first = len(dst), limit, 0, 0, after.ID, true
	w.after, w.keyBytes = len(after.Key), copy(w.key[:], after.Key)
	dst = append(BeginRecord(dst, TypePreciseDigest), 0)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(after.ID))
	if after.ID != 0 {
		dst = append(append(dst, byte(len(after.Key))), after.Key...)
	}
	w.dst = dst
	return true
}

// Origin starts the group of an origin: its keys follow. It reports false, and appends nothing, if
// it does not fit. Identifiers must ascend; only the first may be After's own, to go on with the
// keys behind it. If not, Origin panics.
func (w *PreciseDigestWriter) Origin(id OriginID) bool {
	if id < w.last || id == w.last && !w.first || id == 0 {
		panic("codec: digest out of order")
	}
	if len(w.dst)+groupBytes > w.limit {
		return false
	}
	if id != w.last {
		w.keyBytes = 0
	}
	w.last, w.first = id, false
	w.dst = w.group.open(w.dst, id)
	w.groups++
	return true
}

// Key appends a key of the origin and the version that the sender holds. It reports false, and
// appends nothing, if it does not fit. Keys must ascend and not be empty; if not, Key panics.
func (w *PreciseDigestWriter) Key(key []byte, version uint64) bool {
	shared := commonPrefix(w.key[:w.keyBytes], key)
	if len(key) == shared || shared < w.keyBytes && key[shared] < w.key[shared] || w.groups == 0 {
		panic("codec: digest out of order")
	}
	if len(w.dst)+PreciseKeyBytes(key, shared, version) > w.limit {
		return false
	}
	dst := appendKey(w.dst, key, shared)
	w.keyBytes = shared + copy(w.key[shared:], key[shared:])
	w.dst = appendUvarint(dst, version)
	w.group.add(w.dst)
	w.count++
	return true
}

// Count is the number of keys so far.
func (w *PreciseDigestWriter) Count() int { return w.count }

// Groups is the number of origins so far.
func (w *PreciseDigestWriter) Groups() int { return w.groups }

// Last is the place up to which the window covers without PreciseEnd: a view, good until Begin.
func (w *PreciseDigestWriter) Last() Place { return Place{w.last, w.key[:w.keyBytes]} }

// End completes the record and gives the extended dst.
func (w *PreciseDigestWriter) End(flags DigestFlags) []byte {
	if flags&^preciseFlagsKnown != 0 {
		panic("codec: unknown flags")
	}
	w.dst[w.start+RecordBytes] = byte(flags)
	dst := EndRecord(w.dst, w.start)
	w.dst = nil
	return dst
}

// Cancel gives dst as it was before Begin.
func (w *PreciseDigestWriter) Cancel() []byte {
	dst := w.dst[:w.start]
	w.dst = nil
	return dst
}

// PreciseKeyBytes is the encoded size of a key of a digest that shares its first bytes with the one
// before it.
func PreciseKeyBytes(key []byte, shared int, version uint64) int {
	own := len(key) - shared
	return 1 + own + nibbleExtra(shared) + nibbleExtra(own) + uvarintBytes(version)
}

// ParsePreciseDigest checks the whole body of a PreciseDigest record and fills d, whose groups are
// a view of it. Afterwards iteration can't fail. it is scratch.
func ParsePreciseDigest(body []byte, d *PreciseDigest, it *PreciseIter) error {
	if len(body) < 1+8 {
		return ErrBody
	}
	d.Flags = DigestFlags(body[0])
	if d.Flags&^preciseFlagsKnown != 0 {
		return ErrFlags
	}
	d.After = Place{ID: OriginID(binary.LittleEndian.Uint64(body[1:]))}
	b := body[1+8:]
	if d.After.ID != 0 {
		if len(b) == 0 || len(b) <= int(b[0]) {
			return ErrBody
		}
		n := int(b[0])
		d.After.Key, b = b[1:1+n:1+n], b[1+n:]
	}
	d.groups, d.Count = b, 0
	it.Reset(d)
	for {
		if _, ok, err := it.origin(); err != nil {
			return err
		} else if !ok {
			break
		}
		for it.left > 0 {
			if _, err := it.step(); err != nil {
				return err
			}
			d.Count++
		}
	}
	if d.Last = it.last; !it.any {
		d.Last = 0
	}
	return nil
}

// PreciseIter walks the groups and keys of a parsed PreciseDigest. It holds the bytes of the
// current key, so that an owner keeps one and uses it again.
type PreciseIter struct {
	keys RunIter // its key
	rest []byte
	left int
	last OriginID
	any  bool
}

// Reset starts before the first group of d.
func (it *PreciseIter) Reset(d *PreciseDigest) {
	it.rest, it.left, it.last, it.any = d.groups, 0, d.After.ID, false
	it.keys.keyBytes = copy(it.keys.key[:], d.After.Key)
}

// Origin gives the next group, whether or not its keys were walked, or false at the end.
func (it *PreciseIter) Origin() (OriginID, bool) {
	for it.left > 0 {
		if _, err := it.step(); err != nil {
			return 0, false
		}
	}
	id, ok, _ := it.origin()
	return id, ok
}

// Key gives the next key of the group and the version that the sender holds, or false at its end.
// The key is a view of the iterator, valid until the next call.
func (it *PreciseIter) Key() (key []byte, version uint64, ok bool) {
	if it.left == 0 {
		return nil, 0, false
	}
	version, err := it.step()
	return it.keys.key[:it.keys.keyBytes:it.keys.keyBytes], version, err == nil
}

func (it *PreciseIter) origin() (OriginID, bool, error) {
	if len(it.rest) == 0 {
		return 0, false, nil
	}
	if len(it.rest) < groupBytes {
		return 0, false, ErrBody
	}
	id := OriginID(binary.LittleEndian.Uint64(it.rest))
	it.left = int(binary.LittleEndian.Uint16(it.rest[8:]))
	switch {
	case id == 0:
		return 0, false, ErrOrigin
	case id < it.last, id == it.last && (it.any || it.left == 0):
		return 0, false, ErrOrder
	case id != it.last:
		it.keys.keyBytes = 0
	}
	it.last, it.any, it.rest = id, true, it.rest[groupBytes:]
	return id, true, nil
}

// step decodes a key into it.keys. It insists on ascending keys.
func (it *PreciseIter) step() (version uint64, err error) {
	k, b := &it.keys, it.rest
	if len(b) == 0 {
		return 0, ErrBody
	}
	shared := int(b[0] & nibbleMax)
	if shared == nibbleMax && len(b) > 1 {
		shared += int(b[1])
	}
	before := -1
	if shared < k.keyBytes {
		before = int(k.key[shared])
	}
	if b, err = k.stepKey(b); err != nil {
		return 0, err
	}
	if k.keyBytes == shared || int(k.key[shared]) < before {
		return 0, ErrOrder
	}
	version, n := uvarint(b)
	if n == 0 || version-1 >= VersionMax {
		return 0, ErrVarint
	}
	it.left--
	it.rest = b[n:]
	return version, nil
}
