package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// healPair is an owner, and a replica that holds the same prefix but for what went wrong.
type healPair struct {
	owner, replica Store
	o, p           Origin
	wrong          Healed // what is to be found
}

func newHealPair(keys int) *healPair {
	x := &healPair{}
	l := Limits{Origins: 4, Keys: 2*keys + 100, Tombstones: 2*keys + 100, ValueBytes: 512 * (keys + 100)}
	for _, s := range []*Store{&x.owner, &x.replica} {
		s.Init(l, 1)
	}
	x.o, _ = x.owner.Add(1, 1, []byte("owner"))
	x.p, _ = x.replica.Add(1, 1, []byte("owner"))
	return x
}

// fill writes a log with overwritten and deleted keys, and plants differences at about one entry in
// so many.
func (x *healPair) fill(r *rand.Rand, keys, writes, one int) (floor uint64) {
	value := func(v uint64) []byte { return fmt.Appendf(nil, "%d %0*d", v, r.IntN(40), v) }
	newest := map[int]*codec.Entry{}
	for v := uint64(1); v <= uint64(writes); v++ {
		k := r.IntN(keys)
		e := &codec.Entry{Version: v, Key: fmt.Appendf(nil, "k%d", k), Value: value(v)}
		switch r.IntN(8) {
		case 0:
			e.Flags, e.Value = codec.EntryTombstone, nil
		case 1:
			e.Flags, e.TTL, e.Age = codec.EntryTTL, 1000, uint32(r.IntN(1000))
		case 2:
			e.Flags, e.Stamp = codec.EntryStamp, int64(v)
		}
		newest[k] = e
	}
	floor = uint64(r.IntN(writes))
	byVersion := make([]*codec.Entry, writes+1)
	for _, e := range newest {
		byVersion[e.Version] = e
	}
	for v := uint64(1); v <= uint64(writes); v++ {
		e := byVersion[v]
		if e == nil {
			if r.IntN(2*one) == 0 { // a key that the owner does not have
				x.replica.ApplyAny(x.p, &codec.Entry{Version: v, Key: fmt.Appendf(nil, "other%d", v), Value: []byte("other")})
				if v > floor {
					x.wrong.Foreign++
				} else {
					x.wrong.Removed++
				}
			}
			continue
		}
		x.owner.ApplyAny(x.o, e)
		if e.Flags&codec.EntryTombstone != 0 && v <= floor && r.IntN(2) == 0 {
			continue // it is cleared here already
		}
		bygone := e.Flags&codec.EntryTombstone != 0 && v <= floor
		if bygone || r.IntN(one) != 0 {
			x.replica.ApplyAny(x.p, e)
			continue
		}
		x.harm(r, e)
	}
	x.owner.Advance(x.o, uint64(writes), floor)
	x.replica.Advance(x.p, uint64(writes), floor)
	return floor
}

// harm plants a difference in the place of an entry.
func (x *healPair) harm(r *rand.Rand, e *codec.Entry) {
	kind := r.IntN(5)
	if kind == 4 && len(e.Value) == 0 {
		kind = 3
	}
	switch kind {
	case 0: // it is missing
		x.wrong.Missing++
	case 1: // it was here and is gone
		x.replica.ApplyAny(x.p, e)
		rec := x.replica.rec(x.p)
		x.replica.drop(x.p, rec, x.replica.cellAt(rec, e.Version))
		x.wrong.Missing++
	case 2: // a longer value
		bad := *e
		bad.Value = append([]byte("wrong: "), e.Value...)
		if bad.Flags&codec.EntryTombstone != 0 {
			bad.Flags = 0
		}
		x.replica.ApplyAny(x.p, &bad)
		x.wrong.Damaged++
	case 3: // a bit of its key flipped
		x.replica.ApplyAny(x.p, e)
		b := x.replica.cells.at(x.replica.cellAt(x.replica.rec(x.p), e.Version))
		at, n, _ := cellSizes(b)
		b[at+r.IntN(n)] ^= 1 << r.IntN(8)
		x.wrong.Damaged++
	case 4: // a bit of its value
		x.replica.ApplyAny(x.p, e)
		b := x.replica.cells.at(x.replica.cellAt(x.replica.rec(x.p), e.Version))
		at, n, m := cellSizes(b)
		b[at+n+r.IntN(m)] ^= 1 << r.IntN(8)
		x.wrong.Damaged++
	}
}

// part is what the owner sends of its log after a version, as much as fits, and where that ends.
func (x *healPair) part(from, to, floor uint64) (run codec.Run) {
	var w codec.RunWriter
	w.BeginPart(nil, 1200, codec.RunHead{ID: 1, From: from, Floor: floor, Max: x.owner.Max(x.o)})
	var c Cursor
	var e codec.Entry
	end := to
	for x.owner.After(x.o, from, &c); c.Next(&e) && e.Version <= to; {
		if !w.Entry(&e) {
			end = w.Last()
			break
		}
	}
	b := w.End(end)
	if err := codec.ParseRun(b[codec.RecordBytes:], &run); err != nil {
		panic(err)
	}
	return run
}

