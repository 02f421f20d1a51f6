package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// TestBurialBeforeTheNextLife: a member that died is back in another life, and here comes first that
// others have buried it, then who it is now. Meanwhile and afterwards readers find what it wrote
// last: neither nothing, nor what a life before that wrote. Of who does not come back they soon find
// nothing.
func TestBurialBeforeTheNextLife(t *testing.T) {
	for _, back := range []bool{true, false} {
		lan := func(_ int, c *Config) { c.Detector = member.LAN() }
		w := newNet(t, 4, 78, lan)
		w.joinAll()
		w.set(3, "k", "first")
		w.set(3, "other", "first")
		w.converge(5 * sched.Second)
		w.start(3, 2, lan)
		w.nodes[3].core.Join(w.now, addrOf(0))
		w.pump(w.nodes[3])
		w.set(3, "k", "second")
		w.converge(5 * sched.Second)
		w.nodes[3].down = true
		w.until("all find it dead", 10*sched.Second, func() bool {
			return w.statusOf(0, 3) == member.Dead && w.statusOf(1, 3) == member.Dead && w.statusOf(2, 3) == member.Dead
		})
		d := &w.nodes[0].core
		reads := func(key string) string {
			v, _, _ := d.store.AppendGet(nil, []byte("node-3"), []byte(key))
			return string(v)
		}
		w.claim(1, 0, 3, w.incarnation(0, 3), member.Buried)
		if d.store.FindName([]byte("node-3")) != 0 {
			t.Fatal("it is not buried")
		}
		for range 50 {
			w.run(sched.Millisecond)
			if k := reads("k"); k != "second" {
				t.Fatalf("after the burial readers find %q", k)
			}
		}
		if !back {
			w.run(4 * sched.Second)
			if k, other := reads("k"), reads("other"); k != "" || other != "" {
				t.Errorf("it is gone, and readers find %q and %q", k, other)
			}
			continue
		}
		w.start(3, 3, lan)
		w.nodes[3].core.Join(w.now, addrOf(0))
		w.pump(w.nodes[3])
		w.until("its next life is here", sched.Second, func() bool { return d.store.FindName([]byte("node-3")) != 0 })
		for range 3000 {
			w.run(sched.Millisecond)
			if k := reads("k"); k != "second" {
				t.Fatalf("with the next life readers find %q", k)
			}
		}
		w.set(3, "k", "third")
		w.run(sched.Second)
		if k := reads("k"); k != "third" {
			t.Errorf("readers find %q", k)
		}
	}
}
