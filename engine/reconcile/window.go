package reconcile

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// View is what a comparison looks at.
type View struct {
	Now    sched.Instant
	Full   codec.FullAts // what the sender of the frame at hand has no room for
	Store  *state.Store
	Own    state.Origin // that this node writes
	News   News         // nil: nothing is pushed
	Graves Graves       // nil: nobody is buried
}

// News is what is on its way by push: package settle.
type News interface {
	// Settled is the max of an origin that peers may be expected to have by now; what
	// is newer is not offered.
	Settled(now sched.Instant, o state.Origin) uint64
	// Coming tells whether what a peer has more than we, up to a max, is likely on its
	// way here. It is not asked for.
	Coming(now sched.Instant, o state.Origin, max uint64) bool
	// Moving reports an origin whose news is on its way.
	Moving(now sched.Instant, o state.Origin) bool
}

// Graves are the origins that must not be asked for: package names.
type Graves interface {
	Has(now sched.Instant, id codec.OriginID) bool
	// HasShort is Has for an abbreviated id.
	HasShort(now sched.Instant, short uint64, of func(codec.OriginID) uint64) bool
}

// Buried reports an origin that must not be asked for.
func (v *View) Buried(id codec.OriginID) bool { return v.Graves != nil && v.Graves.Has(v.Now, id) }

// BuriedShort is Buried for an abbreviated id.
func (v *View) BuriedShort(short uint64, of func(codec.OriginID) uint64) bool {
	return v.Graves != nil && v.Graves.HasShort(v.Now, short, of)
}

// Settled is the max of an origin that peers may be expected to have.
func (v *View) Settled(o state.Origin) uint64 {
	if v.News == nil {
		return v.Store.Max(o)
	}
	return v.News.Settled(v.Now, o)
}

// Moving reports an origin whose news is on its way.
func (v *View) Moving(o state.Origin) bool { return v.News != nil && v.News.Moving(v.Now, o) }

func (v *View) coming(o state.Origin, max uint64) bool {
	return v.News != nil && v.News.Coming(v.Now, o, max)
}

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
// something to pulls; either list may be nil. A peer that claims more of our own
// origin than was written is reported, not pulled from.
func (v *View) Compare(d *codec.Digest, runs, pulls *Job) (diff Difference) {
	if d.Flags&codec.DigestPartial != 0 {
		return v.comparePartial(d, runs, pulls)
	}
	s := v.Store
	it := d.Entries()
	var e codec.DigestEntry
	more := it.Next(&e)
	o := s.FirstAtOrAfter(d.Lo)
	for more || o != 0 {
		switch {
		case o != 0 && s.ID(o) > d.Hi:
			o = 0
		case !more || (o != 0 && s.ID(o) < e.ID):
			diff.add(runs, v.stranger(o))
			o = s.Following(o)
		case o == 0 || e.ID < s.ID(o):
			if !v.Buried(e.ID) {
				diff.add(pulls, v.Unknown(e.ID))
			}
			more = it.Next(&e)
		default:
			diff.both(v, o, &e, runs, pulls)
			o, more = s.Following(o), it.Next(&e)
		}
	}
	return diff
}

// comparePartial looks at the origins that a partial digest lists and at no
// others.
func (v *View) comparePartial(d *codec.Digest, runs, pulls *Job) (diff Difference) {
	it := d.Entries()
	var e codec.DigestEntry
	for it.Next(&e) {
		if o := v.Store.Find(e.ID); o != 0 {
			diff.both(v, o, &e, runs, pulls)
		} else if !v.Buried(e.ID) {
			diff.add(pulls, v.Unknown(e.ID))
		}
	}
	return diff
}

// Lacks adds to runs what a peer lacks that holds an origin up to from, unless it
// is still on its way there.
func (v *View) Lacks(o state.Origin, from uint64, runs *Job) bool {
	w := v.peerLacks(o, from)
	if _, away := v.Full.Strangers(); from == 0 && away {
		w = v.stranger(o)
	}
	return w.ID != 0 && runs.Add(w)
}

// whoOnly is where a want begins that is for the introduction of an origin, and nothing else.
const whoOnly = codec.VersionMax

// stranger is what the sender of the frame at hand is to have of an origin that it does not know: at
// least its introduction. If it has turned others away it first takes that, and nothing while it
// takes nobody.
func (v *View) stranger(o state.Origin) Want {
	shut, away := v.Full.Strangers()
	switch {
	case shut:
		return Want{}
	case away:
		return Want{ID: v.Store.ID(o), Origin: o, From: whoOnly}
	}
	return want(v.Store, o, 0)
}

// Unknown is what we ask for of an origin that we do not know, in the same way.
func (v *View) Unknown(id codec.OriginID) Want {
	switch s := v.Store; {
	case s.Shut():
		return Want{}
	case s.TurnsAway():
		return Want{ID: id, From: whoOnly}
	}
	return Want{ID: id}
}

func (diff *Difference) both(v *View, o state.Origin, e *codec.DigestEntry, runs, pulls *Job) {
	mine := v.Store.Max(o)
	switch {
	case e.Max > mine && o == v.Own:
		diff.Ahead = e.Max
	case e.Max > mine && (e.Max <= v.Store.Seen(o) || v.coming(o, e.Max)):
	case e.Max > mine:
		diff.add(pulls, Want{ID: e.ID, Origin: o, From: mine})
	case e.Max < mine:
		diff.add(runs, v.peerLacks(o, e.Max))
	case e.Floor < v.Store.Floor(o):
		diff.add(runs, Want{ID: e.ID, Origin: o, From: mine}) // an empty run carries the floor
	case e.Floor > v.Store.Floor(o):
		diff.add(pulls, Want{ID: e.ID, Origin: o, From: mine})
	}
}

func (v *View) peerLacks(o state.Origin, from uint64) Want {
	from = max(from, v.Full.Through(v.Store.ID(o))) // the rest was offered, and there was no room for it
	if from >= v.Settled(o) {
		return Want{}
	}
	return want(v.Store, o, from)
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
