package engine_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

var (
	churnSeed = flag.Uint64("churn.seed", 0, "seed of the first churn run; 0: by the clock")
	churnRuns = flag.Int("churn.runs", 3, "churn runs, each with the next seed")
)

// churn is a cluster in virtual time that is written to while it is cut,
// killed, stopped, restarted and made to lose frames; model is what each member
// last wrote of each key in its present life.
type churn struct {
	*enginetest.Cluster
	t     *testing.T
	r     *rand.Rand
	down  []bool
	model []map[string]string
}

func TestVirtualChurn(t *testing.T) {
	first := *churnSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for i := range uint64(*churnRuns) {
		seed := first + i
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runChurn(t, seed) })
		})
	}
}

func runChurn(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	net := simnet.NewNetwork(seed, simnet.Link{
		Delay:     simnet.Delay{Min: 100 * sched.Microsecond, Max: sched.Instant(1+r.IntN(5)) * sched.Millisecond},
		Loss:      simnet.Probability(0.05 * r.Float64()),
		Duplicate: simnet.Probability(0.05 * r.Float64()),
		Corrupt:   simnet.Probability(0.01 * r.Float64()),
	})
	n := 2 + r.IntN(9)
	spread := tune.Spread(r.IntN(4))
	configure := func(_ int, c *engine.Config) { c.Tune.Spread = spread }
	c := &churn{t: t, r: r, down: make([]bool, n), model: make([]map[string]string, n)}
	c.Cluster = enginetest.NewCluster(t, n, enginetest.Options{
		Transport: net.Poller(), Timeout: 3 * time.Minute, Config: configure,
	})
	for i := range c.model {
		c.model[i] = map[string]string{}
	}
	for range 200 {
		c.step()
		pause(time.Duration(r.IntN(200)) * time.Millisecond)
	}
	c.Loss(0)
	c.Heal()
	for i := range c.down {
		c.up(i)
	}
	began := time.Now()
	c.WaitConverged()
	t.Logf("seed %d: %d members, spread %v, the same %v after the last fault", seed, n, spread, time.Since(began))
	pause(formerLife) // what a new life has not said again is gone
	c.check()
}

func (c *churn) step() {
	i := c.r.IntN(len(c.down))
	switch c.r.IntN(20) {
	case 0:
		c.Partition([]int{i})
	case 1:
		c.Partition(c.r.Perm(len(c.down))[:1+len(c.down)/2])
	case 2, 3, 4:
		c.Heal()
	case 5:
		c.Loss(0.4 * c.r.Float64())
	case 6:
		c.Loss(0)
	case 7, 8:
		c.end(i)
	case 9, 10:
		c.Heal() // a restart needs somebody to join
		c.up(i)
	default:
		c.write(i)
	}
}

func (c *churn) end(i int) {
	if running := len(c.down) - count(c.down); c.down[i] || running == 1 {
		return
	}
	c.down[i] = true
	c.model[i] = map[string]string{}
	if c.r.IntN(2) == 0 {
		c.Kill(i)
	} else {
		c.Stop(i)
	}
}

func (c *churn) up(i int) {
	if c.down[i] {
		c.Restart(i)
		c.down[i] = false
	}
}

func (c *churn) write(i int) {
	if c.down[i] {
		return
	}
	for range 1 + c.r.IntN(50) {
		key := fmt.Sprint("key-", c.r.IntN(20))
		if c.r.IntN(4) == 0 {
			if _, err := c.Engines[i].Delete(key); err != nil {
				c.t.Fatal(err)
			}
			delete(c.model[i], key)
			continue
		}
		value := fmt.Sprint(c.r.Uint64())
		set(c.t, c.Engines[i], key, value)
		c.model[i][key] = value
	}
}

// check compares every replica with what the members wrote.
func (c *churn) check() {
	for _, e := range c.Engines {
		for i, model := range c.model {
			member, n := fmt.Sprint("node-", i), 0
			for key, entry := range e.Range(member) {
				if n++; model[string(key)] != string(entry.Value) {
					c.t.Errorf("%s holds %s %s=%s, want %q", e.Name(), member, key, entry.Value, model[string(key)])
				}
			}
			if n != len(model) {
				c.t.Errorf("%s holds %d keys of %s, want %d", e.Name(), n, member, len(model))
			}
		}
	}
}

func count(b []bool) (n int) {
	for _, x := range b {
		if x {
			n++
		}
	}
	return n
}
