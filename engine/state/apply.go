package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// Apply writes an entry of an origin: a local write, or one entry of a run that starts at or below
// Max. Key and value are copied. Entries come in ascending order of version; one at or below Max,
// or not newer than what is here for its key, is Old. Max does not move: Advance does that. Who
// stops in the middle of a run, on Full for instance, advances to the last version applied.
//
// Apply changes everything or nothing. It never waits for readers.
func (s *Store) Apply(o Origin, e *codec.Entry) Status {
	r := s.at(o)
	if r == nil {
		return NoOrigin
	}
	if e.Version <= r.max {
		return Old
	}
	return s.apply(o, r, e)
}

// ApplyAny writes an entry whose version may be below Max or below versions that are here: for
// precise mode and repair. It is Old if an entry of its key with this or a higher version is here,
// or the write of this version. It may have to copy a segment of the log, so it is slower than
// Apply. Readers that walk the log see it at once.
func (s *Store) ApplyAny(o Origin, e *codec.Entry) Status {
	r := s.at(o)
	if r == nil {
		return NoOrigin
	}
	status := s.apply(o, r, e)
	if status == OK {
		s.brought(o, r, e.Version-1, e.Version)
		if s.keyed.on && e.Version <= r.floor && r.max < r.floor {
			s.setDirty(r, true)
		}
		s.clearLater(o, r)
		s.show(r)
	}
	return status
}

func (s *Store) apply(o Origin, r *origin, e *codec.Entry) Status {
	s.putOff(sweepCells)
	if status := check(e); status != OK {
		return status
	}
	var w write
	s.begin(&w, r.tag, e)
	w.t, w.at, w.old = s.findKey(r.tag, w.frag, e.Key)
	if status := s.wanted(&w, o, r); status != OK {
		return status
	}
	if w.cell = s.newCell(w.class); w.cell == 0 {
		return Full
	}
	if w.old != 0 && !s.keys.holds(&w) { // to find room it was moved
		w.t, w.at, w.old = s.findKey(r.tag, w.frag, e.Key)
	}
	b := s.cells.at(w.cell)
	s.fillCell(b, r.tag, e)
	if status := s.finish(&w, o, r, b); status != OK {
		s.cells.release(w.cell)
		return status
	}
	return OK
}

// check holds an entry against the protocol.
func check(e *codec.Entry) Status {
	if e.Version-1 >= codec.VersionMax || len(e.Key) == 0 {
		return Invalid
	}
	if len(e.Key) > codec.KeyBytesMax || len(e.Key)+len(e.Value) > codec.EntryBytesMax {
		return TooLarge
	}
	return OK
}

// write is a write under way. What is written stands in the new cell, which nobody else sees yet.
type write struct {
	version   uint64
	end       uint64 // in a batch: the last version of what was written together
	t         *table // where the index has the key, or would have it
	at        int
	frag      uint32
	old, cell cellRef // old 0: the key is new
	pos       wordRef // of the old cell, in a batch
	class     uint8   // of the new cell
	same      bool    // the new cell takes what the old one takes, of everything
	is, was   held    // what each of them takes, if it is not the same
	system    bool    // the key is reserved
	keyAt     uint8   // in the new cell
	key       uint8   // bytes
	value     uint16  // bytes
	flags     codec.EntryFlags
}

// held is what an entry takes of the limits; zero for none.
type held struct {
	bytes uint16 // key and value
	cell  uint16 // bytes of the smallest cell that it fits in
	live  bool   // and a key
}

func heldBy(b []byte) held {
	at, key, value := cellSizes(b)
	cell := classBytes[classOf[(at+key+value+7)>>3]]
	return held{uint16(key + value), cell, cellFlags(b)&codec.EntryTombstone == 0}
}

// begin notes what is to be written.
func (s *Store) begin(w *write, tag uint32, e *codec.Entry) {
	w.version, w.flags, w.key, w.value = e.Version, e.Flags, uint8(len(e.Key)), uint16(len(e.Value))
	w.keyAt = cellHeadBytes
	if e.Flags != 0 {
		w.keyAt += uint8(optionalBytes(e.Flags))
	}
	w.class = classOf[(int(w.keyAt)+len(e.Key)+len(e.Value)+7)>>3]
	w.system = codec.System(e.Key)
	w.frag = s.hash(tag, e.Key)
}

// wanted tells whether a write is news and within the limits.
func (s *Store) wanted(w *write, o Origin, r *origin) Status {
	if status := s.fits(w, o, r); status != OK {
		return status
	}
	if w.version <= r.last && s.taken(r, w.version) {
		return Old
	}
	return OK
}

// fits tells whether a write is newer than what it replaces and within the limits. Most overwrites
// take just what they replace, which needs no look at the limits.
func (s *Store) fits(w *write, o Origin, r *origin) Status {
	if w.was = (held{}); w.old != 0 {
		old := s.cells.at(w.old)
		if cellVersion(old) >= w.version {
			return Old
		}
		if w.same = cellFlags(old) == w.flags && cellKeyValue(old) == uint32(w.key)<<16|uint32(w.value); w.same {
			return OK
		}
		w.was = heldBy(old)
	}
	return s.admit(w, o, r)
}

// finish makes the new cell visible. It fails only for want of memory.
func (s *Store) finish(w *write, o Origin, r *origin, b []byte) Status {
	var pos wordRef
	if w.version > r.last {
		pos = s.append(o, r, w.version, w.cell)
	} else {
		pos = s.insert(o, r, w.version, w.cell)
	}
	if pos == 0 {
		return Full
	}
	setCellPos(b, pos)
	if s.keyed.on {
		s.printKey(w, o, r, b)
	}
	if x := &s.sums[o]; x.to != 0 {
		s.resum(x, w, b)
	}
	if !w.same {
		s.count(r, w.is, w.was, w.system)
	}
	if o == s.owner {
		s.noteFormer(w, r)
	}
	if w.old == 0 {
		s.create(w, o, r, b)
	} else {
		s.replace(w, o, r, b)
	}
	if s.witness != nil {
		s.witnessed(o, b[w.keyAt:][:w.key])
	}
	return OK
}

