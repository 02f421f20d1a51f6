package state

import "github.com/quidnunc/quidnunc/codec"

// Applied says what a run did.
type Applied struct {
	New, Old int    // entries that were news, and entries that were here already
	From, To uint64 // max before and after
	Zero     bool   // a key that begins with a zero byte was among the news
	Beyond   int    // entries that were taken beyond a hole; there is one if Status is Full or TooMany
	Since    uint64 // what was taken is after this version
	Unnamed  bool   // it was taken up to an entry whose key only a reference names, to what is not here
	Status   Status // OK; Gap; NoOrigin; or why an entry was refused: then the prefix ends before it
}

// runBatch is how many entries of a run are resolved together.
const runBatch = 32

// ApplyRun applies a run to an origin and advances it: what Apply for each entry and Advance would
// do. A run that begins above what was seen is a Gap and changes nothing.
//
// With many keys an entry costs several cache misses, one after the other: index, old cell, log
// word. Entries are resolved in batches, one of these steps for all of the batch at a time, so that
// their misses overlap.
func (s *Store) ApplyRun(o Origin, run *codec.Run, it *codec.RunIter) (a Applied) {
	r := s.at(o)
	if r == nil {
		a.Status = NoOrigin
		return a
	}
	a.From, a.To, a.Since = r.max, r.max, r.max
	if s.Relayed(o) {
		s.confirm(o, r, run, it)
	}
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
	s.below = run.Floor
	for a.Status == OK && s.applyBatch(o, r, it, &a) {
	}
	switch {
	case a.Status == OK:
		a.To = max(a.From, run.To)
		s.advance(o, r, span{a.To, run.Floor, begun})
	case a.To > a.From: // what was taken of it lacks the tombstones up to its floor, too
		s.advance(o, r, span{a.To, run.Floor, begun})
	}
	a.Unnamed = a.Status == Unnamed
	if a.To > a.From {
		r.ahead = max(r.ahead, run.Max)
	}
	if run.Dirty && a.From < run.Floor && a.To > a.From { // what its sender should not hold is here now
		s.setDirty(r, true)
	}
	if a.Status == Full || a.Status == TooMany {
		s.beyond(o, r, run, it, &a)
	}
	s.below = 0
	return a
}

// applyBatch applies the next entries; false at the end of the run. What was written together is
// resolved together.
func (s *Store) applyBatch(o Origin, r *origin, it *codec.RunIter, a *Applied) (more bool) {
	var e codec.Entry
	n, end := 0, uint64(0) // of the last entry's batch
	cut := OK
	for more = true; n < runBatch; {
		if more = it.Next(&e); !more {
			break
		}
		if e.Version <= r.max {
			a.Old++
			continue
		}
		if !s.named(r, &e) {
			cut, n, more = Unnamed, s.cutBatch(n, e.Version), false
			break
		}
		if check(&e) != OK {
			a.Status = TooLarge
			break
		}
		if e.Rest > 0 && e.Version > end {
			if end = e.End(); n+int(e.Rest) >= runBatch { // it would be cut
				if s.finishBatch(o, r, n, a); a.Status != OK {
					return false
				}
				n = 0
			}
		}
		w := &s.batch[n]
		s.begin(w, r.tag, &e)
		if w.cell = s.draft(w.class); w.cell == 0 {
			if e.Version <= end {
				w.cell = s.newCell(w.class)
			} else {
				s.finishBatch(o, r, n, a)
				s.applyOne(o, r, &e, a)
				return true
			}
		}
		if w.cell != 0 {
			s.fillCell(s.cells.at(w.cell), r.tag, &e)
		}
		w.end = max(end, e.Version)
		n++
	}
	status := a.Status
	s.finishBatch(o, r, n, a)
	if a.Status == OK {
		a.Status = max(status, cut)
	}
	return more
}

const _ uint = runBatch - codec.BatchMax

// cutBatch lets go of those of n drafts that were written together with a version.
func (s *Store) cutBatch(n int, v uint64) int {
	for ; n > 0 && s.batch[n-1].end >= v; n-- {
		if cell := s.batch[n-1].cell; cell != 0 {
			s.cells.release(cell)
		}
	}
	return n
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

// finishBatch makes n drafts visible, in order, or releases them from the first refusal on. Those
// of one batch of the owner are refused together.
func (s *Store) finishBatch(o Origin, r *origin, n int, a *Applied) {
	batch := s.batch[:n]
	s.resolve(r.tag, batch)
	for i := range batch {
		w := &batch[i]
		if a.Status == OK && w.end > w.version && (i == 0 || batch[i-1].end != w.end) {
			a.Status = s.wantsAll(o, r, batch[i:])
		}
		if a.Status == OK {
			b := s.cells.at(w.cell)
			s.find(w, r.tag, b[w.keyAt:][:w.key])
			status := s.wanted(w, o, r)
			if status == OK {
				status = s.finish(w, o, r, b)
			}
			if a.count(status, w.version, w.system); a.Status == OK && (i == n-1 || batch[i+1].end != w.end) {
				a.To = max(a.To, w.end) // what it lacks of its batch was written again
			}
			if status == OK {
				continue
			}
		}
		if w.cell != 0 {
			s.cells.release(w.cell)
		}
	}
}

// find makes sure that a draft knows what it replaces.
func (s *Store) find(w *write, tag uint32, key []byte) {
	if w.old == 0 || !s.keys.holds(w) {
		w.t, w.at, w.old = s.findKey(tag, w.frag, key)
	}
}

// wantsAll tells whether there is room for all drafts of the batch of the owner that list begins
// with: in the limits, counted one after the other, and in the log.
func (s *Store) wantsAll(o Origin, r *origin, list []write) (status Status) {
	n, end := 0, list[0].end
	for ; n < len(list) && list[n].end == end; n++ {
		w := &list[n]
		if w.cell == 0 {
			status = Full
			break
		}
		s.find(w, r.tag, s.cells.at(w.cell)[w.keyAt:][:w.key])
		if status = s.fits(w, o, r); status == Old || w.same { // it takes nothing more
			status, w.is, w.was = OK, held{}, held{}
		}
		if status != OK {
			break
		}
		s.tally(w, r, w.is, w.was, 1)
	}
	for i := range list[:n] {
		s.tally(&list[i], r, list[i].was, list[i].is, -1)
	}
	if status == OK && !s.logRoom(o, r, list[0].version, n) {
		return Full
	}
	return status
}

// tally counts a write, or takes that back.
func (s *Store) tally(w *write, r *origin, is, was held, one int) {
	s.count(r, is, was, w.system)
	if w.old == 0 && w.is != w.was {
		s.entries += one
		r.entries += uint32(one)
	}
}

// resolve finds what the drafts of a batch replace: all index words, then all cells, then all log
// words. The loads of one kind do not depend on each other, so the processor overlaps the misses:
// as many as fit its window, so each loop that misses does nothing else.
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
		if w.pos = 0; w.old == 0 || w.cell == 0 {
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
