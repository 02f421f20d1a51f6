package reconcile

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// LastID is the end of the id space; a window up to it has no successor.
const LastID = codec.OriginID(^uint64(0))

// AppendWindow appends one digest record that covers the ids from start on, as
// many as fit below limit. It returns the id where the next window starts, and
// whether the end of the id space was reached. A nil slice means that not even
// an empty record fits.
func AppendWindow(dst []byte, limit int, s *state.Store, start codec.OriginID, flags codec.DigestFlags) (out []byte, next codec.OriginID, last bool) {
	var w codec.DigestWriter
	if !w.Begin(dst, limit, flags, start) {
		return nil, start, false
	}
	for o := s.FirstAtOrAfter(start); o != 0; o = s.Following(o) {
		if !w.Add(codec.DigestEntry{ID: s.ID(o), Max: s.Max(o), Floor: s.Floor(o), Dirty: s.Dirty(o)}) {
			if w.Count() == 0 && s.ID(o) == start {
				return nil, start, false // room for the record, but not for what it is about
			}
			return w.End(s.ID(o) - 1), s.ID(o), false
		}
	}
	return w.End(LastID), 0, true
}

// Difference is what comparing a window says beside the two lists.
type Difference struct {
	Ahead uint64 // the peer claims this much of the local origin, more than it wrote
	Full  bool   // a list was full; the rest is left to a later exchange
}

// Compare walks a digest window and the local origins side by side. Origins of
// which the peer lacks something are added to runs, origins of which we lack
// something to pulls; either list may be nil. own is the origin that this node
// writes; a peer that claims more of it than was written is reported, not
// pulled from.
func Compare(s *state.Store, b Book, d *codec.Digest, own state.Origin, runs, pulls *Job) (diff Difference) {
	if d.Flags&codec.DigestPartial != 0 {
		return comparePartial(s, b, d, own, runs, pulls)
	}
	it := d.Entries()
	var e codec.DigestEntry
	more := it.Next(&e)
	o := s.FirstAtOrAfter(d.Lo)
	for more || o != 0 {
		switch {
		case o != 0 && s.ID(o) > d.Hi:
			o = 0
		case !more || (o != 0 && s.ID(o) < e.ID):
			diff.add(runs, want(s, o, 0)) // unknown there: at least its introduction
			o = s.Following(o)
		case o == 0 || e.ID < s.ID(o):
			if !b.Buried(e.ID) {
				diff.add(pulls, Want{ID: e.ID})
			}
			more = it.Next(&e)
		default:
			diff.both(s, b, o, own, &e, runs, pulls)
			o, more = s.Following(o), it.Next(&e)
		}
	}
	return diff
}

// comparePartial looks at the origins that a partial digest lists and at no
// others.
func comparePartial(s *state.Store, b Book, d *codec.Digest, own state.Origin, runs, pulls *Job) (diff Difference) {
	it := d.Entries()
	var e codec.DigestEntry
	for it.Next(&e) {
		if o := s.Find(e.ID); o != 0 {
			diff.both(s, b, o, own, &e, runs, pulls)
		} else if !b.Buried(e.ID) {
			diff.add(pulls, Want{ID: e.ID})
		}
	}
	return diff
}

// Lacks adds to runs what a peer lacks that holds an origin up to from, unless it
// is still on its way there.
func Lacks(s *state.Store, b Book, o state.Origin, from uint64, runs *Job) bool {
	w := peerLacks(s, b, o, from)
	return w.ID != 0 && runs.Add(w)
}

func (diff *Difference) both(s *state.Store, b Book, o, own state.Origin, e *codec.DigestEntry, runs, pulls *Job) {
	mine := s.Max(o)
	switch {
	case e.Max > mine && o == own:
		diff.Ahead = e.Max
	case e.Max > mine && b.Coming(o, e.Max):
	case e.Max > mine:
		diff.add(pulls, Want{ID: e.ID, Origin: o, From: mine})
	case e.Max < mine:
		diff.add(runs, peerLacks(s, b, o, e.Max))
	case e.Floor < s.Floor(o):
		diff.add(runs, Want{ID: e.ID, Origin: o, From: mine}) // an empty run carries the floor
	}
}

func peerLacks(s *state.Store, b Book, o state.Origin, from uint64) Want {
	if from >= b.Settled(o) {
		return Want{}
	}
	return want(s, o, from)
}

func want(s *state.Store, o state.Origin, from uint64) Want {
	return Want{ID: s.ID(o), Origin: o, From: from, Missing: uint32(s.Missing(o, from))}
}

func (diff *Difference) add(j *Job, w Want) {
	if j == nil || w.ID == 0 {
		return
	}
	if !j.Add(w) {
		diff.Full = true
	}
}
