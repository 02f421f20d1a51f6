package precise

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// keywise is precise reconciliation, the baseline of the Scuttlebutt paper: the
// digest names every key with its version, and exactly the entries that are
// newer than the peer's are sent, in an order over all origins. It owns the
// scratch that this needs; one per engine is enough.
//
// What arrives leaves holes, so no prefix is claimed: the replica's max stays
// where runs took it. Cost follows the number of keys, not of differences: that
// is what it is compared for.
//
// Deletes stay as entries until their origin's floor has passed them.
type keywise struct {
	view    reconcile.View
	store   *state.Store
	filler  *reconcile.Filler // introduces origins
	order   tune.Order
	compare func(a, b *tune.Candidate) int
	keys    keys
	author  state.Origin // what the sender of a digest writes
	found   int          // entries that one lacks, and that the other has

	at      codec.Place    // where the next window starts: its key is in the buffer
	prints  codec.OriginID // after it the next window of prints starts
	floors  codec.OriginID // whose floor is told next
	buffer  [codec.KeyBytesMax]byte
	digest  codec.PreciseDigestWriter
	iter    codec.PreciseIter
	pull    codec.PrecisePullWriter
	run     codec.PreciseRunWriter
	entry   codec.Entry
	lease   codec.Entry // that the entry lives by
	cursor  state.Cursor
	picks   []item
	origins []state.Origin // of the picks

	candidates []tune.Candidate
	places     []int32
	moved      []item
}

// picksMax bounds the entries of one frame: each takes at least 4 bytes.
const picksMax = codec.FrameBytesMax / 4

// Init gives the scratch its memory. compare is for OrderPreciseOwn: negative if a
// goes before b.
func (x *keywise) Init(v *reconcile.View, f *reconcile.Filler, o tune.Order, compare func(a, b *tune.Candidate) int) {
	x.view, x.store, x.filler, x.order, x.compare = *v, v.Store, f, o, compare
	x.keys.init(v.Store)
	x.picks = make([]item, 0, picksMax)
	x.origins = make([]state.Origin, 0, picksMax)
}

// top is the highest version of an origin that is shown: of our own, what is published.
func (x *keywise) top(o state.Origin) uint64 {
	if o == x.view.Own {
		return x.store.Max(o)
	}
	return codec.VersionMax
}

// AppendWindow appends the window that is next in turn, as many keys as fit
// below limit; last says that the caller sends no more of them after it. It
// reports whether the window ended the order: the next one starts anew. A nil
// slice means that nothing fits.
func (x *keywise) AppendWindow(dst []byte, limit int, flags codec.DigestFlags, last bool) (out []byte, end bool) {
	w := &x.digest
	if !w.Begin(dst, limit, x.at) {
		return nil, false
	}
	end = x.fillWindow()
	switch {
	case end:
		flags |= codec.PreciseEnd | codec.DigestFinal
		x.at = codec.Place{}
	case w.Groups() == 0 || w.Count() == 0 && w.Last().ID == x.at.ID:
		w.Cancel()
		return nil, false
	default:
		to := w.Last()
		x.at = codec.Place{ID: to.ID, Key: append(x.buffer[:0], to.Key...)}
	}
	if last {
		flags |= codec.DigestFinal
	}
	return w.End(flags), end
}

// floorsMost is how many floors are told beside a window.
const floorsMost = 8

// AppendFloors appends the floors of a few origins, in turn, as runs without entries. They go
// before a window, which takes all room that there is.
func (x *keywise) AppendFloors(dst []byte, limit int) []byte {
	s := x.store
	told := 0
	for range min(s.Len(), 8*floorsMost) {
		o := s.FirstAtOrAfter(x.floors)
		if o == 0 {
			o = s.FirstAtOrAfter(0)
		}
		if s.Floor(o) > 0 && !s.Dirty(o) && s.Max(o) >= s.Floor(o) {
			out, _, _ := x.filler.Run(dst, limit, o, s.Max(o))
			if out == nil || told == floorsMost {
				break
			}
			dst = out
			told++
		}
		x.floors = s.ID(o) + 1
	}
	return dst
}

