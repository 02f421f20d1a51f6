package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestOwnWritesAreNew: what a node writes between frames of others is of this moment, however long
// those frames were under way and however late it read them.
func TestOwnWritesAreNew(t *testing.T) {
	w := newNet(t, 2, 7, nil)
	w.delay = [2]sched.Instant{100 * sched.Millisecond, 150 * sched.Millisecond}
	w.joinAll()
	w.run(5 * sched.Second)
	d := w.nodes[0]
	for k := range 50 {
		w.set(1, "theirs", fmt.Sprint(k))
		w.run(40 * sched.Millisecond)
		d.core.Observe(Pressure{Waited: 30 * sched.Millisecond})
		d.version++
		op := Op{Kind: Set, Version: d.version, Key: fmt.Appendf(nil, "own-%d", k), TTL: 10_000}
		if st := d.core.Write(w.now, &op); st != Written {
			t.Fatalf("write: %d", st)
		}
		var e codec.Entry
		if s := d.core.store; !s.Get(s.Owner(), op.Key, &e) || e.Age != 0 {
			t.Fatalf("write %d is %d ms old at once", k, e.Age)
		}
		w.pump(d)
	}
}
