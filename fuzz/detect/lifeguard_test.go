package detect

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// Slow nodes condemn no healthy one when all mechanisms work, and many without them.
func TestSlowNodesCondemnNoHealthyOne(t *testing.T) {
	g := DefaultGrid()
	g.Nodes, g.Counts, g.Run = 60, []int{1, 12}, 5*sched.Second
	g.Blocks, g.Gaps = []sched.Instant{128 * ms, 512 * ms}, []sched.Instant{4 * ms, 64 * ms}
	rows := must[[]Row](t)(Lifeguard(g))
	for _, r := range rows {
		t.Logf("%-20s %+v", r.Mechanisms, r.Total)
	}
	none, all := rows[0].Total, rows[len(rows)-1].Total
	if all.FalseDead != 0 || none.FalseDead < 100 {
		t.Errorf("false deaths of healthy nodes: %d with all mechanisms, %d without", all.FalseDead, none.FalseDead)
	}
}