// fillWindow appends keys until the window is full; true at the end of the order.
func (x *keywise) fillWindow() (end bool) {
	s, w := x.store, &x.digest
	for o := s.FirstAtOrAfter(x.at.ID); o != 0; o = s.Following(o) {
		id, after := s.ID(o), []byte(nil)
		if id == x.at.ID {
			after = x.at.Key
		}
		x.keys.start(o, x.top(o), after)
		h, more := x.keys.peek()
		if id == x.at.ID && !more {
			continue // all of it was in the last window
		}
		if !w.Origin(id) {
			return false
		}
		for ; more; h, more = x.keys.peek() {
			if !w.Key(h.key, h.version) {
				return false
			}
			x.keys.take()
		}
	}
	return true
}

// Compare walks a window and the local entries side by side. What the peer
// lacks is added to runs, what we lack to pulls; either may be nil. If the peer has a
// write of our own origin that was never made, that is reported and not pulled.
func (x *keywise) Compare(d *codec.PreciseDigest, runs, pulls *list) (ahead bool) {
	s := x.store
	x.iter.Reset(d)
	id, more := x.iter.Origin()
	o := s.FirstAtOrAfter(d.After.ID)
	for more || o != 0 {
		switch {
		case o != 0 && s.ID(o) > d.Last && d.Flags&codec.PreciseEnd == 0:
			o = 0
		case !more || o != 0 && s.ID(o) < id:
			x.unlisted(d, o, runs)
			o = s.Following(o)
		case o == 0 || id < s.ID(o):
			if !x.view.Buried(id) && !s.Shut() {
				pulls.ask(item{ID: id})
			}
			id, more = x.iter.Origin()
		default:
			ahead = x.listed(d, o, runs, pulls) || ahead
			id, more = x.iter.Origin()
			o = s.Following(o)
		}
	}
	return ahead
}

// unlisted offers what an origin has that no group speaks of.
func (x *keywise) unlisted(d *codec.PreciseDigest, o state.Origin, runs *list) {
	if x.store.ID(o) == d.After.ID {
		x.offerRest(o, d.After.Key, runs)
		return
	}
	x.offerAll(o, runs)
}

// offerAll offers an origin that the peer does not know, or its introduction alone to who has turned
// others away.
func (x *keywise) offerAll(o state.Origin, runs *list) {
	shut, away := x.view.Full.Strangers()
	if shut || !x.filler.Introduces(o) {
		return
	}
	if x.add(runs, item{ID: x.store.ID(o), Origin: o, intro: true}); away {
		return
	}
	x.store.After(o, 0, &x.cursor)
	for top := x.top(o); x.cursor.Next(&x.entry) && x.entry.Version <= top; {
		x.offer(runs, o, x.entry.Version, x.entry.Stamp, true)
	}
}

// offerRest offers the keys of an origin that come after a key.
func (x *keywise) offerRest(o state.Origin, after []byte, runs *list) {
	x.keys.start(o, x.top(o), after)
	for h, ok := x.keys.peek(); ok; h, ok = x.keys.peek() {
		x.offer(runs, o, h.version, h.stamp, false)
		x.keys.take()
	}
}

// listed compares an origin with its group, key by key.
func (x *keywise) listed(d *codec.PreciseDigest, o state.Origin, runs, pulls *list) (ahead bool) {
	id, after := x.store.ID(o), []byte(nil)
	if id == d.After.ID {
		after = d.After.Key
	}
	x.keys.start(o, x.top(o), after)
	h, mine := x.keys.peek()
	top := x.store.Max(o)
	for {
		key, v, ok := x.iter.Key()
		if !ok {
			break
		}
		for mine && string(h.key) < string(key) {
			x.offer(runs, o, h.version, h.stamp, false)
			x.keys.take()
			h, mine = x.keys.peek()
		}
		has := uint64(0)
		if mine && string(h.key) == string(key) {
			has = h.version
			if has > v {
				x.offer(runs, o, has, h.stamp, false)
			}
			x.keys.take()
			h, mine = x.keys.peek()
		}
		switch {
		case v <= has:
		case o != x.view.Own && v <= top && (o != x.author || v <= x.store.Floor(o)):
			// It was written again, or deleted: all that lives up to there is here. Where the
			// author itself still has it, it is not: something was forged in its place.
		case o != x.view.Own:
			x.found++
			pulls.ask(item{ID: id, Version: v})
		case v > top || x.neverWrote(o, key, v):
			ahead = true
		}
	}
	if id == d.Last && d.Flags&codec.PreciseEnd == 0 {
		return ahead // what follows is beyond the window
	}
	for ; mine; h, mine = x.keys.peek() {
		x.offer(runs, o, h.version, h.stamp, false)
		x.keys.take()
	}
	return ahead
}