// create makes the cell of a new key visible.
func (s *Store) create(w *write, o Origin, r *origin, b []byte) {
	s.saysKind(o, 0, b, false)
	s.keys.reserve(w.frag)
	s.keys.insert(w.frag, uint32(w.cell))
	s.entries++
	r.entries++
}

// reveal shows readers a cell in place of another.
func (s *Store) reveal(w *write, o Origin, b []byte) {
	s.saysKind(o, w.old, b, false)
	w.t.replace(w.at, w.frag, uint32(w.cell))
	s.saysKind(o, w.old, b, true)
}

// replace makes a cell visible in place of another, whose word dies: not before walks find the new
// one, or they would miss a key that is there all the time.
func (s *Store) replace(w *write, o Origin, r *origin, b []byte) {
	s.reveal(w, o, b)
	s.show(r)
	old := s.cells.at(w.old)
	s.kill(r, cellPos(old))
	s.retireCell(w.old, cellClass(old))
}

// count adds to the sums what an entry takes in place of another.
func (s *Store) count(r *origin, is, was held, system bool) {
	if is == was {
		return
	}
	bytes, cells := int(is.bytes)-int(was.bytes), int(is.cell)-int(was.cell)
	s.bytes += bytes
	r.bytes += uint64(bytes)
	s.held += cells
	r.held += uint32(cells >> 3)
	if is.live == was.live {
		return
	}
	live := 1
	if was.live {
		live = -1
	}
	s.live += live
	r.live += uint32(live)
	if system {
		s.system += live
		r.system += uint8(live)
	}
}

// Attempts to get memory by finishing what was put off, before a write is refused.
const memoryAttempts = 16

// newCell takes a cell of a class, if need be one that was put off. All attempts together empty a
// page of the smallest cells, and begin another: the one at hand may turn out to stay.
func (s *Store) newCell(class uint8) cellRef {
	for range memoryAttempts {
		if cell := s.draft(class); cell != 0 {
			return cell
		}
		s.scrape()
		s.squeezeSome(2 * squeezeCells)
	}
	return s.draft(class)
}

const _ uint = memoryAttempts*2*squeezeCells - cellPageBytes/cellHeadBytes

// putOff does a part of what was put off: entries of removed origins, and cells of pages that are
// being emptied.
func (s *Store) putOff(cells int) {
	if s.dying != 0 {
		s.sweep(cells)
	}
	if s.clearing != 0 {
		s.clearSome(4 * cells)
	}
	if s.cells.squeeze.short {
		s.squeezeSome(2 * cells)
	}
}

// newBlock takes a block for a log, if need be one that was put off.
func (s *Store) newBlock(class uint8) (block wordRef) {
	for range memoryAttempts {
		if block = s.log.alloc(class); block != 0 {
			break
		}
		s.scrape()
	}
	return block
}

// findKey finds the cell of a key, or 0 and the place where its word would be. Readers use it too.
func (s *Store) findKey(tag, frag uint32, key []byte) (t *table, i int, cell cellRef) {
	t = s.keys.table(frag)
	for i = t.home(frag); ; i++ {
		var ref uint32
		if i, ref = t.next(i, frag); ref == 0 || cellIs(s.cells.at(cellRef(ref)), tag, key) {
			return t, i, cellRef(ref)
		}
	}
}

// Advance says that a run up to version to is applied: every live key up to it is here. Floor is
// what the sender of the run says of the origin: tombstones up to there may be missing from the
// run.
//
// The origin becomes dirty when keys may be here that were deleted by tombstones which it will
// never see: when a floor above its max is new to it although it had entries before, or when it
// takes a run from a sender below the floor that it is itself still catching up to; in a precise
// cluster, any entry from below that floor (ApplyAny).
func (s *Store) Advance(o Origin, to, floor uint64) Status {
	r := s.at(o)
	if r == nil {
		return NoOrigin
	}
	status := s.advance(o, r, span{to, floor, s.begun(r)})
	if o == s.owner && s.crowded(r) {
		s.Collect(o, r.max)
	}
	return status
}

// begun tells whether something is here of an origin that a delete may be missing for: in a precise
// cluster entries may be here before there is a max.
func (s *Store) begun(r *origin) bool { return r.max > 0 || s.keyed.on && r.entries > 0 }

// span is how far a run goes, and whether there were entries before it.
type span struct {
	to, floor uint64
	begun     bool
}

// advance is Advance.
func (s *Store) advance(o Origin, r *origin, by span) Status {
	to, floor := by.to, by.floor
	if to > codec.VersionMax || floor > codec.VersionMax {
		return Invalid
	}
	if floor > r.floor && floor > r.max && by.begun || floor < r.floor && r.max < r.floor && to > r.max {
		s.setDirty(r, true)
	}
	before := r.print()
	atomic.StoreUint64(&r.floor, max(r.floor, floor))
	s.brought(o, r, r.max, to)
	r.max = max(r.max, to)
	s.fold(r, r.print()-before)
	s.clearLater(o, r)
	if len(s.holes) > 0 {
		s.closeHole(o, r)
	}
	s.show(r)
	return OK
}

// Repaired says that the origin holds nothing any more that its owner deleted.
func (s *Store) Repaired(o Origin) {
	if r := s.at(o); r != nil {
		s.setDirty(r, false)
	}
}
