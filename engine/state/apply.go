package state

import "github.com/quidnunc/quidnunc/codec"

// Apply writes an entry of an origin: a local write, or one entry of a run that starts at or below Max. Key and value are
// copied. Entries come in ascending order of version; one at or below Max, or not newer than what is here for its key, is
// Old. Max does not move: Advance does that. Who stops in the middle of a run, on Full for instance, advances to the
// last version applied.
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

// ApplyAny writes an entry whose version may be below Max or below versions that are here: for precise mode and repair.
// It is Old if an entry of its key with this or a higher version is here, or the write of this version. It may have to
// copy a segment of the log, so it is slower than Apply. Readers that walk the log see it at once.
func (s *Store) ApplyAny(o Origin, e *codec.Entry) Status {
	r := s.at(o)
	if r == nil {
		return NoOrigin
	}
	status := s.apply(o, r, e)
	if status == OK {
		s.show(r)
	}
	return status
}

func (s *Store) apply(o Origin, r *origin, e *codec.Entry) Status {
	if s.dying != 0 {
		s.sweep(sweepCells)
	}
	if status := check(e); status != OK {
		return status
	}
	var w write
	s.begin(&w, r.tag, e)
	w.t, w.at, w.old = s.findKey(r.tag, w.frag, e.Key)
	if status := s.wanted(&w, r); status != OK {
		return status
	}
	if w.cell = s.newCell(cellBytes(e)); w.cell == 0 {
		return Full
	}
	b := s.cells.at(w.cell)
	writeCell(b, r.tag, e)
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
	t         *table // where the index has the key, or would have it
	at        int
	frag      uint32
	old, cell cellRef // old 0: the key is new
	pos       wordRef // of the old cell, in a batch
	keyAt     uint8   // in the new cell
	key       uint8   // bytes
	value     uint16  // bytes
	flags     codec.EntryFlags
}

// begin notes what is to be written.
func (s *Store) begin(w *write, tag uint32, e *codec.Entry) {
	w.version, w.flags, w.key, w.value = e.Version, e.Flags, uint8(len(e.Key)), uint16(len(e.Value))
	w.keyAt = cellHeadBytes
	if e.Flags != 0 {
		w.keyAt += uint8(optionalBytes(e.Flags))
	}
	w.frag = s.hash(tag, e.Key)
}

// wanted tells whether a write is news and within the limits.
func (s *Store) wanted(w *write, r *origin) Status {
	switch {
	case w.old != 0:
		if cellVersion(s.cells.at(w.old)) >= w.version {
			return Old
		}
	case s.entries >= s.limits.Keys || r.entries >= uint32(s.limits.KeysPerOrigin):
		return TooMany
	}
	if s.limits.BytesPerOrigin > 0 && s.outgrows(w, r) {
		return TooMany
	}
	if w.version <= r.last && s.taken(r, w.version) {
		return Old
	}
	return OK
}

// outgrows tells whether a write takes its origin over its share of bytes. One that takes less than what it replaces
// always may.
func (s *Store) outgrows(w *write, r *origin) bool {
	more := int(w.key) + int(w.value)
	if w.old != 0 {
		_, key, value := cellSizes(s.cells.at(w.old))
		more -= key + value
	}
	return more > 0 && int(r.bytes)+more > s.limits.BytesPerOrigin
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
	if w.old == 0 {
		s.create(w, r)
	} else {
		s.replace(w, r)
	}
	return OK
}

// create makes the cell of a new key visible.
func (s *Store) create(w *write, r *origin) {
	s.keys.reserve(w.frag)
	s.keys.insert(w.frag, uint32(w.cell))
	s.entries++
	r.entries++
	s.countBytes(r, int(w.key)+int(w.value))
	if w.flags&codec.EntryTombstone == 0 {
		s.countLive(r, 1)
	}
}

// replace makes a cell visible in place of another.
func (s *Store) replace(w *write, r *origin) {
	w.t.replace(w.at, w.frag, uint32(w.cell))
	old := s.cells.at(w.old)
	at, keyBytes, valueBytes := cellSizes(old)
	s.countBytes(r, int(w.value)-valueBytes)
	if change := w.flags ^ cellFlags(old); change&codec.EntryTombstone != 0 {
		s.countLive(r, int(cellFlags(old)&codec.EntryTombstone*2)-1)
	}
	s.kill(r, cellPos(old))
	s.retireCell(w.old, classOf[(at+keyBytes+valueBytes+7)>>3])
}

func (s *Store) countBytes(r *origin, change int) {
	s.bytes += change
	r.bytes += uint64(change)
}

func (s *Store) countLive(r *origin, change int) {
	s.live += change
	r.live += uint32(change)
}

// Attempts to get memory by finishing what was put off, before a write is refused.
const memoryAttempts = 4

// newCell takes a cell, if need be one that was put off.
func (s *Store) newCell(bytes int) (cell cellRef) {
	for range memoryAttempts {
		if cell = s.draft(bytes); cell != 0 {
			break
		}
		s.Tidy(retiredBatch)
	}
	return cell
}

// newBlock takes a block for a log, if need be one that was put off.
func (s *Store) newBlock(class uint8) (block wordRef) {
	for range memoryAttempts {
		if block = s.log.alloc(class); block != 0 {
			break
		}
		s.Tidy(retiredBatch)
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

// Advance says that a run up to version to is applied: every live key up to it is here. Floor is what the sender of the
// run says of the origin: tombstones up to there may be missing from the run.
//
// The origin becomes dirty when keys may be here that were deleted by tombstones which it will never see: when a floor
// above its max is new to it although it had entries before, or when it takes a run from a sender below the floor that
// it is itself still catching up to.
func (s *Store) Advance(o Origin, to, floor uint64) Status {
	r := s.at(o)
	if r == nil {
		return NoOrigin
	}
	if to > codec.VersionMax || floor > codec.VersionMax {
		return Invalid
	}
	before := r.print()
	if floor > r.floor && floor > r.max && r.max > 0 || floor < r.floor && r.max < r.floor && to > r.max {
		r.dirty = true
	}
	r.floor = max(r.floor, floor)
	r.max = max(r.max, to)
	s.print += r.print() - before
	s.show(r)
	return OK
}

// Repaired says that the origin holds nothing any more that its owner deleted.
func (s *Store) Repaired(o Origin) {
	if r := s.at(o); r != nil && r.dirty {
		s.print -= r.print()
		r.dirty = false
		s.print += r.print()
	}
}