// neverWrote reports a write that a peer holds of our own origin and that can't be
// of this life: each of our writes is here, or a later one of its key is. The two
// lives would differ for ever under one identifier.
func (x *keywise) neverWrote(own state.Origin, key []byte, v uint64) bool {
	return v > x.store.Floor(own) && (!x.store.Get(own, key, &x.entry) || x.entry.Version < v)
}

// offer adds an entry that a peer lacks, unless it is still on its way there.
func (x *keywise) offer(runs *list, o state.Origin, v uint64, stamp int64, intro bool) {
	if runs == nil || v > x.view.Settled(o) && x.view.Settled(o) < x.store.Max(o) {
		return
	}
	x.found++
	it := item{ID: x.store.ID(o), Origin: o, Version: v, intro: intro}
	switch x.order {
	case tune.OrderPreciseNewest:
		it.rank = ^signed(stamp)
	case tune.OrderPreciseOldest:
		it.rank = signed(stamp)
	case tune.OrderPreciseRandom:
		it.rank = scatter(runs.Salt ^ scatter(uint64(it.ID)^v))
	}
	x.add(runs, it)
}

// scatter is a bijection without pattern (the finalizer of SplitMix64).
func scatter(v uint64) uint64 {
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// signed maps signed to unsigned numbers of the same order.
func signed(v int64) uint64 { return uint64(v) ^ 1<<63 }

func (x *keywise) add(l *list, it item) {
	if l == nil {
		return
	}
	l.add(it)
	if l.full() {
		x.Arrange(l)
		l.keep()
	}
}

// Answer adds what a pull list asks for.
func (x *keywise) Answer(p *codec.PrecisePull, runs *list) {
	it := p.Groups()
	for id, n, ok := it.Origin(); ok; id, n, ok = it.Origin() {
		o := x.store.Find(id)
		if n == 0 && o != 0 {
			x.offerAll(o, runs)
		}
		for v, ok := it.Version(); ok; v, ok = it.Version() {
			if o != 0 && x.store.At(o, v, &x.entry) {
				x.offer(runs, o, v, x.entry.Stamp, false)
			}
		}
	}
}

// Introduce offers the origins alone that are asked for.
func (x *keywise) Introduce(l *codec.Pull, runs *list) {
	it := l.Entries()
	for id, _, ok := it.Next(); ok; id, _, ok = it.Next() {
		if o := x.store.Find(id); o != 0 && x.filler.Introduces(o) {
			x.add(runs, item{ID: id, Origin: o, intro: true})
		}
	}
}

// Arrange puts a list of runs into the order that it is to be sent in.
func (x *keywise) Arrange(l *list) {
	if l.sorted {
		return
	}
	if x.order != tune.OrderPreciseOwn {
		l.sortByRank()
		return
	}
	x.arrangeOwn(l)
}

// arrangeOwn sorts by the embedder's comparator. What was overwritten in the
// meantime goes: its successor is found by a later exchange.
func (x *keywise) arrangeOwn(l *list) {
	x.candidates, x.places, x.moved = x.candidates[:0], x.places[:0], x.moved[:0]
	for _, it := range l.items[l.next:] {
		var c tune.Candidate
		if x.store.ID(it.Origin) != it.ID || it.Version != 0 && !x.store.At(it.Origin, it.Version, &c.Entry) {
			continue
		}
		c.Author = x.store.Name(it.Origin)
		x.places = append(x.places, int32(len(x.moved)))
		x.candidates, x.moved = append(x.candidates, c), append(x.moved, it)
	}
	slices.SortFunc(x.places, func(i, j int32) int {
		a, b := &x.moved[i], &x.moved[j]
		if a.Version != 0 && b.Version != 0 {
			if c := x.compare(&x.candidates[i], &x.candidates[j]); c != 0 {
				return c
			}
			return byName(*a, *b)
		}
		return int(min(a.Version, 1)) - int(min(b.Version, 1)) // introductions first
	})
	l.items = l.items[:l.next]
	for _, i := range x.places {
		l.items = append(l.items, x.moved[i])
	}
	l.unique()
}
