package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/grace"
	"github.com/quidnunc/quidnunc/sched"
)

// party is owners that hear each other at once, each with a store of its own, and a replica that
// hears them now and then. All have the same limits.
type party struct {
	t       *testing.T
	seed    uint64
	rnd     *rand.Rand
	stores  []*Store // of the owners, then that of the replica
	keepers []grace.Keeper
	keys    [][]string // that live, by owner
	names   int
	at      sched.Instant
	run     codec.Run
	it      codec.RunIter
}

func newParty(t *testing.T, seed uint64, l Limits, owners int) *party {
	x := &party{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 0)), keepers: make([]grace.Keeper, owners), keys: make([][]string, owners), at: 1}
	for i := range owners + 1 {
		s := new(Store)
		s.Init(l, seed)
		for k := range owners {
			if o, status := s.Add(codec.OriginID(k+1), 1, fmt.Append(nil, "owner ", k)); status != OK || int(o) != k+1 {
				t.Fatal(o, status)
			}
		}
		if i < owners {
			s.SetOwner(Origin(i + 1))
		}
		x.stores = append(x.stores, s)
	}
	return x
}

func (x *party) write(i int, key string, flags codec.EntryFlags) {
	s, o := x.stores[i], Origin(i+1)
	e := codec.Entry{Version: s.Last(o) + 1, Key: []byte(key), Flags: flags}
	if status := s.Apply(o, &e); status != OK {
		x.t.Fatalf("seed %d: the owner may not write %q: %v", x.seed, key, status)
	}
}

// burst is what an owner does in a turn: it writes, deletes, or has short lives come and go.
func (x *party) burst(i int, most int) {
	s, o := x.stores[i], Origin(i+1)
	kind := x.rnd.IntN(4)
	for range 1 + x.rnd.IntN(most) {
		mine := &x.keys[i]
		live := 0
		for _, keys := range x.keys {
			live += len(keys)
		}
		switch full, any := live >= s.limits.Keys/2 || s.held >= s.limits.ValueBytes/2, len(*mine) > 0; {
		case any && (kind == 0 || full):
			k := x.rnd.IntN(len(*mine))
			x.write(i, (*mine)[k], codec.EntryTombstone)
			(*mine)[k] = (*mine)[len(*mine)-1]
			*mine = (*mine)[:len(*mine)-1]
		case any && kind == 1:
			x.write(i, (*mine)[x.rnd.IntN(len(*mine))], 0)
		case full:
		case kind == 2:
			x.names++
			key := fmt.Sprint("short/", x.names)
			x.write(i, key, 0)
			x.write(i, key, codec.EntryTombstone)
		default:
			x.names++
			key := fmt.Sprint("key/", x.names%(4*s.limits.Keys))
			if !s.Lives(o, []byte(key)) {
				*mine = append(*mine, key)
			}
			x.write(i, key, 0)
		}
	}
	s.Advance(o, s.Last(o), s.Floor(o))
	for k := range x.keys {
		for k != i && x.hear(x.stores[k], i, codec.RecordBodyMax) {
		}
	}
}

// hear takes the next run of an owner, with so many bytes at most, and tells whether there is more.
func (x *party) hear(to *Store, i int, bytes int) (more bool) {
	from, o := x.stores[i], Origin(i+1)
	head := codec.RunHead{ID: from.ID(o), From: to.Max(o), Floor: from.Floor(o), Max: from.Max(o)}
	var w codec.RunWriter
	if !w.Begin(nil, bytes, head) {
		x.t.Fatal("no room for a run")
	}
	var c Cursor
	var e codec.Entry
	top := from.Max(o)
	for from.After(o, head.From, &c); c.Next(&e); {
		if !w.Entry(&e) {
			top, more = w.Last(), true
			break
		}
	}
	_, body, _ := codec.NextRecord(w.End(top))
	if err := codec.ParseRun(body, &x.run); err != nil {
		x.t.Fatal(err)
	}
	if a := to.ApplyRun(o, &x.run, &x.it); a.Status != OK {
		x.t.Fatalf("seed %d: %+v of a run of %d entries of owner %d, which has %d and %d tombstones, floor %d of %d; here are %+v, limits %+v",
			x.seed, a, x.run.Count, i, from.Keys(o), from.Tombstones(o), from.Floor(o), from.Max(o), to.Stats(), to.Limits())
	}
	return more
}

