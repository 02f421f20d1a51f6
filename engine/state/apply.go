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
	switch {
	case r == nil:
		return NoOrigin
	case e.Version <= r.max:
		return Old
	case e.Version <= r.last:
		return s.ApplyAny(o, e)
	case e.Version > codec.VersionMax:
		return Invalid
	case len(e.Key) > codec.KeyBytesMax || len(e.Key)+len(e.Value) > codec.EntryBytesMax:
		return TooLarge
	}
	if s.dying != 0 {
		s.sweep(sweepCells)
	}
	w := write{o: o, r: r, e: e}
	if status := s.prepare(&w); status != OK {
		return status
	}
	if !s.room(o, r, e.Version) {
		s.cells.release(w.cell)
		return Full
	}
	pos := s.append(r, e.Version)
	s.link(pos, e.Version, w.cell)
	s.commit(&w, pos)
	return OK
}

// ApplyAny writes an entry whose version may be below Max or below versions that are here: for precise mode and repair.
// It is Old if an entry of its key with this or a higher version is here, or the write of this version. It may have to copy a segment of the log, so it
// is slower than Apply.
func (s *Store) ApplyAny(o Origin, e *codec.Entry) Status {
	r := s.at(o)
	switch {
	case r == nil:
		return NoOrigin
	case e.Version == 0 || e.Version > codec.VersionMax:
		return Invalid
	case len(e.Key) > codec.KeyBytesMax || len(e.Key)+len(e.Value) > codec.EntryBytesMax:
		return TooLarge
	case e.Version <= r.last && s.taken(r, e.Version):
		return Old
	}
	w := write{o: o, r: r, e: e}
	if status := s.prepare(&w); status != OK {
		return status
	}
	pos := wordRef(0)
	if e.Version > r.last {
		if s.room(o, r, e.Version) {
			pos = s.append(r, e.Version)
			s.link(pos, e.Version, w.cell)
			s.show(r)
		}
	} else {
		pos = s.insert(o, r, e.Version, w.cell)
	}
	if pos == 0 {
		s.cells.release(w.cell)
		return Full
	}
	s.commit(&w, pos)
	return OK
}

// write is a write under way.
type write struct {
	o    Origin
	r    *origin
	e    *codec.Entry
	t    *table // where the index has the key
	at   int
	frag uint32
	old  cellRef // 0: the key is new
	cell cellRef
}

// prepare finds the key and takes the memory for a write, except for the log's.
func (s *Store) prepare(w *write) Status {
	w.frag = s.hash(w.r.tag, w.e.Key)
	w.t, w.at, w.old = s.findKey(w.r.tag, w.frag, w.e.Key)
	if w.old != 0 {
		if cellVersion(s.cells.at(w.old)) >= w.e.Version {
			return Old
		}
	} else {
		if s.entries >= s.limits.Keys || int(w.r.entries) >= s.limits.KeysPerOrigin {
			return TooMany
		}
		s.keys.reserve(w.frag)
	}
	if w.cell = s.newCell(cellBytes(w.e)); w.cell == 0 {
		return Full
	}
	writeCell(s.cells.at(w.cell), w.r.tag, w.e)
	return OK
}

// commit makes a write visible. Nothing in it can fail.
func (s *Store) commit(w *write, pos wordRef) {
	setCellPos(s.cells.at(w.cell), pos)
	s.count(w.r, w.e.Flags, len(w.e.Key)+len(w.e.Value), 1)
	if w.old == 0 {
		s.keys.insert(w.frag, uint32(w.cell))
		return
	}
	w.t.replace(w.at, w.frag, uint32(w.cell))
	b := s.cells.at(w.old)
	_, key, value := cellSizes(b)
	s.count(w.r, cellFlags(b), key+value, -1)
	s.kill(w.r, cellPos(b))
	s.retire(retiredCell, uint32(w.old))
}

// Attempts to get memory by finishing what was put off, before a write is refused.
const memoryAttempts = 4

// newCell takes a cell, if need be one that was put off.
func (s *Store) newCell(bytes int) (cell cellRef) {
	for range memoryAttempts {
		if cell = s.cells.alloc(bytes); cell != 0 {
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

// count adds an entry to the counts or, with -1, takes one from them.
func (s *Store) count(r *origin, f codec.EntryFlags, bytes, sign int) {
	s.entries += sign
	s.bytes += sign * bytes
	r.entries += uint32(sign)
	r.bytes += uint64(sign * bytes)
	if f&codec.EntryTombstone == 0 {
		s.live += sign
		r.live += uint32(sign)
	}
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
