package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/sched"
)

// TestHeldKeysKeepTheirTurn: a writer above its rate publishes held keys in the order in which they
// were first held, each in its newest form. So no key stands still for longer than a round of all
// of them takes at that rate, however often it is written.
func TestHeldKeysKeepTheirTurn(t *testing.T) {
	const entries, keys = 200, 101 // a second; the hot one among them
	const rate = entries * (80 + 16)
	w := newNet(t, 2, 7, func(i int, c *Config) {
		if i == 0 {
			c.Experiment.Plan = flow.Plan{Over: 3, Slack: 3, Floor: rate, Start: rate, Limit: rate, Beta: 1}
		}
	})
	w.joinAll()
	w.converge(5 * sched.Second)
	value := strings.Repeat("x", 74)
	all := []string{"hot"}
	for k := range keys - 1 {
		all = append(all, fmt.Sprint("b", k))
	}
	for _, k := range all {
		w.set(0, k, value)
	}
	w.run(3 * sched.Second)
	a, b := &w.nodes[0].core, &w.nodes[1].core
	o := b.store.Find(a.me.ID)
	last, at, worst := map[string]uint64{}, map[string]sched.Instant{}, map[string]sched.Instant{}
	for begin, ms := w.now, 0; w.now < begin+20*sched.Second; ms++ {
		w.set(0, "hot", value)
		if ms%2 == 0 { // the others, each 5 times a second: 500 a second where 200 may be published
			w.set(0, all[1+ms/2%(keys-1)], value)
		}
		w.run(sched.Millisecond)
		for _, k := range all {
			var e codec.Entry
			b.store.Get(o, []byte(k), &e)
			if e.Version != last[k] || at[k] == 0 {
				last[k], at[k] = e.Version, w.now
			}
			worst[k] = max(worst[k], w.now-at[k])
		}
	}
	const fair = keys * sched.Second / entries
	most := sched.Instant(0)
	for _, k := range all {
		most = max(most, worst[k])
	}
	t.Logf("the longest stand-still of a key is %.2f of the fair share's", float64(most)/float64(fair))
	for _, k := range all {
		if worst[k] > 2*fair {
			t.Errorf("%s stood still for %d ms; a fair share of the rate is one write each %d ms", k, worst[k]/sched.Millisecond, fair/sched.Millisecond)
		}
	}
	if f := a.counters.WritesHeld; f == 0 {
		t.Error("nothing was held")
	}
	w.run(5 * sched.Second)
	if b.store.Max(o) != a.store.Max(a.store.Owner()) || a.flow.Behind() {
		t.Error("afterwards not all is published")
	}
}
