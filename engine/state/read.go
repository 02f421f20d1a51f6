package state

import "github.com/quidnunc/quidnunc/codec"

// Meta is what a reader learns about a value beside its bytes.
type Meta struct {
	Version uint64
	Gen     uint64           // generation of the origin that wrote it
	Flags   codec.EntryFlags // a tombstone's are reported too, with ok = false
	TTL     uint32           // with codec.EntryTTL: duration in milliseconds
	Age     uint32           // with codec.EntryTTL: age in milliseconds when the entry came here
	Stamp   int64            // with codec.EntryStamp
}

// AppendGet appends to dst the value of a key that the newest generation of a name wrote. It is for readers: any
// goroutine may call it at any time. It does not allocate if dst has room.
func (s *Store) AppendGet(dst, name, key []byte) (value []byte, meta Meta, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.FindName(name)
	if o == 0 {
		return dst, meta, false
	}
	return s.appendGet(dst, s.rec(o), key)
}

// AppendGetID is AppendGet for an origin by its identifier. It is for readers.
func (s *Store) AppendGetID(dst []byte, id codec.OriginID, key []byte) (value []byte, meta Meta, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.Find(id)
	if o == 0 {
		return dst, meta, false
	}
	return s.appendGet(dst, s.rec(o), key)
}

// AppendGetOrigin is AppendGet for an origin by its handle. It is for readers that know that the handle was not removed.
func (s *Store) AppendGetOrigin(dst []byte, o Origin, key []byte) (value []byte, meta Meta, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.at(o)
	if r == nil {
		return dst, meta, false
	}
	return s.appendGet(dst, r, key)
}

func (s *Store) appendGet(dst []byte, r *origin, key []byte) (value []byte, meta Meta, ok bool) {
	_, _, cell := s.findKey(r.tag, s.hash(r.tag, key), key)
	if cell == 0 {
		return dst, meta, false
	}
	var e codec.Entry
	readCell(s.cells.at(cell), &e)
	meta = metaOf(&e, r.gen)
	return append(dst, e.Value...), meta, e.Flags&codec.EntryTombstone == 0
}

func metaOf(e *codec.Entry, gen uint64) Meta {
	return Meta{Version: e.Version, Gen: gen, Flags: e.Flags, TTL: e.TTL, Age: e.Age, Stamp: e.Stamp}
}

// rangeBatchBytes is how much of an origin Range copies at a time: at least one entry.
const rangeBatchBytes = 4096

// Range calls yield for each key of the newest generation of a name, in ascending order of version, until yield returns
// false. It is for readers. Each entry is whole, and one that is not overwritten during the walk is seen exactly once;
// key and value are good until yield returns. yield may call the store's methods for readers.
func (s *Store) Range(name []byte, yield func(key, value []byte, meta Meta) bool) {
	batch := batch{bytes: make([]byte, 0, rangeBatchBytes)}
	for s.fill(&batch, name) {
		at := 0
		for _, item := range batch.items[:batch.n] {
			key := batch.bytes[at : at+item.key : at+item.key]
			at += item.key
			value := batch.bytes[at : at+item.value : at+item.value]
			at += item.value
			if !yield(key, value, item.meta) {
				return
			}
		}
	}
}

// batch is a part of an origin's entries, copied.
type batch struct {
	bytes []byte
	id    codec.OriginID
	after uint64
	n     int
	items [32]struct {
		key, value int
		meta       Meta
	}
}

// fill copies the next entries; false if there are none.
func (s *Store) fill(b *batch, name []byte) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b.bytes, b.n = b.bytes[:0], 0
	o := s.Find(b.id)
	if b.id == 0 {
		o = s.FindName(name)
	}
	if o == 0 {
		return false
	}
	r := s.rec(o)
	b.id = r.id
	var c Cursor
	var e codec.Entry
	s.After(o, b.after, &c)
	for b.n < len(b.items) && c.Next(&e) {
		if e.Flags&codec.EntryTombstone == 0 {
			if len(b.bytes)+len(e.Key)+len(e.Value) > cap(b.bytes) {
				break
			}
			b.bytes = append(append(b.bytes, e.Key...), e.Value...)
			item := &b.items[b.n]
			item.key, item.value, item.meta = len(e.Key), len(e.Value), metaOf(&e, r.gen)
			b.n++
		}
		b.after = e.Version
	}
	return b.n > 0
}