// TestHealingTowardsTheOwner: whatever went wrong in a log, sums of contents show where, the
// owner's entries mend it, and what was not deleted for sure is counted and stays.
func TestHealingTowardsTheOwner(t *testing.T) {
	seed := rand.Uint64()
	for n := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, n))
		x := newHealPair(300)
		writes := 1 + r.IntN(1000)
		floor := x.fill(r, 1+r.IntN(300), writes, 5+r.IntN(50))
		var got Healed
		var it codec.RunIter
		for from := uint64(0); from < uint64(writes); {
			step := codec.IntervalPull{From: from, To: uint64(writes), Step: uint64(1 + r.IntN(64))}
			theirs := x.owner.Contents(x.o, &step, &Budget{Words: 1 + r.IntN(10000)})
			step.To, step.Step = theirs.To, codec.VersionMax
			if ours := x.replica.Contents(x.p, &step, &Budget{Words: 1 << 20}); ours == theirs {
				from = theirs.To
				continue
			}
			run := x.part(from, theirs.To, floor)
			h := x.replica.Heal(x.p, &run, &it, false)
			if wrong := h.Missing+h.Damaged+h.Removed+h.Foreign > 0; wrong != (h.First > from && h.First <= h.To) {
				t.Fatalf("seed %d/%d: %+v from %d", seed, n, h, from)
			}
			got.Missing += h.Missing
			got.Damaged += h.Damaged
			got.Removed += h.Removed
			got.Foreign += h.Foreign
			if from = h.To; h.Refused != 0 {
				t.Fatalf("seed %d/%d: %+v", seed, n, h)
			}
		}
		if got != x.wrong {
			t.Fatalf("seed %d/%d: %+v, want %+v", seed, n, got, x.wrong)
		}
		whole := codec.IntervalPull{To: uint64(writes), Step: codec.VersionMax}
		a := x.owner.Contents(x.o, &whole, &Budget{Words: 1 << 20})
		b := x.replica.Contents(x.p, &whole, &Budget{Words: 1 << 20})
		if a != b && x.wrong.Foreign == 0 || int(b.Count-a.Count) != x.wrong.Foreign {
			t.Fatalf("seed %d/%d: %+v and %+v after %+v", seed, n, a, b, got)
		}
		checkAccounts(t, &x.replica)
		var c Cursor
		var e codec.Entry
		for x.owner.After(x.o, 0, &c); c.Next(&e); {
			value, m, ok := x.replica.AppendGet(nil, []byte("owner"), e.Key)
			if e.Flags&codec.EntryTombstone != 0 {
				if ok {
					t.Fatalf("seed %d/%d: %q is back", seed, n, e.Key)
				}
			} else if !ok || m.Version != e.Version || string(value) != string(e.Value) {
				t.Fatalf("seed %d/%d: %q is %q %v, want %q", seed, n, e.Key, value, ok, e.Value)
			}
		}
	}
}

// TestHealingOfWhatWasOverwritten: an older entry of a key gives way to the one that the owner has.
func TestHealingOfWhatWasOverwritten(t *testing.T) {
	x := newHealPair(10)
	x.owner.Apply(x.o, &codec.Entry{Version: 9, Key: []byte("k"), Value: []byte("new")})
	x.owner.Advance(x.o, 10, 0)
	x.replica.Apply(x.p, &codec.Entry{Version: 5, Key: []byte("k"), Value: []byte("old")})
	x.replica.Advance(x.p, 10, 0)
	run := x.part(0, 10, 0)
	h := x.replica.Heal(x.p, &run, new(codec.RunIter), false)
	value, m, _ := x.replica.AppendGet(nil, []byte("owner"), []byte("k"))
	if h != (Healed{To: 10, Missing: 1, First: 9}) || string(value) != "new" || m.Version != 9 || x.replica.Entries(x.p) != 1 {
		t.Errorf("%+v: %q at %d, %d entries", h, value, m.Version, x.replica.Entries(x.p))
	}
}

// TestHealingDoesNotAllocate: nor do sums of contents.
func TestHealingDoesNotAllocate(t *testing.T) {
	x := newHealPair(200)
	for v := uint64(1); v <= 100; v++ {
		e := codec.Entry{Version: v, Key: fmt.Appendf(nil, "k%d", v), Value: []byte("value")}
		x.owner.Apply(x.o, &e)
		x.replica.Apply(x.p, &e)
	}
	x.owner.Advance(x.o, 100, 0)
	x.replica.Advance(x.p, 100, 0)
	run := x.part(10, 40, 0)
	it := new(codec.RunIter)
	part := codec.IntervalPull{From: 10, To: 40, Step: 64}
	if n := testing.AllocsPerRun(100, func() {
		b := x.replica.cells.at(x.replica.cellAt(x.replica.rec(x.p), 20))
		b[len(b)-1] ^= 1
		b[cellHeadBytes+4] ^= 1
		sum := x.replica.Contents(x.p, &part, &Budget{Words: 1000})
		h := x.replica.Heal(x.p, &run, it, false)
		if h.Damaged != 1 || sum.Count != 30 {
			t.Fatal(h, sum)
		}
		x.replica.Tidy(100)
	}); n != 0 {
		t.Error(n, "allocations")
	}
}
