package flowcontrol

import "testing"

// TestMerge: the median and the ends of three runs, figure by figure and second by second.
func TestMerge(t *testing.T) {
	p := Plan{Nodes: 8, MTU: 10}
	var runs [][]Sample
	for _, rate := range []float64{3, 1, 2} {
		var r []Sample
		for s := 1; s <= 180; s++ {
			r = append(r, Sample{Second: s, Rate: rate, RateMax: 2 * rate, Updates: rate, Staleness: 10 * rate, Jain: rate / 4})
		}
		runs = append(runs, r)
	}
	m := Merge(p, "fair", runs)
	if m.Runs != 3 || m.Nodes != 8 || m.Order != "fair" || m.CapacityBefore != Capacity(8, 10) || m.CapacityAfter != Capacity(8, 5) {
		t.Errorf("%+v", m.Summary)
	}
	want := Summary{
		Nodes: 8, Order: "fair", CapacityBefore: m.CapacityBefore, CapacityAfter: m.CapacityAfter,
		RateBefore: 2, RateAfter: 2, RatePeak: 2, StaleBefore: 20, StalePeak: 20, StaleEnd: 20, Jain: 0.5,
	}
	if m.Summary != want {
		t.Errorf("%+v", m.Summary)
	}
	if m.Before != [2]float64{1, 3} || m.After != [2]float64{1, 3} || m.StaleMost != [2]float64{10, 30} {
		t.Errorf("%v, %v, %v", m.Before, m.After, m.StaleMost)
	}
	if b := m.Curve[99]; len(m.Curve) != 180 || b.Second != 100 || b.Median != (Sample{100, 2, 4, 2, 20, 0.5}) ||
		b.Slowest != 1 || b.Fastest != 3 || b.Freshest != 10 || b.Stalest != 30 {
		t.Errorf("%d seconds, the 100th %+v", len(m.Curve), b)
	}
	if (Plan{}).Published() != true || p.Published() || (Plan{Rate: 1}).Published() {
		t.Error("the paper's values belong to its size alone")
	}
}
