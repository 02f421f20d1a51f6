package core

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

func testSecret(id uint8) []byte { return bytes.Repeat([]byte{id, 7}, 8) }

// ringOf is a keyring of the test cluster; the first key seals.
func ringOf(cluster string, ids ...uint8) *seal.Keyring {
	r := new(seal.Keyring)
	r.Init(codec.ClusterTag([]byte(cluster)))
	for _, id := range ids {
		if err := r.Add(id, testSecret(id)); err != nil {
			panic(err)
		}
	}
	return r
}

// sealedWith seals the frames of every node.
func sealedWith(ids ...uint8) func(int, *Config) {
	return func(_ int, c *Config) { c.Keys = ringOf(string(c.Cluster), ids...) }
}

func sealedNet(t *testing.T, n int, seed uint64, cfg func(i int, c *Config)) *net {
	return newNet(t, n, seed, func(i int, c *Config) {
		c.Keys = ringOf(string(c.Cluster), 1)
		if cfg != nil {
			cfg(i, c)
		}
	})
}

// onlySealed fails the test on a frame in clear.
func onlySealed(w *net) {
	w.sniff = func(b []byte) {
		var h codec.Header
		if len(b) == codec.RefusalDatagramBytes { // has nothing but what every header shows
			return
		}
		if _, err := codec.ParseHeader(b, &h); err != nil || h.KeyID == 0 {
			w.t.Fatalf("a frame in clear: %v", err)
		}
		if bytes.Contains(b, []byte("node-")) || bytes.Contains(b, []byte("plain")) {
			w.t.Fatal("text in clear")
		}
	}
}

func (w *net) dropped(d Drop) (n uint64) {
	for _, x := range w.nodes {
		n += x.core.counters.Drops[d]
	}
	return n
}

func TestSealedNodesMeet(t *testing.T) {
	for _, n := range []int{2, 3, 16, 48} {
		w := sealedNet(t, n, uint64(n), nil)
		onlySealed(w)
		for i := range n {
			w.set(i, "k", fmt.Sprint("plain", i))
		}
		w.joinAll()
		d := w.converge(20 * sched.Second)
		t.Logf("%d nodes met after %d ms, %d frames", n, d/sched.Millisecond, w.frames)
		w.set(0, "k", "plain news")
		if d = w.converge(sched.Second); d > 20*sched.Millisecond {
			t.Errorf("a write took %d µs", d/sched.Microsecond)
		}
		for _, bad := range []Drop{DropAuth, DropReplay, DropCookie, DropKey, DropRate} {
			if k := w.dropped(bad); k != 0 {
				t.Errorf("%d nodes: %d frames dropped: %s", n, k, bad)
			}
		}
	}
}

func TestSealedUnderLoss(t *testing.T) {
	for i, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip, tune.SpreadGossip} {
		w := sealedNet(t, 8, 17, func(_ int, c *Config) {
			if c.Spread = spread; i == 3 {
				c.Order = tune.OrderPreciseNewest
			}
		})
		w.loss, w.dup, w.corrupt = 0.1, 0.1, 0.05
		w.joinAll()
		for k := range 40 {
			for i := range 8 {
				w.set(i, fmt.Sprint("key", k%13), fmt.Sprintf("%d/%d", i, k))
			}
			w.run(3 * sched.Millisecond)
		}
		w.loss = 0
		w.converge(60 * sched.Second)
		if w.dropped(DropReplay) == 0 || w.dropped(DropAuth) == 0 {
			t.Error("duplicates and damage were not noticed")
		}
	}
}

func TestSealedRestart(t *testing.T) {
	for _, gen := range []uint64{2, 1} { // a higher generation, and the same one again under another salt
		w := sealedNet(t, 5, 11, nil)
		w.joinAll()
		for i := range w.nodes {
			w.set(i, "k", fmt.Sprint(i))
			w.set(i, "old", "x")
		}
		w.converge(5 * sched.Second)
		w.start(2, gen, sealedWith(1))
		w.nodes[2].core.Join(w.now, addrOf(0))
		w.set(2, "k", "again")
		d := w.converge(20 * sched.Second)
		t.Logf("%d ms, generation %d", d/sched.Millisecond, w.nodes[2].core.me.Gen)
	}
}

