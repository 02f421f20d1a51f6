package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// del deletes a key at its author.
func (w *net) del(i int, key string) {
	d := w.nodes[i]
	d.version++
	if st := d.core.Write(w.now, &Op{Kind: Delete, Version: d.version, Key: []byte(key)}); st != Written {
		w.t.Fatalf("delete: %v", st)
	}
	w.pump(d)
}

// TestSleeperIsMended: while a member slept, keys were deleted and their tombstones collected. When it is back, it holds
// every key that lives all the time, drops the others, and is equal to everybody; no deleted key comes back to anybody,
// a blank newcomer included that is fed by the sleeper alone.
func TestSleeperIsMended(t *testing.T) {
	const keys, gone = 3000, 600
	w := newNet(t, 4, 91, func(_ int, c *Config) {
		c.Limits.State = state.Limits{Origins: 16, Keys: 10000, Tombstones: 100, ValueBytes: 1 << 22}
	})
	w.joinAll()
	w.converge(5 * sched.Second)
	for k := range keys {
		w.set(0, fmt.Sprint("k", k), "v")
	}
	w.converge(20 * sched.Second)
	w.linked = func(from, to int) bool { return (from == 3) == (to == 3) }
	w.run(10 * sched.Second)
	for k := range gone {
		w.del(0, fmt.Sprint("k", k*keys/gone))
	}
	w.run(10 * sched.Second)
	owner, sleeper := &w.nodes[0].core, &w.nodes[3].core
	if owner.store.Floor(owner.self) == 0 || owner.store.Tombstones(owner.self) > 100 {
		t.Fatalf("floor %d, %d tombstones", owner.store.Floor(owner.self), owner.store.Tombstones(owner.self))
	}
	w.linked = nil
	o := sleeper.store.Find(owner.me.ID)
	var e codec.Entry
	dirty := false
	for end := w.now + 20*sched.Second; w.now < end && !(dirty && w.equal()); {
		w.run(5 * sched.Millisecond)
		dirty = dirty || sleeper.store.Dirty(o)
		for k := 1; k < keys; k += 7 {
			if k%(keys/gone) != 0 && !sleeper.store.Get(o, fmt.Append(nil, "k", k), &e) {
				t.Fatalf("k%d, which lives, is missing for a while", k)
			}
		}
	}
	if !dirty || !w.equal() || sleeper.store.Dirty(o) {
		t.Fatalf("was dirty: %v; is: %v, compared to %d of %d; mended %d", dirty, sleeper.store.Dirty(o), sleeper.store.MendedTo(o), sleeper.store.Floor(o), sleeper.counters.Mended)
	}
	for i, d := range w.nodes {
		for k := range gone {
			if x := d.core.store.Find(owner.me.ID); d.core.store.Lives(x, fmt.Append(nil, "k", k*keys/gone)) {
				t.Fatalf("node %d: k%d is back", i, k*keys/gone)
			}
		}
	}
	if n := sleeper.counters.Mended; n < gone/2 {
		t.Errorf("%d keys mended", n)
	}
}
