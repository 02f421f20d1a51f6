package core

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// fill writes keys of 110 bytes each.
func (w *net) fill(i, keys int, mark string) {
	for k := range keys {
		w.set(i, fmt.Sprintf("key-%03d", k), strings.Repeat(mark, 110))
	}
}

// hole makes a path that silently takes no more than so many bytes from now on.
func (w *net) hole(most int) { w.filter = func(_, _ *node, b []byte) bool { return len(b) <= most } }

func narrowed(d *node) (n int) {
	for i := range d.events {
		if d.events[i].Kind == PathNarrow {
			n++
		}
	}
	return n
}

func spread3(s tune.Spread) func(int, *Config) { return func(_ int, c *Config) { c.Spread = s } }

// State flows within a second over every path that takes what IPv6 promises, by mail,
// rumor and exchanges; within two where the hole comes later; and it is told.
func TestLawShortPathsCarryState(t *testing.T) {
	for _, s := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip} {
		t.Run(fmt.Sprintf("spread %d from the start", s), func(t *testing.T) {
			w := newNet(t, 3, 51, spread3(s))
			w.hole(1232)
			w.joinAll()
			w.fill(0, 400, "a")
			w.converge(sched.Second)
			w.run(5 * sched.Second)
			if narrowed(w.nodes[0]) == 0 {
				t.Error("nobody was told that the path is narrow")
			}
			if n := narrowed(w.nodes[0]); n > 2 {
				t.Errorf("told %d times of two paths", n)
			}
		})
		t.Run(fmt.Sprintf("spread %d later", s), func(t *testing.T) {
			w := newNet(t, 3, 52, spread3(s))
			w.joinAll()
			w.fill(0, 400, "a")
			w.converge(5 * sched.Second)
			w.run(sched.Second)
			long := 0
			w.sniff = func(b []byte) {
				if len(b) > codec.FrameBytesFloor {
					long++
				}
			}
			w.fill(0, 100, "b")
			w.converge(sched.Second)
			if long == 0 {
				t.Fatal("no long frame though the path takes them")
			}
			w.hole(1399)
			w.fill(0, 400, "c")
			limit := sched.Instant(sched.Second)
			if s != tune.SpreadMail { // exchanges alone lose few long frames: it takes several to see it
				limit *= 2
			}
			w.converge(limit)
		})
	}
}

// A host that refuses long frames is obeyed at once: no long one leaves again but a
// rare probe, and nothing that was refused has to wait for a timer.
func TestLawRefusedLengthsAreObeyed(t *testing.T) {
	w := newNet(t, 3, 53, nil)
	w.joinAll()
	w.fill(0, 400, "a")
	w.converge(5 * sched.Second)
	w.run(sched.Second)
	refused := 0
	w.filter = func(from, to *node, b []byte) bool {
		if len(b) <= 1280-28 {
			return true
		}
		refused++
		from.core.TooLong(w.now, to.addr)
		return false
	}
	w.fill(0, 400, "b")
	if took := w.converge(500 * sched.Millisecond); refused == 0 {
		t.Errorf("no long frame within %d ms", took/sched.Millisecond)
	}
	for range 100 {
		w.fill(0, 30, "c")
		w.run(100 * sched.Millisecond)
	}
	if refused > 10 {
		t.Errorf("%d frames were refused in 10 s", refused)
	}
	if n := narrowed(w.nodes[0]); n != 2 {
		t.Errorf("told %d times of two paths", n)
	}
}

// When the hole is gone, long frames come back; what anybody made up is forgotten.
func TestLawNarrowPathsAreProbed(t *testing.T) {
	w := newNet(t, 2, 54, nil)
	w.joinAll()
	w.fill(0, 400, "a")
	w.converge(5 * sched.Second)
	w.nodes[0].core.TooLong(w.now, w.nodes[1].addr)
	long, since := 0, w.now
	w.sniff = func(b []byte) {
		if len(b) > codec.FrameBytesFloor && long == 0 {
			long++
			since = w.now - since
		}
	}
	for range 80 {
		w.fill(0, 200, "b")
		w.run(500 * sched.Millisecond)
	}
	if !w.nodes[0].core.peers[1].link.Wide() {
		t.Error("the path is narrow for ever")
	}
	if since < 20*sched.Second {
		t.Errorf("probed after %d ms", since/sched.Millisecond)
	}
}

// Nobody is sent frames beyond what the path was seen to take, whatever is due: the
// greeting, probes, verdicts and answers too.
func TestLawNoLongFrameWithoutAProof(t *testing.T) {
	w := newNet(t, 8, 55, nil)
	most := 0
	w.hole(codec.FrameBytesFloor)
	w.sniff = func(b []byte) { most = max(most, len(b)) }
	long := 0
	w.carried = func(_ *node, _ netip.AddrPort, b []byte) {
		if len(b) > codec.FrameBytesFloor {
			long++
		}
	}
	w.joinAll()
	for i := range w.nodes {
		w.fill(i, 100, "a")
	}
	w.converge(3 * sched.Second)
	w.run(20 * sched.Second)
	if long > 8*7*probesMost {
		t.Errorf("%d frames above the floor, the longest of %d bytes", long, most)
	}
}

const probesMost = 4 // for each of two directions of a path
