package sim

import (
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// TestAFilmChangesNothing: what is filmed is the run that Try makes, and it is all there.
func TestAFilmChangesNothing(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		p := NewPlan(seed)
		f, out := Shoot(p)
		if plain := Try(p); plain.Hash != out.Hash || plain.Stats != out.Stats {
			t.Errorf("seed %d: hash %x with a camera, %x without", seed, out.Hash, plain.Hash)
		}
		if len(f.Nodes) != p.Nodes || len(f.Faults) != len(p.Faults) || f.End < f.Until && f.Broken == nil {
			t.Errorf("seed %d: %d nodes, %d faults, from %d to %d", seed, len(f.Nodes), len(f.Faults), f.Until, f.End)
		}
		if got := uint64(len(f.Frames)) + f.Dropped; got != out.Stats.Frames {
			t.Errorf("seed %d: %d frames of %d", seed, got, out.Stats.Frames)
		}
		if len(f.Pictures) == 0 || len(f.Pictures) > filmPictures {
			t.Fatalf("seed %d: %d pictures", seed, len(f.Pictures))
		}
		end := &f.Pictures[len(f.Pictures)-1]
		for i, letter := range end.Status { // all are equal at the end
			if out.Violation == nil && !p.Node.Order.Precise() && p.Node.Small == 0 && strings.ContainsRune("a=", letter) && end.Behind[i] != 0 {
				t.Errorf("seed %d: at the end node %d lacks %d versions of node %d", seed, i/p.Nodes, end.Behind[i], i%p.Nodes)
			}
		}
	}
}

// TestPicturesSayWhatNodesBelieve: cut off, each side calls the other dead, and lacks what it
// writes.
func TestPicturesSayWhatNodesBelieve(t *testing.T) {
	w := New(Options{Nodes: 3, Seed: 1, Check: true, Link: simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 200 * sched.Microsecond}}, Config: func(_, _ int, c *core.Config) { c.Interval = 100 * sched.Millisecond }})
	c := camera{span: sched.Second}
	c.begin(w)
	w.Join(1, 0)
	w.Join(2, 0)
	w.Run(2 * sched.Second)
	look := func() (string, []uint64) {
		c.picture(w.now)
		p := &c.film.Pictures[len(c.film.Pictures)-1]
		return p.Status, p.Behind
	}
	if status, _ := look(); status != "=aaa=aaa=" {
		t.Errorf("in peace: %s", status)
	}
	w.Stop(2)
	w.Set(0, "k", "v")
	w.Run(20 * sched.Second)
	if status, behind := look(); status != "=ada=d---" || behind[1*3+0] != 0 {
		t.Errorf("after a death: %s, node 1 lacks %d of node 0", status, behind[1*3+0])
	}
}
