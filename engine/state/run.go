package state

import "github.com/quidnunc/quidnunc/codec"

// Applied says what a run did.
type Applied struct {
	New, Old int    // entries that were news, and entries that were here already
	From, To uint64 // max before and after
	Zero     bool   // a key that begins with a zero byte was among the news
	Beyond   int    // entries that were taken beyond a hole; there is one if Status is Full or TooMany
	Since    uint64 // what was taken is after this version
	Status   Status // OK; Gap; NoOrigin; or why an entry was refused: then the prefix ends before it
}

// runBatch is how many entries of a run are resolved together.
const runBatch = 32

// ApplyRun applies a run to an origin and advances it: what Apply for each entry and Advance would do. A run that begins
// above what was seen is a Gap and changes nothing.
//
// With many keys an entry costs several cache misses, one after the other: index, old cell, log word. Entries are
// resolved in batches, one of these steps for all of the batch at a time, so that their misses overlap.
func (s *Store) ApplyRun(o Origin, run *codec.Run, it *codec.RunIter) (a Applied) {
	r := s.at(o)
	if r == nil {
		a.Status = NoOrigin
		return a
	}
	a.From, a.To, a.Since = r.max, r.max, r.max
	switch seen := s.Seen(o); {
	case run.From > seen:
		a.Status = Gap
		return a
	case run.From > r.max:
		a.Status = Full
		s.beyond(o, r, run, it, &a)
		return a
	case run.To < seen || run.To == seen && (seen > r.max || run.Floor <= r.floor):
		a.Old = run.Count
		return a
	}
	begun := s.begun(r)
	s.putOff(4 * sweepCells)
	it.Reset(run)
	for a.Status == OK && s.applyBatch(o, r, it, &a) {
	}
	switch {
	case a.Status == OK:
		a.To = max(a.From, run.To)
		s.advance(o, r, span{a.To, run.Floor, begun})
	case a.To > a.From: // what was taken of it lacks the tombstones up to its floor, too
		s.advance(o, r, span{a.To, run.Floor, begun})
	}
	if a.To > a.From {
		r.ahead = max(r.ahead, run.Max)
	}
	if run.Dirty && a.From < run.Floor && a.To > a.From { // what its sender should not hold is here now
		s.setDirty(r, true)
	}
	if a.Status == Full || a.Status == TooMany {
		s.beyond(o, r, run, it, &a)
	}
	return a
}

// applyBatch applies the next entries; false at the end of the run.
func (s *Store) applyBatch(o Origin, r *origin, it *codec.RunIter, a *Applied) (more bool) {
	var e codec.Entry
	n := 0
	for more = true; n < runBatch; {
		if more = it.Next(&e); !more {
			break
		}
		if e.Version <= r.max {
			a.Old++
			continue
		}
		if check(&e) != OK {
			a.Status = TooLarge
			break
		}
		w := &s.batch[n]
		s.begin(w, r.tag, &e)
		cell := s.draft(w.class)
		if cell == 0 {
			s.finishBatch(o, r, n, a)
			s.applyOne(o, r, &e, a)
			return true
		}
		s.fillCell(s.cells.at(cell), r.tag, &e)
		w.cell = cell
		n++
	}
	status := a.Status
	s.finishBatch(o, r, n, a)
	if a.Status == OK {
		a.Status = status
	}
	return more
}

// applyOne applies an entry by itself: where memory is short.
func (s *Store) applyOne(o Origin, r *origin, e *codec.Entry, a *Applied) {
	if a.Status != OK {
		return
	}
	a.count(s.apply(o, r, e), e.Version, codec.System(e.Key))
}

// count takes the outcome of one entry.
func (a *Applied) count(status Status, v uint64, system bool) {
	switch status {
	case OK:
		a.New++
		a.To = v
		if system {
			a.Zero = true
		}
	case Old:
		a.Old++
	default:
		a.Status = status
	}
}

// finishBatch makes n drafts visible, in order, or releases them from the first refusal on.
func (s *Store) finishBatch(o Origin, r *origin, n int, a *Applied) {
	batch := s.batch[:n]
	s.resolve(r.tag, batch)
	for i := range batch {
		w := &batch[i]
		if a.Status == OK {
			b := s.cells.at(w.cell)
			if w.old == 0 || !s.keys.holds(w) {
				w.t, w.at, w.old = s.findKey(r.tag, w.frag, b[w.keyAt:][:w.key])
			}
			status := s.wanted(w, o, r)
			if status == OK {
				status = s.finish(w, o, r, b)
			}
			a.count(status, w.version, w.system)
			if status == OK {
				continue
			}
		}
		s.cells.release(w.cell)
	}
}

// resolve finds what the drafts of a batch replace: all index words, then all cells, then all log words. The loads of
// one kind do not depend on each other, so the processor overlaps the misses: as many as fit its window, so each loop
// that misses does nothing else.
func (s *Store) resolve(tag uint32, batch []write) {
	sum := uint64(0)
	for i := range batch {
		w := &batch[i]
		w.t = s.keys.table(w.frag)
		w.at = w.t.home(w.frag)
	}
	for i := range batch {
		w := &batch[i]
		sum += w.t.words[w.at]
	}
	for i := range batch {
		w := &batch[i]
		at, ref := w.t.next(w.at, w.frag)
		w.at, w.old = at, cellRef(ref)
	}
	for i := range batch {
		if old := batch[i].old; old != 0 {
			sum += uint64(s.cells.at(old)[0])
		}
	}
	for i := range batch {
		w := &batch[i]
		if w.pos = 0; w.old == 0 {
			continue
		}
		fresh := s.cells.at(w.cell)
		if old := s.cells.at(w.old); cellIs(old, tag, fresh[w.keyAt:][:w.key]) {
			w.pos = cellPos(old)
		} else {
			w.old = 0 // one with the same fingerprint: the search goes on when its turn comes
		}
	}
	for i := range batch {
		if pos := batch[i].pos; pos != 0 {
			sum += *s.log.word(pos)
		}
	}
	s.touched = sum
}
