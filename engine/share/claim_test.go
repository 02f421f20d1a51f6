package share

import (
	"bytes"
	"cmp"
	"errors"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
	"pgregory.net/rapid"
)

// TestClockVectors: the rules of hybrid logical clocks, as pairs of (milliseconds, counter). This
// clock counts an event of receiving when the next stamp is made, not when it is seen.
func TestClockVectors(t *testing.T) {
	at := func(l, c uint64) Stamp { return Stamp(l<<counterBits | c) }
	next := func(last Stamp, wall int64, want Stamp) {
		t.Helper()
		c := Clock{last: last}
		if got := c.Next(sched.Wall(wall) * sched.Millisecond); got != want {
			t.Errorf("Next at %d after %x gives %x, want %x", wall, last, got, want)
		}
	}
	next(at(10, 0), 10, at(10, 1))
	next(at(10, 1), 9, at(10, 2))
	next(at(10, 2), 11, at(11, 0))
	next(at(10, 1<<counterBits-1), 10, at(11, 0)) // the counter carries
	next(0, -5, 1)
	next(stampMax, 0, stampMax)
	see := func(last, remote Stamp, wall int64, want Stamp) {
		t.Helper()
		c := Clock{last: last}
		ok := c.See(remote, sched.Wall(wall)*sched.Millisecond, 500*sched.Millisecond)
		if got := c.Next(sched.Wall(wall) * sched.Millisecond); got != want || !ok {
			t.Errorf("after %x and %x at %d: %x, want %x", last, remote, wall, got, want)
		}
	}
	see(at(10, 2), at(10, 5), 9, at(10, 6))
	see(at(10, 2), at(12, 3), 9, at(12, 4))
	see(at(10, 2), at(8, 9), 9, at(10, 3))
	see(at(10, 2), at(8, 9), 15, at(15, 0))
}

// TestClockRefusesTheFuture: a stamp beyond the bound is refused and does not raise the clock.
func TestClockRefusesTheFuture(t *testing.T) {
	const wall = sched.Wall(1000 * sched.Second)
	var c Clock
	if !c.See(At(wall+sched.Second), wall, sched.Second) {
		t.Error("a stamp within the bound was refused")
	}
	if c.See(At(wall+sched.Second+sched.Millisecond), wall, sched.Second) || c.See(1<<64-1, wall, sched.Second) {
		t.Error("a stamp beyond the bound was believed")
	}
	if c.Last() != At(wall+sched.Second) {
		t.Error("it raised the clock")
	}
}

// TestStampsBeyondAllClocks: nanoseconds end in 2262 and stamps do not. A later one is shown as the
// last time that there is, and none as one before another that is below it.
func TestStampsBeyondAllClocks(t *testing.T) {
	last := sched.Wall(-1)
	for shift := range 64 {
		s := Stamp(1) << shift
		if s.Wall() < last {
			t.Errorf("%x is shown at %d, before %d", s, s.Wall(), last)
		}
		last = s.Wall()
	}
	for _, wall := range []sched.Wall{1<<63 - 1, 1 << 32 * sched.Second, 0} { // 2262, 2106
		if got := At(wall).Wall(); got > wall || wall-got >= sched.Millisecond {
			t.Errorf("%d is shown as %d", wall, got)
		}
	}
	var c Clock
	for range 3 { // a clock that has gone past the last time says that it is before 1970
		before := c.Last()
		if c.Next(1<<63-1) <= before || c.Next(-1<<63) <= before+1 {
			t.Error("stamps do not grow")
		}
	}
}

func anyClaim(t *rapid.T) (c Claim) {
	c.Epoch = rapid.Uint32Range(0, 2).Draw(t, "epoch")
	c.Stamp = Stamp(rapid.Uint64Range(1, 4).Draw(t, "stamp"))
	c.Author = Author(rapid.Uint64Range(1, 3).Draw(t, "author"))
	if c.First = rapid.Bool().Draw(t, "first"); !c.First {
		c.Order = rapid.Uint32Range(0, 2).Draw(t, "order")
	}
	c.Deleted = rapid.Bool().Draw(t, "deleted")
	return c
}

// TestClaimRoundTrip: append and parse agree, within the sizes that are promised.
func TestClaimRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, owner := anyClaim(t), Author(rapid.Uint64Range(1, 3).Draw(t, "owner"))
		b := c.Append(nil, owner)
		if len(b) > ClaimBytesMax || c.Author == owner && c.Epoch == 0 && c.Order == 0 && len(b) != ClaimBytesOwn {
			t.Fatalf("%d bytes", len(b))
		}
		value := "v"
		if c.Deleted {
			value = ""
		}
		var d Claim
		rest, err := d.Parse(append(b, value...), owner)
		if err != nil || d != c || string(rest) != value {
			t.Fatalf("%+v %q %v", d, rest, err)
		}
	})
}

