package precise

import (
	"encoding/binary"
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Where there are many keys, a comparison first says a print of each origin. Who receives that lists
// the keys of those that differ, and of no others: a write that one of two members has not heard of yet
// costs what its author holds, not what all do.

// manyKeys is from how many entries on prints go first, and how many of each origin there are then on
// average: fewer are listed as quickly.
const (
	manyKeys     = 256
	manyOfOrigin = 4
)

// many tells whether prints of origins are to go first.
func (x *keywise) many() bool {
	n := x.store.Stats().Entries
	return n >= manyKeys && n >= manyOfOrigin*x.store.Len()
}

// mirrored is what a digest asks for that answers one of its reader's.
func mirrored(f codec.DigestFlags) (to codec.DigestFlags) {
	if f&codec.DigestOffer != 0 {
		to |= codec.DigestWantRuns
	}
	if f&codec.DigestWantRuns != 0 {
		to |= codec.DigestOffer
	}
	return to
}

// mark is a place among the keys of an origin, with memory for its key. Of id 0 it is nowhere.
type mark struct {
	id    codec.OriginID
	n     uint8
	bytes [codec.KeyBytesMax]byte
}

func (m *mark) set(p codec.Place) { m.id, m.n = p.ID, uint8(copy(m.bytes[:], p.Key)) }

func (m *mark) key() []byte { return m.bytes[:m.n] }

// AppendPrints appends a window of prints, as AppendWindow does of keys.
func (x *keywise) AppendPrints(dst []byte, limit int, flags codec.DigestFlags, last bool) (out []byte, end bool) {
	s, w := x.store, &x.digest
	if !w.Begin(dst, limit, codec.Place{ID: x.prints}) {
		return nil, false
	}
	var print [8]byte
	o := s.FirstAtOrAfter(x.prints + 1)
	for ; o != 0 && w.Origin(s.ID(o)); o = s.Following(o) {
		binary.BigEndian.PutUint64(print[:], s.OriginPrint(o))
		if x.prints = s.ID(o); !w.Key(print[:], 1) {
			o = s.Following(o) // a group without one differs from all
			break
		}
	}
	switch {
	case o == 0:
		x.prints, end = 0, true
		flags |= codec.PreciseEnd | codec.DigestFinal
	case w.Groups() == 0:
		w.Cancel()
		return nil, false
	}
	if last {
		flags |= codec.DigestFinal
	}
	return w.End(flags), end
}

// ComparePrints walks a window of prints and the local origins side by side. Whom the peer does not know
// is added to runs, whom we do not know to pulls, and of whom we hold something else to shows; each may
// be nil.
func (x *keywise) ComparePrints(d *codec.PreciseDigest, runs, pulls, shows *list, r *sched.Rand) {
	s := x.store
	x.iter.Reset(d)
	id, more := x.iter.Origin()
	o := s.FirstAtOrAfter(d.After.ID + 1)
	for more || o != 0 {
		switch {
		case o != 0 && s.ID(o) > d.Last && d.Flags&codec.PreciseEnd == 0:
			o = 0
		case !more || o != 0 && s.ID(o) < id:
			if runs != nil {
				x.offerAll(o, runs)
			}
			o = s.Following(o)
		case o == 0 || id < s.ID(o):
			if !x.view.Buried(id) && !s.Shut() {
				pulls.ask(item{ID: id})
			}
			id, more = x.iter.Origin()
		default:
			if print, _, ok := x.iter.Key(); !ok || len(print) != 8 || binary.BigEndian.Uint64(print) != s.OriginPrint(o) {
				shows.show(item{ID: id, Origin: o}, r)
			}
			id, more = x.iter.Origin()
			o = s.Following(o)
		}
	}
}

// show adds an origin whose keys are to be listed. A list that is full keeps any of them, by chance.
func (l *list) show(it item, r *sched.Rand) {
	if l == nil {
		return
	}
	most := cap(l.items) / 2
	l.seen++
	if l.sorted = false; len(l.items) < most {
		l.items = append(l.items, it)
	} else if i := l.next + int(r.Uint32n(l.seen)); i < most {
		l.items[i] = it
	}
}

// AppendListed appends a window of the keys of the origins that l names, and closes each with the one
// that follows it, so that nothing is said of others. done: none is left.
func (x *keywise) AppendListed(dst []byte, limit int, flags codec.DigestFlags, last bool, l *list, at *mark) (out []byte, done bool) {
	s, w := x.store, &x.digest
	if !l.sorted {
		x.startListing(l, at)
	}
	for l.Len() > 0 && s.ID(l.items[l.next].Origin) != l.items[l.next].ID {
		l.next++ // it is gone
	}
	if l.Len() == 0 {
		return nil, true
	}
	after := codec.Place{ID: l.items[l.next].ID - 1}
	if at.id == after.ID+1 {
		after = codec.Place{ID: at.id, Key: at.key()}
	}
	if !w.Begin(dst, limit, after) {
		return nil, false
	}
	switch closed, end := x.fillListed(l, after); {
	case end:
		flags |= codec.PreciseEnd
		x.at = codec.Place{}
	case w.Groups() == 0 || w.Count() == 0 && w.Last().ID == after.ID:
		w.Cancel()
		return nil, false
	default:
		x.at = codec.Place{ID: w.Last().ID, Key: append(x.buffer[:0], w.Last().Key...)}
		if at.id = 0; !closed {
			at.set(x.at)
		}
	}
	done = l.Len() == 0
	if done || last {
		flags |= codec.DigestFinal
	}
	return w.End(flags), done
}

// startListing puts the origins of a list into their order, from the one on where the last window ended.
func (x *keywise) startListing(l *list, at *mark) {
	l.sortByName()
	rest, n := l.items[l.next:], 0
	for n < len(rest) && rest[n].ID < x.at.ID {
		n++
	}
	if n == len(rest) {
		return
	}
	if rest[n].ID == x.at.ID {
		at.set(x.at)
	}
	slices.Reverse(rest[:n])
	slices.Reverse(rest[n:])
	slices.Reverse(rest)
}

// fillListed appends keys until the window is full or an origin comes that is not listed: closed. end:
// it covers everything to the end of the order.
func (x *keywise) fillListed(l *list, after codec.Place) (closed, end bool) {
	s, w := x.store, &x.digest
	o, begun := l.items[l.next].Origin, false
	for {
		x.keys.start(o, x.top(o), after.Key)
		h, more := x.keys.peek()
		if !begun && (s.ID(o) != after.ID || more) && !w.Origin(s.ID(o)) {
			return false, false
		}
		for ; more; h, more = x.keys.peek() {
			if !w.Key(h.key, h.version) {
				return false, false
			}
			x.keys.take()
		}
		if o = s.Following(o); o != 0 && !w.Origin(s.ID(o)) {
			return false, false // the last one is not closed
		}
		if l.next++; o == 0 || l.Len() == 0 || l.items[l.next].Origin != o {
			return true, o == 0
		}
		begun, after.Key = true, nil
	}
}
