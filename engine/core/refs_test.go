package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// refsOf is how many entries of a frame are keys, and how many references.
func refsOf(t *testing.T, b []byte) (keys, refs int) {
	var h codec.Header
	records, err := codec.ParseFrame(b, &h)
	if err != nil {
		t.Fatal(err)
	}
	var it codec.RunIter
	for typ, body, rest := codec.NextRecord(records); typ != 0; typ, body, rest = codec.NextRecord(rest) {
		var run codec.Run
		if typ != codec.TypeRun {
			continue
		}
		if err := codec.ParseRun(body, &run); err != nil {
			t.Fatal(err)
		}
		var e codec.Entry
		for it.Reset(&run); it.Next(&e); {
			if e.Flags&codec.EntryByRef != 0 {
				refs++
			} else {
				keys++
			}
		}
	}
	return keys, refs
}

func (w *net) unnamed() (n uint64) {
	for _, d := range w.nodes {
		n += d.core.counters.Drops[DropUnnamed]
	}
	return n
}

// TestReferencesInAMixedCluster: half of the members are of an older version: nobody sends them
// references, and they send none; the others refer to nearly all that they write again, few
// references lead nowhere though frames are lost, and all end with the same.
func TestReferencesInAMixedCluster(t *testing.T) {
	for _, loss := range []float64{0, 0.05} {
		w := newNet(t, 6, 14, func(i int, c *Config) {
			if i%2 == 1 {
				c.Experiment.Kinds = codec.KindByRef - 1
			}
		})
		keys, refs := 0, 0
		w.carried = func(from *node, to netip.AddrPort, b []byte) {
			k, r := refsOf(t, b)
			d := w.at[to]
			if old := d == nil || d.i%2 == 1 || from.i%2 == 1; old && r > 0 {
				t.Fatalf("%d references from node %d to %v", r, from.i, to)
			} else if !old {
				keys, refs = keys+k, refs+r
			}
		}
		w.joinAll()
		w.converge(5 * sched.Second)
		write := func(rounds int) {
			for i := range rounds {
				for n := range w.nodes {
					w.set(n, fmt.Sprint("some/long/key/", i%20), fmt.Sprint(i))
				}
				w.run(5 * sched.Millisecond)
			}
		}
		write(20)
		w.converge(5 * sched.Second)
		w.run(sched.Second)
		keys, refs = 0, 0
		w.loss = loss
		write(400)
		w.loss = 0
		w.converge(5 * sched.Second)
		t.Logf("loss %.2f: %d keys, %d references, of which %d led nowhere", loss, keys, refs, w.unnamed())
		if refs < 2*keys || w.unnamed() > uint64(refs/20) {
			t.Errorf("loss %.2f: %d keys, %d references, of which %d led nowhere", loss, keys, refs, w.unnamed())
		}
	}
}

// TestReferencesToWhoJoinsLate: what others brought a joiner is referred to in vain until its author
// has said what its log sums up to: seconds at most, in which the joiner is as near to the author as
// a question and its answer take.
func TestReferencesToWhoJoinsLate(t *testing.T) {
	w := newNet(t, 5, 15, nil)
	for _, d := range w.nodes[1:4] {
		d.core.Join(w.now, w.nodes[0].addr)
		w.pump(d)
	}
	write := func(rounds int) {
		for i := range rounds {
			for n := range 4 {
				w.set(n, fmt.Sprint("some/long/key/", i%50), fmt.Sprint(i))
			}
			w.run(10 * sched.Millisecond)
		}
	}
	write(50)
	w.run(sched.Second)
	d := w.nodes[4]
	d.core.Join(w.now, w.nodes[0].addr)
	w.pump(d)
	last := uint64(0)
	for second := range 10 {
		write(100)
		now := d.core.counters.Drops[DropUnnamed]
		t.Logf("second %d: %d led nowhere", second, now-last)
		if second > 6 && now != last {
			t.Errorf("%d references led nowhere in second %d", now-last, second)
		}
		last = now
	}
	w.converge(5 * sched.Second)
}
