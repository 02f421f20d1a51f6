package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// roomFor is a store for a few origins with room for their keys.
func roomFor(origins, keys, bytes int) state.Limits {
	return state.Limits{Origins: origins, Keys: keys, ValueBytes: bytes}
}

// TestRumorsOutliveHandles: handles of removed origins rest for a while, so that
// there are more of them than origins; all have their place in the rumors.
func TestRumorsOutliveHandles(t *testing.T) {
	w := newNet(t, 4, 51, func(_ int, c *Config) {
		c.Spread, c.Limits.State = tune.SpreadRumor, roomFor(4, 1000, 1<<20)
	})
	w.joinAll()
	w.converge(5 * sched.Second)
	for gen := uint64(2); gen < 40; gen++ {
		w.start(3, gen, func(_ int, c *Config) { c.Spread, c.Limits.State = tune.SpreadRumor, roomFor(4, 1000, 1<<20) })
		w.nodes[3].core.Join(w.now, addrOf(0))
		w.set(3, "k", fmt.Sprint(gen))
		w.nodes[0].core.Broadcast(w.now, []byte("topic"), nil)
		w.nodes[3].core.Broadcast(w.now, []byte("topic"), nil)
		w.run(400 * sched.Millisecond)
	}
	w.converge(10 * sched.Second)
}

// TestFanoutOfThePolicy: the fan-out may come from the rumor policy alone.
func TestFanoutOfThePolicy(t *testing.T) {
	w := newNet(t, 20, 53, func(_ int, c *Config) {
		c.Spread, c.Rumor = tune.SpreadRumor, tune.RumorPolicy{Blind: true, K: 1, Fanout: 16}
	})
	w.joinAll()
	w.run(2 * sched.Second)
	w.set(0, "k", "v")
	w.nodes[0].core.Broadcast(w.now, []byte("topic"), nil)
	w.converge(5 * sched.Second)
}
