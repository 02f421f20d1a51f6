package compare

import (
	"flag"
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

var manyFlag = flag.Bool("compare.many", false, "TestManyOrigins up to 100,000, which takes 20 s")

// crowd is two nodes that hold the same of so many origins, over frames of the usual size.
type crowd struct {
	a, b  *side
	names []string
	rand  sched.Rand
}

func newCrowd(origins int, seed uint64) *crowd {
	c := &crowd{names: make([]string, origins)}
	c.rand.Seed(seed)
	cfg := usual(tune.DiffAuto)
	cfg.Frame, cfg.Wants = 1400, 256
	for _, n := range []**side{&c.a, &c.b} {
		x := new(side)
		x.Origins = origins + 2
		x.Init(fmt.Sprint("node", n == &c.b), 7)
		x.c.Init(&cfg, &Parts{Parts: x.Parts(), Host: x, Vector: &x.n})
		x.Talks, x.Limit = &x.c, 1340 // the header takes the rest
		for i := range c.names {
			c.names[i] = fmt.Sprint("member", i)
			x.Put(c.names[i], 1)
		}
		*n = x
	}
	for !c.equal() {
		c.talk(1 << 20)
	}
	return c
}

func (c *crowd) equal() bool { return c.a.c.Fingerprint() == c.b.c.Fingerprint() }

// talk lets a compare, for so many frames, and gives the bytes.
func (c *crowd) talk(frames int) (bytes int) {
	before := c.a.Bytes + c.b.Bytes
	c.a.Begin()
	reconciletest.Talk(&c.a.Node, &c.b.Node, frames, nil)
	return int(c.a.Bytes + c.b.Bytes - before)
}

// differ lets so many origins go on, at either side.
func (c *crowd) differ(n int) {
	for i := range n {
		[]*side{c.a, c.b}[i%2].Put(c.names[c.rand.Uint32n(uint32(len(c.names)))], 1)
	}
}

// What an exchange costs follows what differs, and not how many origins there are: between equals
// a few bytes beside the fingerprint; fifty that differ are found in one round trip, of 1.5 kB at
// most, in 97 of 100 cases, and by two exchanges else; and whoever was away finds thousands by some
// two hundred bytes each, news and all, where the vector of 100,000 takes a megabyte.
func TestManyOrigins(t *testing.T) {
	const seed = 5
	t.Logf("seed %d", seed)
	h := codec.Header{Flags: codec.FlagFlow | codec.FlagPrints}
	head := len(codec.AppendHeader(nil, &h)) + h.TrailerBytes()
	sizes, trials := []int{5000}, 100
	if *manyFlag {
		sizes, trials = []int{10_000, 100_000}, 400
	}
	for _, origins := range sizes {
		c := newCrowd(origins, seed)
		if bytes := c.talk(100); bytes+8 > 16 {
			t.Errorf("%d origins: %d bytes and the fingerprint between equals", origins, bytes)
		}
		once, twice, most := 0, 0, 0
		for range trials {
			found, exchanges, bytes := c.fifty(t)
			if most = max(most, bytes); found {
				once++
			}
			if exchanges <= 2 {
				twice++
			}
		}
		t.Logf("%d origins, 50 differ: found at once in %d of %d trials, by two exchanges in %d, by %d bytes at most", origins, once, trials, twice, most)
		if once < trials*97/100 || twice < trials || most+2*head > 1500 {
			t.Errorf("%d origins: found at once in %d of %d trials, by two exchanges in %d, by %d bytes at most", origins, once, trials, twice, most)
		}
		for _, away := range []int{200, 1000, 3000} {
			for range away {
				c.a.Put(c.names[c.rand.Uint32n(uint32(origins))], 1)
			}
			bytes, exchanges := 0, 0
			for ; !c.equal() && exchanges < 100; exchanges++ {
				bytes += c.talk(1000)
			}
			t.Logf("%d origins, %d writes: %d bytes, %d exchanges", origins, away, bytes, exchanges)
			if !c.equal() || bytes > away*300 {
				t.Errorf("%d origins, %d writes: %d bytes in %d exchanges, equal: %v", origins, away, bytes, exchanges, c.equal())
			}
		}
	}
}

// fifty lets fifty origins differ, and both sides compare until they are equal. It tells whether
// the first sketch showed all, how many exchanges it took, and the bytes until the sketch was here.
func (c *crowd) fifty(t *testing.T) (found bool, exchanges, bytes int) {
	t.Helper()
	c.differ(50)
	decoded := c.a.n.SketchesDecoded
	bytes = c.talk(2) // Sync, Sketch
	found = c.a.n.SketchesDecoded > decoded
	reconciletest.Talk(&c.a.Node, &c.b.Node, 1000, nil)
	for exchanges = 1; !c.equal(); exchanges++ {
		if c.talk(1000); exchanges > 20 {
			t.Fatalf("they differ after %d exchanges", exchanges)
		}
	}
	return found, exchanges, bytes
}

// TestAtRestASmallSketchComesFirst: whoever needed large sketches while a cluster formed begins with
// the smallest after some exchanges that found nothing; where the vector is long the size stays.
func TestAtRestASmallSketchComesFirst(t *testing.T) {
	for _, origins := range []int{150, 1000} {
		c := newCrowd(origins, 5)
		c.a.c.ladder.climb(rungs[1].cells)
		c.b.c.ladder.climb(rungs[len(rungs)-1].cells)
		before := [2]uint8{c.a.c.ladder.level, c.b.c.ladder.level}
		for range len(rungs) {
			c.talk(10) // a asks, b sees that they agree
		}
		switch b := c.b.c.ladder.level; {
		case c.a.c.ladder.level != before[0]:
			t.Errorf("%d origins: who asked is at level %d, and was at %d", origins, c.a.c.ladder.level, before[0])
		case origins == 150 && b != 0, origins == 1000 && b != before[1]:
			t.Errorf("%d origins: level %d after as many agreements, and %d before", origins, b, before[1])
		}
	}
}
