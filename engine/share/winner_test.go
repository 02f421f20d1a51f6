package share

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// claimsOf are claims of an author, one of each kind: epochs, rules, stamps, deletes.
func claimsOf(a Author) (all []Claim) {
	for _, epoch := range []uint32{0, 1} {
		for _, c := range []Claim{{}, {First: true}, {Order: 1}, {Order: 2}} {
			for _, stamp := range []Stamp{3, 4} {
				c.Epoch, c.Stamp, c.Author = epoch, stamp, a
				all = append(all, c)
			}
			c.Deleted = true
			all = append(all, c)
		}
	}
	return all
}

// TestOverwritesOfAllKinds: whatever a log said before, and whatever it says now, the key holds
// what wins of the two logs, and the index says so.
func TestOverwritesOfAllKinds(t *testing.T) {
	r := newReplica(t, 2)
	value := func(c *Claim, v string) string {
		if c.Deleted {
			return ""
		}
		return v
	}
	key := 0
	for _, before := range claimsOf(1) {
		for _, other := range claimsOf(2) {
			for _, now := range claimsOf(1) {
				key++
				k := fmt.Sprint(key)
				r.write(t, 1, k, &before, value(&before, "m"))
				r.write(t, 2, k, &other, value(&other, "n"))
				was := r.ownerID(k)
				what := r.write(t, 1, k, &now, value(&now, "o"))
				want, says := codec.OriginID(2), Lost
				if was == 1 {
					says = Passed
				}
				if better(&now, value(&now, "o"), 1, &other, value(&other, "n"), 2) {
					want, says = 1, Won
				}
				if got := r.ownerID(k); got != want || what != says {
					t.Fatalf("%+v, then %+v of the other, then %+v: %d has it, and %v; want %d and %v", before, other, now, got, what, want, says)
				}
			}
		}
	}
}

// TestEqualClaims: of logs that say the same, the one with the lower author is named, unless it
// departs; what departs is passed on when the key is looked at again, and only then.
func TestEqualClaims(t *testing.T) {
	for _, first := range []codec.OriginID{1, 2} {
		r := newReplica(t, 3)
		same := &Claim{Stamp: 5, Author: 3}
		r.write(t, first, "k", same, "v")
		r.write(t, 3-first, "k", same, "v")
		if got := r.ownerID("k"); got != 1 {
			t.Errorf("%d wrote first: %d is named", first, got)
		}
		o := r.store.Find(1)
		r.index.Departs(o, true)
		if !r.index.Departing(o) || r.ownerID("k") != 1 {
			t.Error("it is passed on before anybody looks")
		}
		if r.index.Recheck(logKey("k"), testWall) != r.store.Find(2) || r.index.Wins(o) != 0 {
			t.Error("it is not passed on")
		}
		r.index.Departs(o, false)
		if r.index.Recheck(logKey("k"), testWall) != o || r.index.Wins(o) != 1 {
			t.Error("it does not come back")
		}
	}
}

// TestShelfAlone: where no log is left in the store, those of the shelf compete.
func TestShelfAlone(t *testing.T) {
	r := newReplica(t, 2)
	r.write(t, 1, "k", &Claim{Stamp: 5, Author: 1}, "v")
	r.write(t, 2, "k", &Claim{Stamp: 9, Author: 2}, "w")
	r.store.Attend(keeper{&r.index})
	one, two := r.store.Find(1), r.store.Find(2)
	r.store.Remove(one)
	r.store.Remove(two)
	if n := r.index.Claimants(logKey("k")); n != 2 || len(r.index.Shelf()) != 2 {
		t.Fatalf("%d logs claim it, %d are on the shelf", n, len(r.index.Shelf()))
	}
	if got := r.index.Recheck(logKey("k"), testWall); got != two {
		t.Errorf("%d has it", got)
	}
}

// TestRipening: a claim ahead of its time is counted, waits for the lowest of those of its log, and
// competes then; the others are noted anew.
func TestRipening(t *testing.T) {
	r := newReplica(t, 2)
	early := func(n int) *Claim { return &Claim{Stamp: At(testWall + sched.Wall(n)*testBound), Author: 1} }
	for i, n := range []int{6, 4, 8} {
		if got := r.write(t, 1, fmt.Sprint("k", n), early(n), "v"); got != Refused || r.index.Refused() != uint64(i+1) {
			t.Fatalf("%v, %d refused", got, r.index.Refused())
		}
	}
	o := r.store.Find(1)
	at := func(n int) sched.Wall { return testWall + sched.Wall(n-1)*testBound }
	if r.index.Ripe(at(4)-sched.Millisecond) != 0 || r.index.Ripe(at(4)) != o {
		t.Error("the lowest of them does not say when")
	}
	offered := 0
	ripen := func(wall sched.Wall, budget int) {
		for from, done := uint64(0), false; !done; {
			from, done = r.index.Ripen(o, from, budget, func(o state.Origin, key []byte) {
				offered++
				var e codec.Entry
				if !r.store.Get(o, key, &e) {
					t.Fatal("what is offered is not there")
				}
				r.index.Changed(o, &e, wall)
			})
		}
	}
	ripen(at(4), 1)
	_, four := r.get("k4")
	_, six := r.get("k6")
	if !four || six || offered != 3 || !r.index.Waiting() {
		t.Errorf("four %v, six %v, %d offered, waiting %v", four, six, offered, r.index.Waiting())
	}
	ripen(at(8), 100)
	if _, eight := r.get("k8"); !eight || r.index.Waiting() || r.index.Ripe(at(9)) != 0 {
		t.Errorf("eight %v, waiting %v", eight, r.index.Waiting())
	}
}

// TestTablesAreThreeQuartersFull: a table grows when one more would be above that, to twice what
// lives in it or a little more, and keeps no word of what is gone.
func TestTablesAreThreeQuartersFull(t *testing.T) {
	w := winners{wins: make([]uint32, 2)}
	r := newReplica(t, 1)
	r.write(t, 1, "k", &Claim{Stamp: 5, Author: 1}, "v")
	place := r.store.Place(r.store.Find(1), logKey("k"))
	for hash := uint64(1); hash <= 300; hash++ { // all in the first table
		before := 0
		if t := w.tables[0].Load(); t != nil {
			before = len(t.words)
		}
		w.put(hash, place, 1)
		now := w.tables[0].Load()
		if grew := len(now.words) != max(before, wordsMin); 4*now.used > 3*len(now.words) || grew != (4*int(hash) > 3*max(before, wordsMin)) || now.used != int(hash) {
			t.Fatalf("%d of %d words, of %d before", now.used, len(now.words), before)
		}
	}
	for hash := uint64(1); hash <= 298; hash++ {
		w.put(hash, 0, 0)
	}
	for hash := uint64(301); ; hash++ { // until it is made anew
		w.put(hash, place, 1)
		w.put(hash, 0, 0)
		if now := w.tables[0].Load(); len(now.words) < 16 {
			if now.used != 3 || w.get(299) == 0 || w.get(300) == 0 || w.get(1) != 0 {
				t.Errorf("%d words are used of %d", now.used, len(now.words))
			}
			break
		}
		if hash > 2000 {
			t.Fatal("what is gone keeps its words")
		}
	}
}

// TestRankOfOne: a member is the first where it knows nobody else, and never comes after itself.
func TestRankOfOne(t *testing.T) {
	for key := range uint64(100) {
		if Rank(key, 1, nil) != 0 || Rank(key, 1, []codec.OriginID{1}) != 0 {
			t.Fatalf("key %d: not the first", key)
		}
	}
}