// collect is what owners do once an interval.
func (x *party) collect() {
	x.at += sched.Second
	replica := x.stores[len(x.keys)]
	for i := range x.keys {
		s, o := x.stores[i], Origin(i+1)
		s.Collect(o, x.keepers[i].Floor(x.at, &grace.Owner{
			Max: s.Max(o), Floor: s.Floor(o), Confirmed: replica.Max(o), Tombstones: s.Tombstones(o), Budget: s.TombstoneShare(),
		}))
	}
}

// mend compares what the replica holds with the owners.
func (x *party) mend() {
	replica := x.stores[len(x.keys)]
	for i := range x.keys {
		s, o := x.stores[i], Origin(i+1)
		for at := uint64(0); replica.Dirty(o) && at < s.Floor(o); {
			for s.Clear(1<<20) || replica.Clear(1<<20) {
			}
			part := s.Interval(o, &codec.IntervalPull{From: at, To: s.Floor(o), Step: 1}, &Budget{Words: 1 << 20})
			at = replica.Mend(o, &part, &Budget{Words: 1 << 20, Drops: 1 << 20}).To
		}
		replica.Repaired(o)
	}
}

// TestNobodyIsFullOfDeletes: a replica with the limits of the owners takes all that these may do,
// whatever it did not hear of meanwhile, in any cut: keys that came and went while it heard nothing,
// by the thousand. In the end it has what they have.
func TestNobodyIsFullOfDeletes(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	for _, l := range []Limits{
		{Origins: 8, Keys: 512, ValueBytes: 1 << 20},
		{Origins: 8, Keys: 64, ValueBytes: 1 << 20},
		{Origins: 8, Keys: 2000, Tombstones: 1, ValueBytes: 4 << 20},
		{Origins: 8, Keys: 2000, ValueBytes: 48 << 10},
	} {
		for owners := range 3 {
			live(newParty(t, rand.Uint64(), l, owners+1), rounds)
		}
	}
}

// TestNobodyIsFullOfWhatWasCollected: what an owner wrote and deleted in one go may be more than is
// remembered, and is collected before anybody hears of it. Nobody has to keep it.
func TestNobodyIsFullOfWhatWasCollected(t *testing.T) {
	live(newParty(t, 14818077400592489358, Limits{Origins: 8, Keys: 2000, Tombstones: 1, ValueBytes: 4 << 20}, 2), 400)
}

// live lets owners write so often, while the replica hears nothing, and brings it up to them.
func live(x *party, rounds int) {
	owners, keys := len(x.keys), x.stores[0].Limits().Keys
	for range rounds {
		for range x.rnd.IntN(20) {
			x.burst(x.rnd.IntN(owners), 1+keys/(1+x.rnd.IntN(4)))
			if x.rnd.IntN(3) == 0 {
				x.collect()
			}
		}
		x.catchUp()
	}
}

// catchUp brings the replica up to what the owners have, who go on meanwhile.
func (x *party) catchUp() {
	replica := x.stores[len(x.keys)]
	for {
		more, busy := false, x.rnd.IntN(3) == 0
		for _, i := range x.rnd.Perm(len(x.keys)) {
			if more = x.hear(replica, i, 100+x.rnd.IntN(3000)) || more; busy && x.rnd.IntN(8) == 0 {
				x.burst(i, 10)
			}
		}
		if !more {
			break
		}
	}
	for i := range x.keys {
		for x.hear(replica, i, codec.RecordBodyMax) {
		}
	}
	x.mend()
	for i := range x.keys {
		s, o := x.stores[i], Origin(i+1)
		if s.Keys(o) != replica.Keys(o) || s.RangePrint(s.ID(o), 64) != replica.RangePrint(s.ID(o), 64) {
			x.t.Fatalf("seed %d: the replica has %d keys of owner %d, who has %d", x.seed, replica.Keys(o), i, s.Keys(o))
		}
	}
}
