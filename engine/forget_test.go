package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestForget: the dead are forgotten everywhere, with their keys, and the living, oneself
// and nobody give errors that say so; who was forgotten too early comes in again by itself
// with all that it wrote.
func TestForget(t *testing.T) {
	virtual(t, 5, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		a := c.Engines[0]
		set(t, c.Engines[4], "k", "v")
		c.WaitConverged()
		f := func(name string, want error) {
			t.Helper()
			if err := a.Forget(name); !errors.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		f("node-4", engine.ErrNotDead)
		f(a.Name(), engine.ErrNotDead)
		f("nobody", engine.ErrNoMember)
		c.Partition([]int{0, 1, 2, 3}, []int{4})
		pause(10 * time.Second)
		f("node-4", nil)
		pause(5 * time.Second)
		for _, e := range c.Engines[:4] {
			if m, known := e.Member("node-4"); known {
				t.Errorf("%s still has %+v", e.Name(), m)
			}
			if _, _, ok := e.Get("node-4", "k"); ok {
				t.Errorf("%s still has its key", e.Name())
			}
		}
		f("node-4", engine.ErrNoMember)
		gen := generationOf(c.Engines[4])
		c.Heal()
		pause(5 * time.Second)
		for _, e := range c.Engines[:4] {
			m, _ := e.Member("node-4")
			if v, _, ok := e.Get("node-4", "k"); m.State != engine.StateAlive || !ok || string(v) != "v" {
				t.Errorf("%s has %v, %q", e.Name(), m.State, v)
			}
		}
		if generationOf(c.Engines[4]) <= gen {
			t.Error("it came back as the same life")
		}
		c.Kill(3)
		c.Engines[0].Close()
		f("node-3", engine.ErrClosed)
	})
}

func generationOf(e *engine.Engine) uint64 {
	m, _ := e.Member(e.Name())
	return m.Generation
}
