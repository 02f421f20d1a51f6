package interval

import (
	"cmp"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

func (n *node) Author(state.Origin) uint32 { return cmp.Or(n.author, n.source) }
func (n *node) Takes(uint32) bool          { return !n.gone }

// orphans is a sleeper and another replica of an owner that is gone. Three keys were deleted and
// collected, the other one is beyond the floor, and both know that the log went on.
func orphans(t *testing.T, scattered bool) *pair {
	w := newPair(t, 0)
	for i, n := range w.nodes {
		limits := state.Limits{Origins: 4, Keys: 1000, Tombstones: 100, ValueBytes: 1 << 20}
		if n.store.Init(limits, 1); scattered {
			n.store.PrintKeys()
		}
		n.o, _ = n.store.Add(1, 1, []byte("owner"))
		n.mender.Own, n.source, n.gone = 0, 0, true
		for k := range 100 {
			n.set(uint64(k+1), k)
		}
		top := uint64(100)
		if i == 0 && scattered { // all that it knows came one by one
			top = 0
		}
		n.store.Advance(n.o, top, 0)
	}
	w.forget([]int{3, 40, 99})
	for _, n := range w.nodes {
		if e := (codec.Entry{Version: 110, Key: key(70), Value: []byte("beyond")}); scattered && n.store.ApplyAny(n.o, &e) != state.OK {
			t.Fatal("an entry beyond what is here is not taken")
		}
	}
	if b := w.nodes[1]; !scattered {
		var rw codec.RunWriter
		rw.Begin(nil, 1400, codec.RunHead{ID: 1, From: 103, Floor: 103, Max: 110})
		b.take(w, rw.End(104))
	}
	if s := &w.nodes[1].store; s.Level(w.nodes[1].o) || s.Dirty(w.nodes[1].o) {
		t.Fatal("the other one is level, or dirty")
	}
	return w
}

// TestTheDeletesOfWhoIsGone: where nobody is left who knows how a log ended, what is below the floor
// is mended by others who are beyond it.
func TestTheDeletesOfWhoIsGone(t *testing.T) {
	for _, scattered := range []bool{false, true} {
		w := orphans(t, scattered)
		took := w.mend(2 * lateAfter)
		a, b := w.nodes[0], w.nodes[1]
		if a.keys != 3 || a.store.Keys(a.o) != b.store.Keys(b.o) || a.store.KeyPrint() != b.store.KeyPrint() || took < lateAfter/2 {
			t.Errorf("scattered %v: %d keys were mended after %v, %d and %d live", scattered, a.keys, took, a.store.Keys(a.o), b.store.Keys(b.o))
		}
	}
}

// TestWhoIsNotLevelIsNotBelieved as long as the owner may be asked, however late it is: what is not
// there may have been rewritten.
func TestWhoIsNotLevelIsNotBelieved(t *testing.T) {
	for _, scattered := range []bool{false, true} {
		w := orphans(t, scattered)
		a := w.nodes[0]
		a.gone, a.source, a.author = false, 1, 5
		for end := w.now + 3*lateAfter; w.now < end; w.now += sched.Second {
			a.mender.Step(w.now)
			for range 10 {
				w.round()
			}
		}
		if a.keys != 0 || !a.store.Dirty(a.o) {
			t.Errorf("scattered %v: %d keys were mended, dirty %v", scattered, a.keys, a.store.Dirty(a.o))
		}
	}
}