func TestSealedRestartIsFoundByTheOthers(t *testing.T) {
	w := sealedNet(t, 4, 12, nil)
	w.joinAll()
	w.set(1, "k", "1")
	w.converge(5 * sched.Second)
	w.start(1, 2, sealedWith(1)) // and asks nobody
	w.set(1, "k", "2")
	d := w.converge(10 * sched.Second)
	t.Logf("%d ms", d/sched.Millisecond)
}

func TestSealedStoppedNodeIsFoundAgain(t *testing.T) {
	w := sealedNet(t, 4, 39, nil)
	w.joinAll()
	w.converge(sched.Second)
	w.nodes[2].down = true
	for k := range 100 {
		w.set(0, "k", fmt.Sprint(k))
		w.run(500 * sched.Millisecond)
	}
	if !has(w.nodes[0], MemberDied) {
		t.Error("not missed")
	}
	w.nodes[2].down = false
	w.converge(15 * sched.Second)
}

func TestSealedModesDoNotMix(t *testing.T) {
	w := newNet(t, 3, 5, func(i int, c *Config) {
		if i > 0 {
			c.Keys = ringOf(string(c.Cluster), uint8(i))
		}
	})
	w.joinAll()
	w.nodes[0].core.Join(w.now, addrOf(1))
	w.pump(w.nodes[0])
	w.nodes[1].core.Join(w.now, addrOf(2))
	w.run(3 * sched.Second)
	for i, d := range w.nodes {
		if d.core.store.Len() != 1 {
			t.Errorf("node %d knows others", i)
		}
	}
	f := func(i int, why Drop) {
		t.Helper()
		if w.nodes[i].core.counters.Drops[why] == 0 {
			t.Errorf("node %d counted no %s", i, why)
		}
	}
	f(0, DropSealed)
	f(1, DropUnsealed)
	f(1, DropKey)
	f(2, DropKey)
	if !has(w.nodes[1], KeyUnknown) {
		t.Error("not told")
	}
	var rejected []door.Reject
	for _, r := range w.nodes[1].core.Parts().Door.AppendRejects(nil) {
		if r.Source == addrOf(2) && r.Reason == uint8(DropKey) && r.KeyID == 2 && r.Count > 0 {
			rejected = append(rejected, r)
		}
	}
	if len(rejected) != 1 {
		t.Errorf("%d lines about the stranger", len(rejected))
	}
}

// turnKeys runs one step of a rotation on all nodes, one after another, under
// load.
func (w *net) turnKeys(step func(c *Core) error) {
	w.t.Helper()
	for i, d := range w.nodes {
		if d.down {
			continue
		}
		if err := step(&d.core); err != nil {
			w.t.Fatalf("node %d: %v", i, err)
		}
		w.pump(d)
		for k := range w.nodes {
			if !w.nodes[k].down {
				w.set(k, "k", fmt.Sprint(w.now))
			}
		}
		w.run(3 * sched.Millisecond)
	}
}

func TestKeysAreTurnedWithoutLoss(t *testing.T) {
	w := sealedNet(t, 6, 41, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	before := w.dropped(DropKey) + w.dropped(DropAuth) + w.dropped(DropStranger)
	w.turnKeys(func(c *Core) error {
		return c.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Add(2, testSecret(2)) })
	})
	w.run(50 * sched.Millisecond)
	for i, d := range w.nodes {
		for p := uint32(1); p < d.core.Peers(); p++ {
			if primary, held, told := d.core.Parts().Keys.PeerKeys(p); !told || primary != 1 || !held.Has(2) {
				t.Errorf("node %d knows of peer %d: %d %v", i, p, primary, held)
			}
		}
	}
	w.turnKeys(func(c *Core) error { return c.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Use(2) }) })
	w.run(50 * sched.Millisecond)
	w.turnKeys(func(c *Core) error { return c.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Remove(1) }) })
	w.converge(sched.Second)
	if after := w.dropped(DropKey) + w.dropped(DropAuth) + w.dropped(DropStranger); after != before {
		t.Errorf("%d frames dropped", after-before)
	}
	if err := w.nodes[0].core.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Remove(2) }); !errors.Is(err, seal.ErrPrimary) {
		t.Errorf("the last key: %v", err)
	}
	for i, d := range w.nodes {
		if primary, held := d.core.Parts().Keys.Keys(); primary != 2 || held != (codec.KeySet{2}) {
			t.Errorf("node %d holds %v", i, held)
		}
	}
}

