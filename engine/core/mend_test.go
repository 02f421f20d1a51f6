package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
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

// TestSleeperIsMended: while a member slept, keys were deleted and their tombstones collected. When
// it is back, it holds every key that lives all the time, drops the others, and is equal to
// everybody; no deleted key comes back to anybody, a blank newcomer included that is fed by the
// sleeper alone.
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
	if owner.store.Floor(owner.store.Owner()) == 0 || owner.store.Tombstones(owner.store.Owner()) > 100 {
		t.Fatalf("floor %d, %d tombstones", owner.store.Floor(owner.store.Owner()), owner.store.Tombstones(owner.store.Owner()))
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
		t.Fatalf("was dirty: %v; is: %v, of floor %d; mended %d", dirty, sleeper.store.Dirty(o), sleeper.store.Floor(o), sleeper.counters.Mended)
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

// sleepers is a cluster whose node 0 wrote many keys and deleted some, collected, while the last
// node slept and had the rest. It gives the keys that were deleted.
func sleepers(t *testing.T, n int, seed uint64, keys, gone int) (w *net, dead []string) {
	w = newNet(t, n, seed, func(_ int, c *Config) {
		c.Limits.State = state.Limits{Origins: 16, Keys: 2 * keys, Tombstones: 100, ValueBytes: 1 << 24}
	})
	w.joinAll()
	w.converge(5 * sched.Second)
	for k := range keys {
		w.set(0, fmt.Sprint("k", k), "v")
	}
	w.converge(20 * sched.Second)
	w.linked = func(from, to int) bool { return (from == n-1) == (to == n-1) }
	w.run(10 * sched.Second)
	for _, k := range w.rnd.Perm(keys)[:gone] {
		dead = append(dead, fmt.Sprint("k", k))
		w.del(0, dead[len(dead)-1])
	}
	w.run(10 * sched.Second)
	return w, dead
}

// TestSleeperIsMendedByOthers: the owner died while a member slept; who is whole mends that one,
// and a newcomer that the dirty one alone feeds is dirty until it meets somebody who is whole.
func TestSleeperIsMendedByOthers(t *testing.T) {
	w, dead := sleepers(t, 5, 93, 2000, 50)
	owner := &w.nodes[0].core
	w.nodes[0].down = true
	sleeper, blank := w.nodes[4], w.nodes[3]
	w.at[blank.addr] = nil // its memory is lost
	blank = w.start(3, 2, func(_ int, c *Config) { c.Limits.State = sleeper.core.cfg.Limits.State })
	o := func(d *node) state.Origin { return d.core.store.Find(owner.Parts().Self.ID) }
	w.linked = func(from, to int) bool { return from >= 3 && to >= 3 }
	// The sleeper hears of the floor, and of all that is newer, from node 1, once.
	var b [codec.FrameBytesMax]byte
	for s := &sleeper.core; s.store.Max(o(sleeper)) < w.nodes[1].core.store.Max(o(w.nodes[1])); {
		out, _, _ := w.nodes[1].core.filler.Run(b[:0], 1200, o(w.nodes[1]), s.store.Max(o(sleeper)))
		if out == nil {
			t.Fatal("no run")
		}
		_, body, _ := codec.NextRecord(out)
		s.takeRun(s.origins[s.store.Find(w.nodes[1].core.Parts().Self.ID)].peer, codec.TypeRun, body)
	}
	if !sleeper.core.store.Dirty(o(sleeper)) {
		t.Fatal("the sleeper is clean")
	}
	blank.core.Join(w.now, sleeper.addr)
	w.pump(blank)
	w.run(5 * sched.Second)
	if o(blank) == 0 || blank.core.store.Keys(o(blank)) < 2000-50 || !blank.core.store.Dirty(o(blank)) || !sleeper.core.store.Dirty(o(sleeper)) {
		t.Fatalf("who was fed by the dirty one alone: %d keys, dirty %v", blank.core.store.Keys(o(blank)), blank.core.store.Dirty(o(blank)))
	}
	w.linked = nil
	for end := w.now + 30*sched.Second; w.now < end && !w.equal(); {
		w.run(10 * sched.Millisecond)
	}
	for _, d := range w.nodes[1:] {
		if d.core.store.Dirty(o(d)) || d.core.store.Keys(o(d)) != 2000-50 {
			t.Errorf("node %d: %d keys, dirty %v", d.i, d.core.store.Keys(o(d)), d.core.store.Dirty(o(d)))
		}
		for _, k := range dead {
			if d.core.store.Lives(o(d), []byte(k)) {
				t.Fatalf("node %d: %s is back", d.i, k)
			}
		}
	}
}

// TestMendingIsCheap: what a sleeper's repair costs on the wire, all frames counted: 100 bytes for
// each of the keys that were deleted, at most, with 5 % of them deleted.
func TestMendingIsCheap(t *testing.T) {
	const gone = 200
	w, _ := sleepers(t, 3, 95, 4000, gone)
	bytes := 0
	count := func(b []byte) {
		var h codec.Header
		records, err := codec.ParseFrame(b, &h)
		if err != nil {
			return
		}
		for ty, _, rest := codec.NextRecord(records); ty != 0; ty, _, rest = codec.NextRecord(rest) {
			if ty == codec.TypeIntervals || ty == codec.TypeIntervalPull {
				bytes += len(b)
				return
			}
		}
	}
	w.sniff, w.linked = count, nil
	for end := w.now + 20*sched.Second; w.now < end && !w.equal(); {
		w.run(5 * sched.Millisecond)
	}
	if n := w.nodes[2].core.counters.Mended; !w.equal() || n < gone/2 || bytes == 0 || bytes > 100*gone {
		t.Errorf("equal %v: %d keys mended, %d bytes", w.equal(), n, bytes)
	}
}

// TestFloorsSpreadInEveryMode: a floor is news like any other, whichever way members exchange.
func TestFloorsSpreadInEveryMode(t *testing.T) {
	for mode := tune.ModePushPull; mode <= tune.ModePull; mode++ {
		for way := tune.DiffAuto; way <= tune.DiffRanges; way++ {
			w := newNet(t, 3, 97+uint64(mode), func(_ int, c *Config) {
				c.Spread, c.Mode, c.Diff = tune.SpreadGossip, mode, way
				c.Limits.State = state.Limits{Origins: 16, Keys: 1000, Tombstones: 64, ValueBytes: 1 << 20}
			})
			w.joinAll()
			for k := range 40 {
				w.set(0, fmt.Sprint("k", k), "v")
			}
			w.converge(30 * sched.Second)
			for k := range 40 {
				w.del(0, fmt.Sprint("k", k))
			}
			owner := &w.nodes[0].core
			for end := w.now + 60*sched.Second; w.now < end && !(owner.store.Floor(owner.store.Owner()) > 0 && w.equal()); {
				w.run(100 * sched.Millisecond)
			}
			if f := owner.store.Floor(owner.store.Owner()); f == 0 || !w.equal() {
				t.Errorf("mode %d, diff %d: floor %d, equal %v", mode, way, f, w.equal())
			}
		}
	}
}

// TestPreciseDeletesEnd: in a precise cluster too tombstones go once all have them, all stay equal,
// and who slept is mended: nothing that was deleted comes back.
func TestPreciseDeletesEnd(t *testing.T) {
	const keys, gone = 400, 300
	for order := tune.OrderPreciseNewest; order <= tune.OrderPreciseRandom; order++ {
		w := newNet(t, 4, 101, func(_ int, c *Config) {
			c.Order = order
			c.Limits.State = state.Limits{Origins: 16, Keys: 2 * keys, Tombstones: 64, ValueBytes: 1 << 20}
		})
		equal := func() bool {
			for _, d := range w.nodes {
				if d.core.Fingerprint() != w.nodes[0].core.Fingerprint() {
					return false
				}
			}
			return true
		}
		settle := func(what string) {
			t.Helper()
			owner := &w.nodes[0].core
			for end := w.now + 90*sched.Second; w.now < end; w.run(100 * sched.Millisecond) {
				if dead := owner.store.Tombstones(owner.store.Owner()); dead <= 16 && equal() {
					return
				}
			}
			for _, d := range w.nodes {
				o := d.core.store.Find(owner.me.ID)
				t.Errorf("order %d, %s: node %d: max %d, floor %d, dirty %v, %d keys, %d tombstones", order, what, d.i,
					d.core.store.Max(o), d.core.store.Floor(o), d.core.store.Dirty(o), d.core.store.Keys(o), d.core.store.Tombstones(o))
			}
		}
		w.joinAll()
		for k := range keys {
			w.set(0, fmt.Sprint("k", k), "v")
		}
		settle("written")
		for k := range gone / 2 {
			w.del(0, fmt.Sprint("k", k))
		}
		settle("deleted")
		w.linked = func(from, to int) bool { return (from == 3) == (to == 3) }
		w.run(10 * sched.Second)
		for k := gone / 2; k < gone; k++ {
			w.del(0, fmt.Sprint("k", k))
		}
		w.run(10 * sched.Second)
		w.linked = nil
		settle("slept")
		for _, d := range w.nodes {
			if n := d.core.store.Keys(d.core.store.Find(w.nodes[0].core.me.ID)); n != keys-gone {
				t.Errorf("order %d: node %d holds %d keys", order, d.i, n)
			}
		}
	}
}

// TestSleeperIsMendedUnderThrottling: an owner that writes above its rate for minutes is never
// level with what it tells. A member that slept below its floor is mended all the same, within a
// bound, and misses no key that rests.
func TestSleeperIsMendedUnderThrottling(t *testing.T) {
	const keys, gone, rate, bound = 200, 40, 40 * 96, 65 * sched.Second
	w := newNet(t, 3, 103, func(i int, c *Config) {
		c.Limits.State = state.Limits{Origins: 16, Keys: 2 * keys, Tombstones: 20, ValueBytes: 1 << 20}
		if i == 0 {
			c.Experiment.Plan = flow.Plan{Over: 3, Slack: 3, Floor: rate, Start: rate, Limit: rate, Beta: 1}
		}
	})
	w.joinAll()
	w.converge(5 * sched.Second)
	for k := range keys {
		w.set(0, fmt.Sprint("k", k), "v")
	}
	w.converge(60 * sched.Second)
	w.linked = func(from, to int) bool { return (from == 2) == (to == 2) }
	w.run(10 * sched.Second)
	for k := range gone {
		w.del(0, fmt.Sprint("k", k))
	}
	w.run(20 * sched.Second)
	owner, sleeper := &w.nodes[0].core, &w.nodes[2].core
	o, end, dirty := sleeper.store.Find(owner.me.ID), sched.Instant(0), false
	var e codec.Entry
	for n := 0; end == 0 || w.now < end; n++ {
		w.set(0, fmt.Sprint("k", keys-1-n%50), strings.Repeat("x", 74))
		w.run(10 * sched.Millisecond)
		if n == 300 {
			w.linked, end = nil, w.now+bound
		}
		if dirty = dirty || sleeper.store.Dirty(o); dirty && !sleeper.store.Dirty(o) {
			break
		}
		for k := gone; k < keys-50; k++ {
			if !sleeper.store.Get(o, fmt.Append(nil, "k", k), &e) {
				t.Fatalf("k%d, which lives, is missing", k)
			}
		}
	}
	if !dirty || sleeper.store.Dirty(o) || !owner.flow.Behind() {
		t.Fatalf("was dirty: %v, is: %v; the owner holds writes back: %v", dirty, sleeper.store.Dirty(o), owner.flow.Behind())
	}
	for k := range gone {
		if sleeper.store.Lives(o, fmt.Append(nil, "k", k)) {
			t.Errorf("k%d is there, which was deleted", k)
		}
	}
	if w.converge(60 * sched.Second); !w.equal() {
		t.Error("afterwards not all are equal")
	}
}
