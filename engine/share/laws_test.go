package share

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// The highest stamp is one, and what is exactly the bound ahead is not ahead.
func TestEdgesOfStamps(t *testing.T) {
	c := Claim{Stamp: stampMax, Author: 1}
	var d Claim
	if _, err := d.Parse(c.Append(nil, 1), 1); err != nil || d != c {
		t.Errorf("the highest stamp: %+v, %v", d, err)
	}
	edge := At(testWall).plus(testBound) | (1<<counterBits - 1)
	if Ahead(edge, testWall, testBound) || !Ahead(edge+1, testWall, testBound) {
		t.Errorf("the bound: %v, a stamp more: %v", Ahead(edge, testWall, testBound), Ahead(edge+1, testWall, testBound))
	}
	var clock Clock
	if !clock.See(edge, testWall, testBound) || clock.See(edge+1, testWall, testBound) || clock.Last() != edge {
		t.Errorf("the clock is at %d", clock.Last())
	}
}

// Under an order of values a later stamp wins nothing: who overwrites the highest value with a
// lower one loses the key to whoever has the next.
func TestOverwritesUnderAnOrder(t *testing.T) {
	r := newReplica(t, 2)
	claim := func(author Author, n Stamp) *Claim { return &Claim{Stamp: n, Author: author, Order: 1} }
	f := func(want, got Change, holds string) {
		t.Helper()
		if v, _ := r.get("k"); got != want || v != holds {
			t.Errorf("%v, want %v; the key holds %q, want %q", got, want, v, holds)
		}
	}
	f(Won, r.write(t, 1, "k", claim(1, 5), "z"), "z")
	f(Lost, r.write(t, 2, "k", claim(2, 9), "m"), "z")
	f(Passed, r.write(t, 1, "k", claim(1, 12), "a"), "m")
	f(Won, r.write(t, 1, "k", claim(1, 13), "n"), "n")
	f(Won, r.write(t, 1, "k", &Claim{Stamp: 1, Author: 1, Epoch: 1}, "new"), "new")
	f(Lost, r.write(t, 2, "k", claim(2, 99), "zz"), "new")
}

// Nothing waits for its time once the log that said it is gone.
func TestRemovedLogsWaitForNothing(t *testing.T) {
	r := newReplica(t, 3)
	early := At(testWall + 4*sched.Wall(testBound))
	for id := codec.OriginID(1); id <= 2; id++ {
		if got := r.write(t, id, "k", &Claim{Stamp: early, Author: Author(id)}, "early"); got != Refused {
			t.Fatal(got)
		}
	}
	r.index.Removed(r.store.Find(1))
	r.index.Removed(r.store.Find(1))
	if !r.index.Waiting() {
		t.Error("the other log waits still")
	}
	if r.index.Removed(r.store.Find(2)); r.index.Waiting() {
		t.Error("nobody is left to wait for")
	}
}
