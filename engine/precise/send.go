package precise

import (
	"cmp"
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Fill appends the first items of a list as runs until dst is limit bytes long,
// the list is done or its next item does not fit. It returns the longer slice and
// the number of entries. Within a frame they are grouped by origin.
func (x *keywise) Fill(dst []byte, limit int, l *list) (out []byte, entries int) {
	x.Arrange(l)
	x.pick(limit-len(dst), l)
	slices.SortFunc(x.picks, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Version, b.Version))
	})
	x.picks = slices.CompactFunc(x.picks, same) // a comparator may contradict itself
	for i := 0; i < len(x.picks); {
		n := 1
		for i+n < len(x.picks) && x.picks[i+n].Origin == x.picks[i].Origin {
			n++
		}
		var sent int
		dst, sent = x.encode(dst, limit, x.picks[i:i+n])
		entries += sent
		i += n
	}
	return dst, entries
}

// pick takes items that fit into room bytes.
func (x *keywise) pick(room int, l *list) {
	x.picks, x.origins = x.picks[:0], x.origins[:0]
	for l.Len() > 0 && len(x.picks) < picksMax && l.Deltas != 0 {
		it := l.items[l.next]
		if !x.holds(&it) {
			l.next++
			continue
		}
		cost := x.cost(&it)
		if cost > room {
			return
		}
		room -= cost
		if !slices.Contains(x.origins, it.Origin) {
			x.origins = append(x.origins, it.Origin)
		}
		x.picks = append(x.picks, it)
		l.next++
		if it.Version != 0 && l.Deltas > 0 {
			l.Deltas--
		}
	}
}

// holds reads the item's entry, if it is still the newest of its key. Who was to be introduced and
// was met by nobody for too long meanwhile is not spoken of. A key that lives by a lease
// says what that has left: entries come one by one.
func (x *keywise) holds(it *item) bool {
	if x.store.ID(it.Origin) != it.ID || it.intro && !x.filler.Introduces(it.Origin) {
		return false
	}
	if it.Version == 0 {
		return true
	}
	is := x.store.At(it.Origin, it.Version, &x.entry)
	if is && x.entry.Flags&codec.EntryLeased != 0 && x.store.Lease(it.Origin, x.entry.Lease, &x.lease) {
		state.Hint(&x.entry, &x.lease)
	}
	return is
}

// cost bounds what the item adds to the frame.
func (x *keywise) cost(it *item) (n int) {
	if it.Version != 0 {
		n = codec.EntryBytes(&x.entry, 0, nil)
	}
	if !slices.Contains(x.origins, it.Origin) {
		n += codec.PreciseRunOverhead
		if it.intro {
			n += x.filler.IntroBytes(it.Origin)
		}
	}
	return n
}

// encode appends the picks of one origin.
func (x *keywise) encode(dst []byte, limit int, picks []item) (out []byte, entries int) {
	if picks[0].intro {
		dst = x.filler.AppendIntro(dst, picks[0].Origin)
	}
	if picks[0].Version == 0 {
		picks = picks[1:]
	}
	if len(picks) == 0 || !x.run.Begin(dst, limit, picks[0].ID) {
		return dst, 0
	}
	for i := range picks {
		if x.holds(&picks[i]) && x.run.Entry(&x.entry) {
			entries++
		}
	}
	return x.run.End(), entries
}

// AppendPull appends as much of a pull list as fits below limit. A nil slice
// means that nothing does.
func (x *keywise) AppendPull(dst []byte, limit int, l *list) []byte {
	if !l.sorted {
		l.sortByName()
	}
	w := &x.pull
	if !w.Begin(dst, limit) {
		return nil
	}
	last := codec.OriginID(0)
	for ; l.Len() > 0; l.next++ {
		it := &l.items[l.next]
		if it.ID != last && !w.Origin(it.ID) {
			break
		}
		last = it.ID
		if it.Version != 0 && !w.Version(it.Version) {
			break
		}
	}
	if w.Groups() == 0 {
		w.Cancel()
		return nil
	}
	return w.End(l.Len() == 0)
}

// Witness hears where entries came from, and what the author of others than these has put right.
type Witness interface {
	// Brought tells that a peer brought the entry of a version.
	Brought(o state.Origin, p uint32, version uint64)
	// Overruled tells that the entry of a version was another one until its author sent it. here:
	// what stood there was not overwritten before.
	Overruled(now sched.Instant, o state.Origin, version uint64, here bool)
}

// Apply merges entries one by one: those of the frame's run, a precise one or one that starts above
// our max. It gives the lowest version that was news. What the author of the origin sends itself is
// right: whatever else is here under its version was forged, and gives way.
func Apply(s *state.Store, o state.Origin, f *reconcile.Frame, w Witness) (a reconcile.Applied, lowest uint64) {
	it, e := &f.Iter, &f.Entry
	a.From, a.To = s.Max(o), s.Max(o)
	it.Reset(&f.Run)
	for it.Next(e) {
		st, was := state.Old, state.Nothing
		switch {
		case e.Flags&codec.EntryByRef != 0: // here nobody knows what came before
			a.Unnamed = true
			continue
		case f.Author == o && e.Version > s.Floor(o):
			st, was = s.Overrule(o, e)
		case e.Version > a.From: // else all that lives up to max is here: it was written again, or deleted
			st = s.ApplyAny(o, e)
		}
		if was != state.Nothing {
			w.Overruled(f.Now, o, e.Version, was == state.Alien)
		}
		switch st {
		case state.OK:
			w.Brought(o, f.Peer, e.Version)
			a.New++
			if lowest == 0 {
				lowest = e.Version
			}
			a.System = a.System || codec.System(e.Key)
		case state.Old:
			a.Old++
		default:
			a.Full = true
			s.Refused()
		}
	}
	return a, lowest
}

// Agreed takes what was said by the author of an origin: it holds exactly what is here.
// So the prefix reaches up to the last of its writes. It reports whether that moved.
func Agreed(s *state.Store, author state.Origin) (moved bool) {
	last := s.Last(author)
	if moved = last > s.Max(author); moved {
		s.Advance(author, last, s.Floor(author))
	}
	return moved
}
