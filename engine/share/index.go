package share

import (
	"slices"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Index knows, for each shared key, whose log has the claim that wins. It reads
// the store and writes nothing there. One goroutine, the store's writer, tells
// it of changes; Owner and AppendGet are for readers.
type Index struct {
	store  *state.Store
	author func(name []byte) Author
	key    [2]uint64
	bound  sched.Instant
	orders Orders
	winner winners

	unripe    []Stamp         // by origin: the lowest stamp that is not believed yet; 0: none
	authors   []atomic.Uint64 // by origin, from its name
	tags      []uint32        // by origin: for which that was
	departing []bool          // by origin: of equal claims, those of others go before its own
	shelf     []state.Origin  // removed origins whose claims still compete
	waiting   int             // origins with an unripe stamp
	refused   uint64
}

// Change says what a change of a log did to a shared key.
type Change uint8

// The changes.
const (
	Nothing   Change = iota // the key holds what it held
	Won                     // the key holds what the log says now
	Lost                    // the log's claim competes and loses
	Passed                  // the log's claim went, and another's is the winner now
	Gone                    // nobody claims the key any more
	Refused                 // the claim is too far ahead: it does not compete yet
	Malformed               // the value holds no claim
)

// Init makes the index of a store ready. key is secret to the process; bound is
// how far ahead of the wall clock a stamp may be; author hashes names alike at all
// members.
func (x *Index) Init(store *state.Store, key [2]uint64, bound sched.Instant, author func(name []byte) Author) {
	*x = Index{store: store, key: key, bound: bound, author: author}
	handles := store.Limits().Handles() + 1
	x.unripe, x.departing = make([]Stamp, handles), make([]bool, handles)
	x.authors, x.tags = make([]atomic.Uint64, handles), make([]uint32, handles)
	x.winner.wins = make([]uint32, handles)
}

// Use tells which orders of values this member knows, before the first claim comes.
func (x *Index) Use(orders Orders) { x.orders = orders }

// Orders are those that Use told.
func (x *Index) Orders() Orders { return x.orders }

// Author is who writes the claims of o's log that name nobody.
func (x *Index) Author(o state.Origin) Author {
	if tag := x.store.Tag(o); x.tags[o] != tag {
		x.tags[o] = tag
		x.authors[o].Store(uint64(x.author(x.store.Name(o))))
	}
	return Author(x.authors[o].Load())
}

// Wins is the number of keys that o's log wins, deleted ones too.
func (x *Index) Wins(o state.Origin) int { return int(x.winner.wins[o]) }

// Departs says whether o is about to be forgotten: of equal claims, which adoption
// makes, those of others go before its own then. What it wins stays until the keys
// are looked at again (Recheck).
func (x *Index) Departs(o state.Origin, departs bool) { x.departing[o] = departs }

// Departing tells what Departs was told.
func (x *Index) Departing(o state.Origin) bool { return x.departing[o] }

// Shelve keeps the claims of an origin in the competition that was removed from the
// store and kept there (state.Witness), until Unshelve.
func (x *Index) Shelve(o state.Origin) {
	x.departing[o] = true
	x.shelf = append(x.shelf, o)
}

// Shelf are the origins that were shelved.
func (x *Index) Shelf() []state.Origin { return x.shelf }

// Unshelve ends what Shelve began. The origin must win nothing any more (Wins).
func (x *Index) Unshelve(o state.Origin) {
	x.shelf = slices.DeleteFunc(x.shelf, func(y state.Origin) bool { return y == o })
	x.Removed(o)
}

// Removed tells that the log of an origin is gone that won nothing.
func (x *Index) Removed(o state.Origin) {
	x.departing[o] = false
	if x.unripe[o] != 0 {
		x.unripe[o] = 0
		x.waiting--
	}
}

// Recheck looks for the winner of a key anew: O(origins).
func (x *Index) Recheck(key []byte, wall sched.Wall) state.Origin {
	return x.resolve(x.hash(key), key, wall)
}

// Claimants counts the logs that claim a key: O(origins).
func (x *Index) Claimants(key []byte) (n int) {
	var c Claim
	for o := x.next(0); o != 0; o = x.next(o) {
		if _, ok := x.claim(o, key, &c); ok {
			n++
		}
	}
	return n
}

// Claim reads the claim that o's log has on a key; rest is a view of what follows it.
// ok is false where it has none.
func (x *Index) Claim(o state.Origin, key []byte, c *Claim) (rest []byte, ok bool) {
	return x.claim(o, key, c)
}

// Keys is the number of shared keys that somebody claims, deleted ones too.
func (x *Index) Keys() int { return x.winner.keys }

// Refused counts the claims that were too far ahead.
func (x *Index) Refused() uint64 { return x.refused }

// Waiting tells whether claims wait for their time: then Ripen has work.
func (x *Index) Waiting() bool { return x.waiting > 0 }

func (x *Index) hash(key []byte) uint64 { return max(1, codec.SipHash(x.key, key)) }

// Changed tells the index that an entry of o's log is new. e may be a view of
// the store. before is whose log had the winning claim, 0 if nobody's.
func (x *Index) Changed(o state.Origin, e *codec.Entry, wall sched.Wall) (what Change, before state.Origin) {
	hash := x.hash(e.Key)
	before = x.winner.owner(hash)
	if e.Flags&codec.EntryTombstone != 0 {
		return x.withdrawn(hash, o, e.Key, wall), before
	}
	var c Claim
	rest, err := c.Parse(e.Value, x.Author(o))
	if err != nil {
		return cmpOr(x.withdrawn(hash, o, e.Key, wall), Malformed), before
	}
	if Ahead(c.Stamp, wall, x.bound) {
		x.postpone(o, c.Stamp)
		return cmpOr(x.withdrawn(hash, o, e.Key, wall), Refused), before
	}
	if before == o && c.plain() && x.winner.overwrites(hash, c.Stamp) {
		return Won, before
	}
	if before == o { // its own claim of before is gone: others may be higher than the new one
		return x.changeOf(x.resolve(hash, e.Key, wall), o), before
	}
	if !x.beats(o, &c, rest, before, e.Key) {
		return Lost, before
	}
	x.winner.put(hash, x.store.Place(o, e.Key), c.plainStamp())
	return Won, before
}

func cmpOr(c, otherwise Change) Change {
	if c == Nothing {
		return otherwise
	}
	return c
}

// beats tells whether a claim wins over that of the present winner.
func (x *Index) beats(o state.Origin, c *Claim, rest []byte, winner state.Origin, key []byte) bool {
	var d Claim
	theirs, ok := x.claim(winner, key, &d)
	if !ok {
		return true
	}
	switch order := x.orders.Compare(c, rest, &d, theirs); {
	case order != 0:
		return order > 0
	default:
		settled := Settle(c.Deleted, rest, d.Deleted, theirs)
		return settled > 0 || settled == 0 && x.first(o, winner)
	}
}

// first orders logs with the same claim: those that stay before those that go, and
// then so that all replicas name the same one.
func (x *Index) first(a, b state.Origin) bool {
	if x.departing[a] != x.departing[b] {
		return x.departing[b]
	}
	return x.Author(a) < x.Author(b)
}

// claim reads the claim that o's log has on a key. The rest is a view.
func (x *Index) claim(o state.Origin, key []byte, c *Claim) (rest []byte, ok bool) {
	var e codec.Entry
	if o == 0 || !x.store.Get(o, key, &e) || e.Flags&codec.EntryTombstone != 0 {
		return nil, false
	}
	rest, err := c.Parse(e.Value, x.Author(o))
	return rest, err == nil
}

// withdrawn handles a log that does not claim the key any more.
func (x *Index) withdrawn(hash uint64, o state.Origin, key []byte, wall sched.Wall) Change {
	if x.winner.owner(hash) != o {
		return Nothing
	}
	return x.changeOf(x.resolve(hash, key, wall), o)
}

// changeOf says what it means to o that a key has a new winner.
func (x *Index) changeOf(winner, o state.Origin) Change {
	switch winner {
	case 0:
		return Gone
	case o:
		return Won
	default:
		return Passed
	}
}

// next walks all logs that compete: those of the store, then the shelf.
func (x *Index) next(o state.Origin) state.Origin {
	if o == 0 {
		if o = x.store.FirstAtOrAfter(0); o != 0 || len(x.shelf) == 0 {
			return o
		}
		return x.shelf[0]
	}
	at := slices.Index(x.shelf, o)
	if at < 0 {
		if o = x.store.Following(o); o != 0 {
			return o
		}
	}
	if at+1 < len(x.shelf) {
		return x.shelf[at+1]
	}
	return 0
}

// resolve looks for the winner of a key through all logs: O(origins).
func (x *Index) resolve(hash uint64, key []byte, wall sched.Wall) (best state.Origin) {
	stamp := Stamp(0)
	for o := x.next(0); o != 0; o = x.next(o) {
		var c Claim
		rest, ok := x.claim(o, key, &c)
		if !ok || Ahead(c.Stamp, wall, x.bound) {
			continue
		}
		if x.beats(o, &c, rest, best, key) {
			best, stamp = o, c.plainStamp()
		}
	}
	place := state.Place(0)
	if best != 0 {
		place = x.store.Place(best, key)
	}
	x.winner.put(hash, place, stamp)
	return best
}

// postpone notes a claim whose time has not come.
func (x *Index) postpone(o state.Origin, s Stamp) {
	x.refused++
	if x.unripe[o] == 0 {
		x.waiting++
	}
	if x.unripe[o] == 0 || s < x.unripe[o] {
		x.unripe[o] = s
	}
}

// Ripe gives an origin with a claim whose time has come by the wall clock; 0 if
// there is none.
func (x *Index) Ripe(wall sched.Wall) state.Origin {
	if x.waiting == 0 {
		return 0
	}
	for o, s := range x.unripe {
		if s != 0 && !Ahead(s, wall, x.bound) {
			return state.Origin(o)
		}
	}
	return 0
}

// Ripen offers the claims of a ripe origin again, those after version from and
// no more than budget entries, as if they were new: offer leads to Changed. It gives
// the version to go on from, and done when the log is through; claims that still
// have to wait are noted anew.
func (x *Index) Ripen(o state.Origin, from uint64, budget int, offer func(o state.Origin, key []byte)) (next uint64, done bool) {
	if from == 0 && x.unripe[o] != 0 {
		x.unripe[o] = 0
		x.waiting--
	}
	var cur state.Cursor
	var e codec.Entry
	x.store.After(o, from, &cur)
	for range budget {
		if !cur.Next(&e) {
			return from, true
		}
		from = e.Version
		if codec.Shared(e.Key) && e.Flags&codec.EntryTombstone == 0 {
			offer(o, e.Key)
		}
	}
	return from, false
}

// Owner is whose log has what a shared key holds; 0 if nobody claims it. key is
// the key in the log. It is for readers.
func (x *Index) Owner(key []byte) state.Origin { return x.winner.owner(x.hash(key)) }

// AppendGet appends what a shared key holds to dst, and gives its claim. key is
// the key in the log. ok is false, and dst unchanged, where a delete won, which the
// claim says, or nobody claims the key: then the claim has no author. It is for
// readers: it takes no lock, never waits, and does not allocate if dst has room.
func (x *Index) AppendGet(dst, key []byte) (value []byte, c Claim, meta state.Meta, ok bool) {
	hash := x.hash(key)
	reading := x.store.Read(key)
	for at := x.winner.get(hash); at != 0; {
		meta = state.Meta{}
		held, is := x.store.Peek(reading, at, key, &meta)
		rest, err := c.Parse(held, Author(x.authors[at.Origin()].Load()))
		if is && err == nil {
			if ok = !c.Deleted; ok {
				dst = append(dst, rest...)
			}
			break
		}
		before := at
		if at = x.winner.get(hash); at == before {
			break // it did not pass on meanwhile
		}
	}
	reading.Done()
	return dst, c, meta, ok
}

// Release lets go of the memory of the index and of its store, which are not used any more: readers
// find nothing in either. False asks for another call: some are still at work
// (state.Store.Release).
func (x *Index) Release() (done bool) {
	for i := range x.winner.tables {
		x.winner.tables[i].Store(nil)
	}
	if !x.store.Release() {
		return false
	}
	x.unripe, x.authors, x.tags, x.departing, x.shelf, x.winner.wins = nil, nil, nil, nil, nil, nil
	return true
}
