package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestWhatArrivesIsMeasured: what a member says that it receives, by which it tells others how much to
// send, is what reaches it.
func TestWhatArrivesIsMeasured(t *testing.T) {
	w := newNet(t, 3, 4, nil)
	w.joinAll()
	w.run(sched.Second)
	value := fmt.Sprintf("%0500d", 0)
	for second := range 4 {
		var before [3]uint64
		for i, d := range w.nodes {
			before[i] = d.core.counters.BytesReceived
		}
		for k := range 100 {
			w.set(k%3, fmt.Sprint("k", k), value)
			w.run(10 * sched.Millisecond)
		}
		for i, d := range w.nodes {
			came, says := d.core.counters.BytesReceived-before[i], d.core.FlowState().Receiving
			if second > 1 && (says < came/2 || says > 2*came) {
				t.Errorf("node %d says that it receives %d bytes a second, %d arrived in the last", i, says, came)
			}
		}
	}
}