// TestClaimBad: what is not a claim in its only form is refused.
func TestClaimBad(t *testing.T) {
	own := (&Claim{Stamp: 7, Author: 1}).Append(nil, 1)
	set := func(i int, v byte) []byte { b := bytes.Clone(own); b[i] = v; return b }
	for name, b := range map[string][]byte{
		"empty":             nil,
		"short":             own[:8],
		"unknown flag":      set(0, 32),
		"stamp 0":           set(1, 0),
		"stamp too large":   set(8, 0x80),
		"epoch cut off":     set(0, flagEpoch),
		"order cut off":     set(0, flagOrder),
		"order 0":           append(set(0, flagOrder), 0, 0, 0, 0),
		"ordered, first":    append(set(0, flagOrder|flagFirst), 1, 0, 0, 0),
		"epoch 0":           append(set(0, flagEpoch), 0, 0, 0, 0),
		"author cut off":    set(0, flagAdopted),
		"author 0":          append(set(0, flagAdopted), 0, 0, 0, 0, 0, 0, 0, 0),
		"adopted from self": append(set(0, flagAdopted), 1, 0, 0, 0, 0, 0, 0, 0),
		"deleted, a value":  append(set(0, flagDeleted), 'v'),
	} {
		var c Claim
		if _, err := c.Parse(b, 1); !errors.Is(err, ErrClaim) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOrderOfClaims: the order is total, and a join: antisymmetric and transitive.
func TestOrderOfClaims(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyClaim(t), anyClaim(t), anyClaim(t)
		if a.Compare(&b) != -b.Compare(&a) || a.Compare(&a) != 0 {
			t.Fatal("not antisymmetric", a, b)
		}
		if a.Compare(&b) >= 0 && b.Compare(&c) >= 0 && a.Compare(&c) < 0 {
			t.Fatal("not transitive", a, b, c)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyClaim(t), anyClaim(t), anyClaim(t)
		value := func(c *Claim) []byte {
			if c.Deleted {
				return nil
			}
			return []byte{rapid.Byte().Draw(t, "first"), rapid.ByteRange(0, 3).Draw(t, "last")}
		}
		x, y, z := value(&a), value(&b), value(&c)
		if cmp.Compare(testOrders.Compare(&a, x, &b, y), 0) != -cmp.Compare(testOrders.Compare(&b, y, &a, x), 0) {
			t.Fatal("not antisymmetric", a, x, b, y)
		}
		if testOrders.Compare(&a, x, &b, y) >= 0 && testOrders.Compare(&b, y, &c, z) >= 0 && testOrders.Compare(&a, x, &c, z) < 0 {
			t.Fatal("not transitive", a, x, b, y, c, z)
		}
	})
	if !testOrders.Knows(0) || !testOrders.Knows(1) || testOrders.Knows(2) {
		t.Error("the wrong orders are known")
	}
	last := func(s Stamp, a Author) Claim { return Claim{Stamp: s, Author: a} }
	first := func(s Stamp, a Author) Claim { return Claim{Stamp: s, Author: a, First: true} }
	wins := func(a, b Claim) {
		t.Helper()
		if a.Compare(&b) <= 0 {
			t.Errorf("%+v does not win over %+v", a, b)
		}
	}
	wins(last(8, 1), last(7, 2))
	wins(last(7, 2), last(7, 1))
	wins(first(7, 2), first(8, 1))
	wins(first(7, 1), first(7, 2))
	wins(first(9, 1), last(10, 1))
	wins(Claim{First: true, Deleted: true, Stamp: 9, Author: 1}, first(1, 1))
	wins(Claim{Order: 1, Stamp: 1, Author: 1}, Claim{First: true, Deleted: true, Stamp: 9, Author: 1})
	wins(Claim{Order: 1, Deleted: true, Stamp: 1, Author: 1}, Claim{Order: 2, Stamp: 9, Author: 1})
	wins(Claim{Order: 2, Stamp: 1, Author: 1}, Claim{Order: 1, Stamp: 9, Author: 1})
	wins(Claim{Epoch: 1, Stamp: 1, Author: 1}, Claim{First: true, Deleted: true, Stamp: 9, Author: 1})
}

// TestSettle: two contents of one claim have a winner that does not depend on who asks.
func TestSettle(t *testing.T) {
	if Settle(true, nil, false, []byte("v")) != 1 || Settle(false, []byte("v"), true, nil) != -1 {
		t.Error("a delete does not win")
	}
	if a, b := []byte("a"), []byte("b"); Settle(false, a, false, b) != -Settle(false, b, false, a) || Settle(false, a, false, a) != 0 {
		t.Error("values are not ordered")
	}
}

// TestRank: members agree who is the n-th to adopt a key, and the work spreads.
func TestRank(t *testing.T) {
	ids := []codec.OriginID{11, 22, 33, 44, 55}
	firsts := make(map[codec.OriginID]int)
	for key := range uint64(5000) {
		places := 0
		for i, id := range ids {
			others := append(append([]codec.OriginID{}, ids[:i]...), ids[i+1:]...)
			place := Rank(key*0x9e3779b97f4a7c15, id, others)
			if places |= 1 << place; place == 0 {
				firsts[id]++
			}
		}
		if places != 1<<len(ids)-1 {
			t.Fatalf("key %d: places %b", key, places)
		}
	}
	for id, n := range firsts {
		if n < 800 || n > 1200 {
			t.Errorf("member %d adopts %d of 5000", id, n)
		}
	}
}