func TestSleeperNeedsTheNewKey(t *testing.T) {
	w := sealedNet(t, 4, 43, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	sleeper := w.nodes[3]
	sleeper.down = true
	w.run(5 * sched.Second)
	w.turnKeys(func(c *Core) error {
		return c.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Add(2, testSecret(2)) })
	})
	w.turnKeys(func(c *Core) error { return c.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Use(2) }) })
	w.turnKeys(func(c *Core) error { return c.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Remove(1) }) })
	sleeper.down, sleeper.events = false, nil
	w.run(15 * sched.Second)
	missing := false
	for _, e := range sleeper.events {
		missing = missing || e.Kind == KeyUnknown && e.Key == 2
	}
	if !missing {
		t.Error("the sleeper was not told which key it lacks")
	}
	if err := sleeper.core.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Add(2, testSecret(2)) }); err != nil {
		t.Fatal(err)
	}
	if err := sleeper.core.TurnKeys(w.now, func(k *protect.Sealed) error { return k.Use(2) }); err != nil {
		t.Fatal(err)
	}
	w.pump(sleeper)
	w.set(0, "k", "after")
	d := w.converge(20 * sched.Second)
	t.Logf("level after %d ms", d/sched.Millisecond)
}

func TestReseal(t *testing.T) {
	w := sealedNet(t, 5, 47, nil)
	w.joinAll()
	w.set(1, "k", "v")
	w.converge(5 * sched.Second)
	for turn := range 3 {
		for i, d := range w.nodes {
			salt := d.core.guard.Salt()
			salt[3] += byte(16 + i + turn)
			if err := d.core.Reseal(w.now, salt); err != nil {
				t.Fatal(err)
			}
			w.pump(d)
			w.set(i, "k", fmt.Sprint(turn))
			w.run(20 * sched.Millisecond)
		}
		if d := w.converge(5 * sched.Second); d > 500*sched.Millisecond {
			t.Errorf("turn %d: %d ms", turn, d/sched.Millisecond)
		}
	}
}

func TestSealedNothingAllocates(t *testing.T) {
	w := sealedNet(t, 2, 21, func(_ int, c *Config) { c.Interval = 10 * sched.Millisecond })
	w.joinAll()
	w.set(0, "key", "value")
	w.set(1, "key", "value")
	w.converge(sched.Second)
	w.run(sched.Second)
	nothingAllocates(t, w)
}

func TestKeysAreErased(t *testing.T) {
	w := sealedNet(t, 2, 51, nil)
	w.joinAll()
	w.converge(sched.Second)
	c := &w.nodes[0].core
	c.CloseKeys()
	if primary, held := c.Parts().Keys.Keys(); primary != 0 || held.Len() != 0 || c.guard.Reachable(1) {
		t.Error("keys are left")
	}
	w.set(0, "k", "nobody hears this")
	onlySealed(w)
	w.run(sched.Second)
}

// TestNodeWithSeveralAddresses: it is greeted at one and answers from another.
func TestNodeWithSeveralAddresses(t *testing.T) {
	for _, sealed := range []bool{true, false} {
		w := newNet(t, 2, 61, func(_ int, c *Config) {
			if sealed {
				c.Keys = ringOf(string(c.Cluster), 1)
			}
		})
		w.at[addrOf(9)] = w.nodes[0] // it reads there, too
		w.nodes[1].core.Join(w.now, addrOf(9))
		w.set(0, "k", "v")
		d := w.converge(3 * sched.Second)
		t.Logf("sealed %v: %d µs", sealed, d/sched.Microsecond)
	}
}
