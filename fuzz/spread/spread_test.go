package spread

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

const seed = 3

// TestDefaultPolicy: what a user gets without asking is one copy and one hop, and
// stays within milliseconds when a tenth of all datagrams is lost.
func TestDefaultPolicy(t *testing.T) {
	t.Logf("seed %d", seed)
	auto := Policies()[len(Policies())-1]
	rows, err := Measure(&Plan{Nodes: 32, Policy: auto, Losses: []float64{0, 0.1}, Rate: 1000, Span: sched.Second, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	for i, limit := range []struct {
		p99, last int64
		copies    float64
	}{{400, 1000, 1.01}, {15_000, 300_000, 1.25}} {
		r := rows[i]
		t.Logf("%+v", r)
		if r.P99us > limit.p99 || r.Lastus > limit.last || r.Redundancy > limit.copies || r.Missing != 0 {
			t.Errorf("loss %g: p99 %d µs, last %d µs, %.2f copies, %d missing", r.Loss, r.P99us, r.Lastus, r.Redundancy, r.Missing)
		}
	}
}

// TestSketchesCostLessThanVectors where the vector does not fit one frame: over
// three seeds together, since one may be lucky either way (0.51 to 0.69).
func TestSketchesCostLessThanVectors(t *testing.T) {
	var bytes, rounds [2]float64
	for s := uint64(1); s <= 3; s++ {
		for i, d := range Diffs()[:2] { // auto and vector
			rows, err := MeasureDiff(&DiffPlan{Nodes: 120, Diff: d, Losses: []float64{0}, Writes: []int{5}, Seed: s})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("seed %d: %+v", s, rows[0])
			bytes[i] += rows[0].Bytes / 3
			rounds[i] += rows[0].Rounds / 3
		}
	}
	if bytes[0] > 0.8*bytes[1] || rounds[0] > rounds[1]+2 {
		t.Errorf("%.0f and %.0f bytes, %.1f and %.1f rounds", bytes[0], bytes[1], rounds[0], rounds[1])
	}
}

// TestAFrozenMemberHarmsNobody: five seconds of it move the others' 99th
// percentile by at most 5 %, take no memory, and it is level within a second of
// waking.
func TestAFrozenMemberHarmsNobody(t *testing.T) {
	t.Logf("seed %d", seed)
	f, err := MeasureFrozen(&FrozenPlan{Nodes: 16, Rate: 1000, Freeze: 5 * sched.Second, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", f)
	if f.P99 > f.CalmP99*105/100 || f.Last > 2*f.CalmLast {
		t.Errorf("p99 %d µs, %d before; last %d, %d before", f.P99, f.CalmP99, f.Last, f.CalmLast)
	}
	if f.LevelMs < 0 || f.LevelMs > 1000 || f.Mismatched {
		t.Errorf("level after %d ms, equal in the end: %v", f.LevelMs, !f.Mismatched)
	}
	if f.HeapAfter > f.HeapBefore*110/100 || f.StoresGrew > f.HeapBefore/20 {
		t.Errorf("heap %d, %d before; stores grew by %d", f.HeapAfter, f.HeapBefore, f.StoresGrew)
	}
}
