package state

import (
	"slices"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// Meta is what a reader learns about a value beside its bytes.
type Meta struct {
	Version uint64
	Gen     uint64           // generation of the origin that wrote it
	Flags   codec.EntryFlags // a tombstone's are reported too, with ok = false
	TTL     uint32           // with codec.EntryTTL: duration in milliseconds; of what lives by a lease that of the lease, 0 if that is not here
	Born    int64            // with codec.EntryTTL: when its age was 0, by the clock of Store.Tell; it has ended TTL later
	Stamp   int64            // with codec.EntryStamp
	Kind    codec.Kind       // with codec.EntryKinded
	Tag     uint32           // of the origin, see Store.Tag
	Lease   uint32           // with codec.EntryLeased: that it lives by
	Rest    uint8            // with codec.EntryMore: how many versions of its batch follow
}

// AppendGet appends to dst the value of a key that the newest generation of a name wrote. It is for
// readers: any goroutine may call it at any time. It never waits, and it does not allocate if dst
// has room.
func (s *Store) AppendGet(dst, name, key []byte) (value []byte, meta Meta, ok bool) {
	pin := s.epochs.pin(hint(key))
	echoed := s.echoes.count.Load() > 0
	o := s.FindName(name)
	for o != 0 {
		if value, meta, ok = s.appendGet(dst, s.rec(o), key); meta.Version != 0 {
			pin.Add(-1)
			return value, meta, ok
		}
		// Not there: unless another generation took over meanwhile, which may have had it all the
		// time.
		was := o
		if o = s.FindName(name); o == was {
			break
		}
	}
	value, meta, ok = s.appendEcho(dst, name, key)
	if o = s.FindName(name); echoed && meta.Version == 0 && o != 0 { // the echo has ended meanwhile: for the life that is here
		value, meta, ok = s.appendGet(dst, s.rec(o), key)
	}
	pin.Add(-1)
	return value, meta, ok
}

// AppendGetID is AppendGet for an origin by its identifier. It is for readers.
func (s *Store) AppendGetID(dst []byte, id codec.OriginID, key []byte) (value []byte, meta Meta, ok bool) {
	pin := s.epochs.pin(hint(key))
	if o := s.Find(id); o != 0 {
		dst, meta, ok = s.appendGet(dst, s.rec(o), key)
	}
	pin.Add(-1)
	return dst, meta, ok
}

// AppendGetOrigin is AppendGet for an origin by its handle. It is for readers that know that the
// origin was not removed.
func (s *Store) AppendGetOrigin(dst []byte, o Origin, key []byte) (value []byte, meta Meta, ok bool) {
	pin := s.epochs.pin(hint(key))
	dst, meta, ok = s.appendGet(dst, s.rec(o), key)
	pin.Add(-1)
	return dst, meta, ok
}

// ReadPin is a reader at work: handles that it finds stay good until Done.
type ReadPin struct{ count *atomic.Int64 }

// Read begins a reading about a key. It is for readers.
func (s *Store) Read(key []byte) ReadPin { return ReadPin{s.epochs.pin(hint(key))} }

// Done ends it.
func (r ReadPin) Done() { r.count.Add(-1) }

// Place is where a key of an origin is found: the origin's tag and the fingerprint of the key. It
// is good as long as the origin is not removed, whether the key is there or not. 0 is none.
type Place uint64

// Place makes that of a key, so that who reads it often need not hash it. It is for the writer.
func (s *Store) Place(o Origin, key []byte) Place {
	tag := s.rec(o).tag
	return Place(tag)<<32 | Place(s.hash(tag, key))
}

// Origin is whose key it is.
func (p Place) Origin() Origin { return originOf(uint32(p >> 32)) }

// Peek is AppendGetOrigin for a place that was found within a reading, without a copy: the value is
// a view of the store, good until the reading is done. m must be zero; it stays so where there is
// no such key.
func (s *Store) Peek(_ ReadPin, p Place, key []byte, m *Meta) (value []byte, ok bool) {
	tag := uint32(p >> 32)
	_, _, cell := s.findKey(tag, uint32(p), key)
	if cell == 0 {
		return nil, false
	}
	r, b := s.rec(originOf(tag)), s.cells.at(cell)
	at, keyBytes, valueBytes := cellSizes(b)
	at += keyBytes
	m.Version, m.Flags, m.Gen, m.Tag = cellVersion(b), cellFlags(b), atomic.LoadUint64(&r.gen), tag
	if m.Flags&^codec.EntryTombstone != 0 {
		var e codec.Entry
		readCell(b, &e, 0)
		*m = s.meta(r, b, &e)
	}
	return b[at : at+valueBytes], m.Flags&codec.EntryTombstone == 0
}

// appendGet needs a pin. A key that is not there has version 0.
func (s *Store) appendGet(dst []byte, r *origin, key []byte) (value []byte, meta Meta, ok bool) {
	value, ok = s.Peek(ReadPin{}, Place(r.tag)<<32|Place(s.hash(r.tag, key)), key, &meta)
	return append(dst, value...), meta, ok
}

func (s *Store) meta(r *origin, cell []byte, e *codec.Entry) Meta {
	m := Meta{Version: e.Version, Gen: atomic.LoadUint64(&r.gen), Flags: e.Flags, TTL: e.TTL, Stamp: e.Stamp, Kind: e.Kind, Tag: r.tag, Lease: e.Lease, Rest: e.Rest}
	if e.Flags&codec.EntryTTL != 0 {
		m.Born = cellBorn(cell)
	}
	if e.Flags&codec.EntryLeased != 0 {
		s.leased(r, &m)
	}
	return m
}

// rangeBatchBytes is how much of an origin Range copies at a time: at least one entry.
const rangeBatchBytes = 4096

const _ uint = rangeBatchBytes - codec.EntryBytesMax

// Range calls yield for each key of the newest generation of a name, in ascending order of version,
// until yield returns false. It is for readers. Each entry is whole, and one that is not
// overwritten during the walk is seen exactly once; the walk ends, however much is written
// meanwhile, by yield too. Key and value are good until yield returns. yield may take its time and
// may call the store's methods for readers: no memory waits for it.
func (s *Store) Range(name []byte, yield func(key, value []byte, meta Meta) bool) {
	made, more := s.echoes.made.Load(), true
	seen := func(key, value []byte, meta Meta) bool {
		more = yield(key, value, meta)
		return more
	}
	if !s.walkEchoes(name, yield) {
		return
	}
	s.walk(&batch{bytes: make([]byte, 0, rangeBatchBytes)}, name, seen)
	if more && s.echoes.made.Load() != made { // what was walked may have become one
		s.walkEchoes(name, yield)
	}
}

// Since is Range for what was written after a version of the newest generation, tombstones too:
// those have codec.EntryTombstone in their flags and no value. It reports the generation; where
// that is not the one of after, all of it is walked.
func (s *Store) Since(name []byte, gen, after uint64, yield func(key, value []byte, meta Meta) bool) (now uint64, ok bool) {
	b := batch{bytes: make([]byte, 0, rangeBatchBytes), deleted: true}
	pin := s.epochs.pin(hint(name))
	o := s.FindName(name)
	if o != 0 {
		now, ok = atomic.LoadUint64(&s.rec(o).gen), true
		b.tag, b.id = s.rec(o).tag, codec.OriginID(atomic.LoadUint64(&s.rec(o).id))
	}
	pin.Add(-1)
	if !ok {
		return 0, false
	}
	if now == gen {
		b.after = after
	}
	s.walk(&b, name, yield)
	return now, true
}

// Live is Range for an origin by its identifier; false: it is not here. What it wrote in a former
// life is none of it.
func (s *Store) Live(id codec.OriginID, yield func(key, value []byte, meta Meta) bool) (ok bool) {
	b := batch{bytes: make([]byte, 0, rangeBatchBytes), id: id}
	pin := s.epochs.pin(hint(nil))
	if o := s.Find(id); o != 0 {
		b.tag, ok = s.rec(o).tag, true
	}
	pin.Add(-1)
	if ok {
		s.walk(&b, nil, yield)
	}
	return ok
}

// Gone is what Since can't tell any more of an origin.
type Gone struct {
	Gen   uint64
	Floor uint64 // tombstones up to here
	Lost  uint64 // so many keys went without one (Mend)
}

// Gone tells what may have gone from the newest generation of a name. It is for readers: who asks
// it before and after Since knows whether they may have missed a delete.
func (s *Store) Gone(name []byte) (g Gone, ok bool) {
	pin := s.epochs.pin(hint(name))
	if o := s.FindName(name); o != 0 {
		r := s.rec(o)
		g = Gone{atomic.LoadUint64(&r.gen), atomic.LoadUint64(&r.floor), atomic.LoadUint64(&r.lost)}
		ok = true
	}
	pin.Add(-1)
	return g, ok
}

// walk yields what was there at its first look, and then what was written since, which it copies
// first: yield may write itself, and who walks behind a writer would never end.
func (s *Store) walk(b *batch, name []byte, yield func(key, value []byte, meta Meta) bool) {
	for b.bounded = true; s.fill(b, name); {
		if !b.each(yield) {
			return
		}
	}
	var late []batch
	for b.bounded, b.limit = false, 0; s.fill(b, name); {
		copied := *b
		copied.bytes = slices.Clone(b.bytes)
		late = append(late, copied)
	}
	for i := range late {
		if !late[i].each(yield) {
			return
		}
	}
}

// each yields the entries of a batch; false: no more is wanted.
func (b *batch) each(yield func(key, value []byte, meta Meta) bool) bool {
	at := 0
	for i := range b.items[:b.n] {
		item := &b.items[i]
		mid := at + item.key
		end := mid + item.value
		if !yield(b.bytes[at:mid:mid], b.bytes[mid:end:end], item.meta) {
			return false
		}
		at = end
	}
	return true
}

// batch is a part of an origin's entries, copied.
type batch struct {
	bytes []byte
	id    codec.OriginID
	tag   uint32 // 0: before the first part
	after uint64
	n     int
	full  bool

	deleted bool   // tombstones too
	bounded bool   // the first part is to find limit
	limit   uint64 // later versions are left out; 0: none are
	top     uint64 // the last version of the log as it was looked at

	items [32]struct {
		key, value int
		meta       Meta
	}
}

// fill copies the next entries; false if there are none.
func (s *Store) fill(b *batch, name []byte) bool {
	pin := s.epochs.pin(hint(name))
	b.bytes, b.n, b.full = b.bytes[:0], 0, false
	o := s.FindName(name)
	if b.tag != 0 && (o == 0 || s.rec(o).tag != b.tag) { // another generation took over: go on with the one we began with
		o = s.Find(b.id)
	}
	if o != 0 && (b.tag == 0 || s.rec(o).tag == b.tag) {
		r := s.rec(o)
		b.tag, b.id = r.tag, codec.OriginID(atomic.LoadUint64(&r.id))
		s.copyLog(b, r)
		for b.n == 0 && !b.full { // unless what took the place of others stands behind what was looked at
			v := s.viewOf(r)
			if v.last() == b.top {
				break
			}
			s.copyLog(b, r)
		}
	}
	pin.Add(-1)
	return b.n > 0
}

// copyLog copies entries after b.after until the batch is full or the log ends.
func (s *Store) copyLog(b *batch, r *origin) {
	v := s.viewOf(r)
	if b.top = v.last(); b.bounded && b.limit == 0 {
		b.limit = b.top
	}
	i, high := 0, v.segments-1
	for i < high { // the last segment with a base not above
		mid := int(uint(i+high+1) >> 1)
		if segBase(s.log.seen(v.segment(mid))) <= b.after {
			i = mid
		} else {
			high = mid - 1
		}
	}
	for ; i < v.segments && !b.full; i++ {
		block := s.log.seen(v.segment(i))
		words := block[segHead:]
		if i == v.segments-1 {
			words = words[:v.used]
		}
		s.copySegment(b, r, segBase(block), words)
	}
}

func (s *Store) copySegment(b *batch, r *origin, base uint64, words []uint64) {
	for i := range words {
		w := atomic.LoadUint64(&words[i])
		if w == 0 {
			return
		}
		if uint32(w) == 0 || base+w>>32 <= b.after {
			continue
		}
		if !b.add(s, s.cells.at(cellRef(w)), r) {
			return
		}
	}
}

// add copies a cell unless the batch is full.
func (b *batch) add(s *Store, cell []byte, r *origin) bool {
	var e codec.Entry
	readCell(cell, &e, 0)
	if b.limit != 0 && e.Version > b.limit {
		b.full = true
		return false
	}
	if b.deleted || e.Flags&codec.EntryTombstone == 0 {
		if b.n == len(b.items) || len(b.bytes)+len(e.Key)+len(e.Value) > cap(b.bytes) {
			b.full = true
			return false
		}
		b.bytes = append(append(b.bytes, e.Key...), e.Value...)
		item := &b.items[b.n]
		item.key, item.value, item.meta = len(e.Key), len(e.Value), s.meta(r, cell, &e)
		b.n++
	}
	b.after = e.Version
	return true
}

// view is a log as a reader found it.
type view struct {
	s        *Store
	ref      wordRef
	segments int
	used     int // words of the last segment
}

func (s *Store) viewOf(r *origin) view {
	w := atomic.LoadUint64(&r.view)
	return view{s: s, ref: wordRef(w), segments: int(w >> 32 & 0xffff), used: int(w >> 48)}
}

// last is the version of the last word, which may be that of an entry that is gone; 0: there is
// none.
func (v *view) last() uint64 {
	if v.segments == 0 || v.used == 0 {
		return 0
	}
	block := v.s.log.seen(v.segment(v.segments - 1))
	return segBase(block) + atomic.LoadUint64(&block[segHead+v.used-1])>>32
}

func (v *view) segment(i int) wordRef {
	if v.segments == 1 {
		return v.ref
	}
	return dirRef(atomic.LoadUint64(v.s.log.word(v.ref+wordRef(i>>1))), i)
}
